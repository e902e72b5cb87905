"""Print what an image holds, as a CycloneDX document: the packages of the lock that it is built from.

    python deploy/sbom.py [LOCK] >sbom.json

The same lock gives the same document: it bears neither a time nor a random number.
"""

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "deploy" / "requirements.lock"

_PACKAGE = re.compile(r"^([a-z0-9._-]+)==([^ ;\\\n]+)((?:.*\\\n)+.*)$", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def document(lock: str) -> dict[str, Any]:
    """lock: text of a requirements file with hashes."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": _component(project["name"], project["version"], "application")},
        "components": [
            _component(name, version, "library") | {"hashes": _hashes(rest)}
            for name, version, rest in _PACKAGE.findall(lock)
        ],
    }


def _component(name: str, version: str, kind: str) -> dict[str, Any]:
    purl = f"pkg:pypi/{name}@{version}"
    return {"type": kind, "name": name, "version": version, "purl": purl, "bom-ref": purl}


def _hashes(text: str) -> list[dict[str, str]]:
    """Of each file in which the version is published: which one is taken depends on the platform."""
    return [{"alg": "SHA-256", "content": found} for found in _HASH.findall(text)]


if __name__ == "__main__":
    given = Path(sys.argv[1]) if sys.argv[1:] else LOCK
    json.dump(document(given.read_text(encoding="utf-8")), sys.stdout, indent=1)
    sys.stdout.write("\n")
