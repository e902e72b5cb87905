"""docs/security.md cannot fall behind, and what must not stand in the code does not."""

import ast
import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from scoring.settings import PREFIX, Settings
from tests.architecture.test_docs import COMMANDS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/security.md").read_text(encoding="utf-8")
ROWS = {int(row[0]): row[1:] for row in re.findall(r"^\| S(\d+) \| (.+?) \| (.+?) \| (.+?) \|$", PAGE, re.MULTILINE)}
THREATS = range(1, 36)

UNSAFE_NAMES = {"unsafe_load", "full_load", "UnsafeLoader", "FullLoader"}
UNSAFE_CALLS = {"eval", "exec", "compile", "__import__"}
NETWORK = {"aiohttp", "flask", "flower", "http", "httpx", "requests", "socketserver", "starlette", "urllib3", "uvicorn"}
NETWORK_PARTS = {"urllib.request", "fsspec", "xmlrpc", "ftplib", "smtplib"}
FLOORS = {"celery": (5, 7, 0), "kombu": (5, 7, 0), "pyarrow": (23, 0, 1)}
"""First versions without the holes of FAULTS that a message, or a file, could reach."""


@pytest.mark.parametrize("number", THREATS)
def test_every_threat_has_its_row(number: int) -> None:
    """What is the threat, what is done, and which tests hold it, or what the deployer must do."""
    threat, done, held = ROWS[number]
    assert threat.strip()
    assert done.strip()
    named = re.findall(r"`(tests/[\w/]+\.py)`", held)
    assert named or "Deployer:" in done
    assert [] == [name for name in named if not (ROOT / name).is_file()]
    assert [] == [name for name in named if "def test_" not in (ROOT / name).read_text(encoding="utf-8")]


def test_what_the_page_names_exists() -> None:
    """Settings, commands, make targets and files."""
    settings = {PREFIX + field.name.upper() for field in fields(Settings)}
    assert set(re.findall(rf"`({PREFIX}\w+?)(?:_FILE)?`", PAGE)) <= settings
    commands = re.findall(r"`(scoring [a-z]+)", PAGE)
    assert commands
    assert [] == [command for command in commands if command not in COMMANDS]
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"`make (\w+)`", PAGE)) <= set(targets)
    assert [] == [name for name in re.findall(r"`((?:deploy|scoring)/[\w/.]*)`", PAGE) if not (ROOT / name).exists()]


def test_the_redis_user_is_the_same_everywhere() -> None:
    """What the page shows is what `deploy/make-secrets` makes, and what the tests have run a job with."""
    shown = re.search(r"^ACL SETUSER scoring on >PASSWORD (.*)$", PAGE, re.MULTILINE)
    assert shown
    assert f"'{shown[1]}'" in (ROOT / "deploy/make-secrets").read_text(encoding="utf-8")


def sources() -> list[Path]:
    return [path for folder in ("scoring", "workers", "migrations") for path in (ROOT / folder).rglob("*.py")]


def test_nothing_is_evaluated() -> None:
    """No text becomes code, and YAML is read by a SafeLoader alone."""
    found = []
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in UNSAFE_CALLS:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
            if isinstance(node, ast.Attribute) and node.attr in {
                "unsafe_load",
                "full_load",
                "UnsafeLoader",
                "FullLoader",
            }:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert [] == found


def test_nothing_is_fetched_and_nothing_listens() -> None:
    """No webhook, no download, no dashboard: only Postgres and the broker are spoken to, by their own clients."""
    found = []
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            found += [
                f"{path.relative_to(ROOT)}:{node.lineno} {name}"
                for name in names
                if name.partition(".")[0] in NETWORK or name in NETWORK_PARTS
            ]
    assert [] == found


@pytest.mark.parametrize("package", FLOORS)
def test_versions_with_known_holes_are_not_allowed(package: str) -> None:
    """The lowest version that may be installed is past them, not just the one that was locked."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    (floor,) = [re.search(r">=([\d.]+)", line) for line in wanted if re.match(rf"{package}\b", line)]
    assert floor is not None
    assert FLOORS[package] <= tuple(int(part) for part in floor[1].split("."))
