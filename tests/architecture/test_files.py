"""Files stay small enough to be read in one go, and the locks fit on every machine."""

import re
import statistics
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINES = 350
MEDIAN_LINES = 100
LOCKS = ["requirements.lock", "deploy/requirements.lock", "deploy/build.lock"]


def lengths(*folders: str) -> dict[str, int]:
    """Lines of every Python file, by its path."""
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in paths}


def test_no_file_is_longer_than_its_limit() -> None:
    """A file that grows beyond the limit holds more than one idea."""
    every = lengths("scoring", "workers", "migrations", "tests", "benchmarks")
    assert every
    assert {} == {path: lines for path, lines in every.items() if lines > LINES}


def test_the_usual_file_is_short() -> None:
    """Half of the files are read without scrolling back."""
    assert statistics.median(lengths("scoring", "workers").values()) < MEDIAN_LINES


def versions(lock: str) -> dict[str, set[str]]:
    """Name → pinned versions of a lock; several where platforms differ."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([a-z0-9._-]+)==([^ ]+)", (ROOT / lock).read_text(), re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_host_and_no_path(lock: str) -> None:
    """Versions and hashes only: it installs from whatever index a machine is set to."""
    text = (ROOT / lock).read_text()
    assert "--hash=sha256:" in text
    assert [] == re.findall(r".*(?:://|--index|--find-links|@ |file:).*", text)


@pytest.mark.parametrize("lock", LOCKS[1:])
def test_the_image_is_built_from_the_versions_that_were_tested(lock: str) -> None:
    """What the image installs is what the tests ran with."""
    tested = versions("requirements.lock")
    assert {} == {name: pins for name, pins in versions(lock).items() if not pins <= tested.get(name, set())}


def test_the_lock_holds_every_dependency() -> None:
    """A dependency added to pyproject.toml without `make lock` would be missing on the next machine."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *(line for extra in project["optional-dependencies"].values() for line in extra),
    ]
    names = {re.split(r"[^A-Za-z0-9._-]", line)[0].lower() for line in wanted} - {project["name"]}
    assert set() == names - set(versions("requirements.lock"))
