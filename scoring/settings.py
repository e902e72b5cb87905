"""What the environment says: read once, checked whole, frozen.

Every setting is a variable ``SCORING_<NAME>``; ``SCORING_<NAME>_FILE`` names a file that holds the value instead, for
secrets. A ``.env`` file in the working folder is read too; the environment wins over it. Empty values count as unset.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from scoring.core.errors import SettingsError
from scoring.failpoints import Failpoint, parse

PREFIX = "SCORING_"
FILE_SUFFIX = "_FILE"

EMBEDDED_BROKER = "memory://localhost/"
"""With a host: kombu warns of a URL that has none."""

T = TypeVar("T")
D = TypeVar("D")


class LogFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of one process. Paths are absolute; the URLs may hold passwords and stay out of ``repr``."""

    # SQLAlchemy URL of the ledger: sqlite:///… or postgresql+psycopg://…
    database_url: str = field(repr=False)
    # Celery URL of the broker; EMBEDDED_BROKER in embedded mode.
    broker_url: str = field(repr=False)
    # Folder of the embedded ledger and of the lock files of running jobs.
    home: Path
    # Folder of models, chunk files and default results; seen by every host of a deployment.
    store: Path
    # Allow-lists of folders for inputs and outputs, by real path; empty: no restriction.
    input_roots: tuple[str, ...]
    output_roots: tuple[str, ...]
    # Python modules whose functions a model.yaml may name in `prepare`.
    prepare_modules: tuple[str, ...]
    # How long a worker's right to a step lasts without a heartbeat.
    lease_seconds: float
    # Failed attempts after which a step fails for good.
    max_attempts: int
    # Longest time for one chunk; None: no limit.
    chunk_timeout_seconds: float | None
    # Longest time for one chunk without a sign of progress.
    stall_seconds: float
    log_format: LogFormat
    # Show tracebacks of expected errors.
    debug: bool
    # Places where this process is told to fail: for tests of recovery.
    failpoints: tuple[Failpoint, ...]

    @property
    def deployed(self) -> bool:
        """True where a broker joins several processes; False where a command works alone (embedded)."""
        return self.broker_url != EMBEDDED_BROKER

    @property
    def run_folder(self) -> Path:
        """Folder of the lock files of jobs that embedded processes work on."""
        return self.home / "run"


def load_settings(environ: Mapping[str, str] | None = None, *, folder: Path | None = None) -> Settings:
    """Read and check all settings at once.

    ``environ`` defaults to the process environment, ``folder`` (where ``.env`` may lie) to the working folder.
    Raises SettingsError that names every wrong or unknown setting.
    """
    found = _Values(os.environ if environ is None else environ, folder or Path.cwd())
    home = found.take("HOME", _folder, None) or _platform_home()
    settings = Settings(
        database_url=found.take("DATABASE_URL", _database_url, f"sqlite:///{home / 'ledger.db'}"),
        broker_url=found.take("BROKER_URL", _broker_url, EMBEDDED_BROKER),
        home=home,
        store=found.take("STORE", _folder, home / "store"),
        input_roots=found.take("INPUT_ROOTS", _folders, ()),
        output_roots=found.take("OUTPUT_ROOTS", _folders, ()),
        prepare_modules=found.take("PREPARE_MODULES", _modules, ()),
        lease_seconds=found.take("LEASE_SECONDS", partial(_number, at_least=2), 60.0),
        max_attempts=found.take("MAX_ATTEMPTS", _count, 3),
        chunk_timeout_seconds=found.take("CHUNK_TIMEOUT_SECONDS", partial(_number, at_least=1), None),
        stall_seconds=found.take("STALL_SECONDS", partial(_number, at_least=1), 3600.0),
        log_format=found.take("LOG_FORMAT", _log_format, LogFormat.TEXT),
        debug=found.take("DEBUG", _switch, False),
        failpoints=found.take("FAILPOINTS", _failpoints, ()),
    )
    if settings.deployed and settings.database_url.startswith("sqlite"):
        found.problem("BROKER_URL", "a Postgres ledger (SCORING_DATABASE_URL) beside a broker", "a SQLite ledger")
    found.check()
    return settings


class _Values:
    """Text per setting from the three places, and every problem met on the way."""

    def __init__(self, environ: Mapping[str, str], folder: Path) -> None:
        self._problems: list[str] = []
        self._texts: dict[str, str] = {}
        known = [f.name.upper() for f in fields(Settings)]
        variables = {**_dotenv(folder / ".env"), **environ}
        for variable, text in variables.items():
            name = variable.removeprefix(PREFIX)
            if name == variable or not text:
                continue
            if name in known:
                self._texts[name] = text
            elif name.removesuffix(FILE_SUFFIX) in known:
                self._take_file(name, Path(text), also=variables.get(variable.removesuffix(FILE_SUFFIX)))
            else:
                self._unknown(variable, [PREFIX + name for name in known])

    def take(self, name: str, read: Callable[[str], T], default: D) -> T | D:
        """The value of a setting; a wrong one is noted and answered with the default."""
        text = self._texts.get(name)
        if text is None:
            return default
        try:
            return read(text.strip())
        except _Wrong as wrong:
            self.problem(name, wrong.expected, wrong.got or repr(text))
        return default

    def problem(self, name: str, expected: str, got: str) -> None:
        self._problems.append(f"{PREFIX}{name}: expected {expected}; got {got}")

    def check(self) -> None:
        if self._problems:
            raise SettingsError(
                "\n".join(["wrong settings:", *self._problems]),
                remedy="correct them in the environment or in .env; `scoring doctor` checks them",
            )

    def _take_file(self, name: str, path: Path, *, also: str | None) -> None:
        if also:
            self.problem(name, f"one of the two, {name} or {name.removesuffix(FILE_SUFFIX)}", "both")
            return
        try:
            self._texts[name.removesuffix(FILE_SUFFIX)] = path.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            self.problem(name, "a readable text file", f"{path} ({error})")

    def _unknown(self, variable: str, known: list[str]) -> None:
        close = get_close_matches(variable, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
        self._problems.append(f"{variable}: there is no such setting; {hint}")


class _Wrong(Exception):
    """A text that is no value of its setting. ``got`` replaces the text where the text may hold a password."""

    def __init__(self, expected: str, got: str = "") -> None:
        self.expected = expected
        self.got = got


def _dotenv(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    from dotenv import dotenv_values

    # No interpolation: a password may hold "${".
    return {name: text for name, text in dotenv_values(path, interpolate=False).items() if text is not None}


def _platform_home() -> Path:
    from platformdirs import user_data_path

    return user_data_path("scoring", appauthor=False)


def _folder(text: str) -> Path:
    if "://" in text:
        raise _Wrong("a folder", f"a URL ({_scheme(text)}://…), which this version does not read")
    # abspath, not resolve: a link that is switched later must still be followed.
    return Path(os.path.abspath(Path(text).expanduser()))  # noqa: PTH100


def _folders(text: str) -> tuple[str, ...]:
    """Real paths of a list separated by commas or new lines."""
    return tuple(str(_folder(item).resolve()) for item in _items(text))


def _modules(text: str) -> tuple[str, ...]:
    modules = _items(text)
    if not all(part.isidentifier() for module in modules for part in module.split(".")):
        raise _Wrong("names of Python modules, separated by commas")
    return modules


def _items(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.replace("\n", ",").split(",") if item.strip())


def _scheme(url: str) -> str:
    return url.split("://", 1)[0] if "://" in url else ""


def _database_url(text: str) -> str:
    scheme, _, rest = text.partition("://")
    if scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        return f"sqlite:///{_folder(rest[1:])}"
    if scheme in ("postgresql+psycopg", "postgresql", "postgres") and rest:
        _check_address(text)
        return f"postgresql+psycopg://{rest}"
    raise _Wrong("postgresql+psycopg://USER:PASSWORD@HOST/NAME or sqlite:///FILE", _of_scheme(text))


def _broker_url(text: str) -> str:
    scheme, _, rest = text.partition("://")
    if scheme == "memory":
        return EMBEDDED_BROKER
    if scheme in ("redis", "rediss", "amqp", "amqps") and rest:
        _check_address(text)
        return text
    raise _Wrong("redis://HOST:6379/0, amqp://HOST or memory://", _of_scheme(text))


def _check_address(url: str) -> None:
    """A password that is not percent-encoded ends up in host or port, and from there in messages."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  # raises where it is no number
        sound = parts.netloc.count("@") <= 1
    except ValueError:
        sound = False
    if not sound:
        raise _Wrong("USER:PASSWORD@HOST:PORT with @ : / # in the password percent-encoded", _of_scheme(url))


def _of_scheme(url: str) -> str:
    """What may be shown of a refused URL: it may hold a password."""
    return f"{_scheme(url)}://…" if _scheme(url) else "a text that is no URL"


def _number(text: str, *, at_least: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not at_least <= value < float("inf"):
        raise _Wrong(f"seconds, {at_least:g} or more")
    return value


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise _Wrong("a whole number, 1 or more")
    return int(text)


def _log_format(text: str) -> LogFormat:
    if text not in set(LogFormat):
        raise _Wrong(" or ".join(LogFormat))
    return LogFormat(text)


def _failpoints(text: str) -> tuple[Failpoint, ...]:
    try:
        return parse(text)
    except ValueError as error:
        raise _Wrong("terms NAME[#CHUNK][@N]=ACTION[:ARGUMENT][!FILE], separated by ;", str(error)) from None


def _switch(text: str) -> bool:
    switches = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if text.lower() not in switches:
        raise _Wrong("1 or 0")
    return switches[text.lower()]
