"""S34: what is shipped is listed, package for package, with its hashes."""

import json
import subprocess
import sys
from pathlib import Path

from tests.architecture.test_files import versions

ROOT = Path(__file__).parents[2]
LOCK = "deploy/requirements.lock"


def test_the_list_holds_every_package_of_the_image() -> None:
    """Names, versions and all hashes of the lock; the same each time."""
    command = [sys.executable, str(ROOT / "deploy/sbom.py")]
    first, second = (subprocess.check_output(command) for _ in range(2))
    assert first == second
    listed = json.loads(first)
    assert "CycloneDX" == listed["bomFormat"]
    found = {(part["name"], part["version"]) for part in listed["components"]}
    assert {(name, version) for name, pins in versions(LOCK).items() for version in pins} == found
    hashes = sum(len(part["hashes"]) for part in listed["components"])
    assert (ROOT / LOCK).read_text().count("--hash=sha256:") == hashes
    assert all(part["hashes"] for part in listed["components"])
