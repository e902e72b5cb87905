"""What `scoring doctor` looks at: one check per function, in the order in which a newcomer meets the rooms.

It looks only: it starts nothing, creates nothing, and upgrades nothing.
"""

import os
import platform
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

from scoring.cli.doctor_check import Check, Status, failed, passed, warning
from scoring.cli.doctor_schedules import check_schedules
from scoring.cli.doctor_security import check_patches, check_ways, redis_version
from scoring.cli.network_disk import network_file_system
from scoring.core.errors import ErrorCode, ExitCode, ScoringError, SettingsError
from scoring.core.masking import mask
from scoring.settings import EMBEDDED_BROKER, Settings, load_settings

REDIS_AT_LEAST = (6, 2)
DISK_AT_LEAST = 2**30


def examine() -> Iterator[Check]:
    """All checks, each made when it is asked for. Without settings there is nothing more to check."""
    yield _versions()
    try:
        settings = load_settings()
    except SettingsError as error:
        yield failed("settings", error)
        return
    mode = "deployed" if settings.deployed else "embedded"
    yield passed("settings", f"all settings can be read; mode: {mode}")
    for check in CHECKS:
        try:
            yield from check(settings)
        except ScoringError as error:
            yield failed(check.__name__.removeprefix("check").strip("_"), error)


def _home(settings: Settings) -> Iterator[Check]:
    yield _writable("home", settings.home)
    kind = network_file_system(settings.home)
    if settings.database_url.startswith("sqlite") and kind:
        yield Check(
            name="home",
            status=Status.FAILED,
            message=f"{settings.home} lies on {kind}; the embedded ledger needs a local disk",
            remedy="set SCORING_HOME to a folder on a local disk, or deploy with Postgres",
        )


def _ledger(settings: Settings) -> Iterator[Check]:
    path = Path(settings.database_url.removeprefix("sqlite:///"))
    if settings.database_url.startswith("sqlite") and not path.exists():
        yield passed("ledger", f"{path} will be made by the first command that needs it")
        return
    from scoring.ledger import schema_version
    from scoring.ledger.writable import takes_changes

    revision = schema_version.check(settings.database_url)
    yield passed("ledger", f"it answers; its schema is at revision {revision}, as this program expects")
    if not takes_changes(settings.database_url):
        yield Check(
            name="ledger",
            status=Status.FAILED,
            message="it takes no changes: its server is a standby, or was turned read-only",
            remedy="name the server that takes changes in SCORING_DATABASE_URL, or end what keeps this one from it",
            exit_code=ExitCode.UNREACHABLE,
        )


def _broker(settings: Settings) -> Iterator[Check]:
    if settings.broker_url == EMBEDDED_BROKER:
        yield passed("broker", "embedded: none is needed")
        return
    from scoring.broker import report_broker
    from scoring.data.storage import store_id

    report = report_broker(settings.broker_url)
    if report.error:
        yield Check(
            name="broker",
            status=Status.FAILED,
            message=f"it does not answer: {mask(report.error)}",
            remedy="start it, or correct SCORING_BROKER_URL; jobs can be submitted meanwhile, and are rung later",
            exit_code=ExitCode.UNREACHABLE,
        )
        return
    yield passed("broker", f"it answers; Redis {report.version}" if report.version else "it answers")
    if report.version and (redis_version(report.version) or REDIS_AT_LEAST) < REDIS_AT_LEAST:
        yield warning("broker", f"Redis {report.version} is older than 6.2", "upgrade it")
    yield from check_patches(report)
    if report.evicts:
        yield warning(
            "broker",
            f"a full Redis throws messages away ({report.eviction_policy}); they are rung again, late",
            "set maxmemory-policy to noeviction",
        )
    if report.deployment not in ("", store_id(settings.store, create=False) or report.deployment):
        yield warning(
            "broker",
            f"deployment {report.deployment} uses the same database of this Redis: each takes the other's messages",
            "give each a database of its own, such as redis://HOST:6379/1",
        )


def _store(settings: Settings) -> Iterator[Check]:
    from scoring.data.storage import free_bytes, store_id

    if settings.deployed:
        yield from _store_identity(settings, store_id(settings.store, create=False))
    yield _writable("store", settings.store)
    free = free_bytes(settings.store)
    if free < DISK_AT_LEAST:
        yield warning("store", f"{free / 2**20:,.0f} MiB are free on the disk of {settings.store}", "make room there")


def _store_identity(settings: Settings, found: str | None) -> Iterator[Check]:
    from scoring.ledger import meta
    from scoring.ledger.database import Ledger

    ledger = Ledger.open(settings.database_url)
    try:
        wanted = ledger.look(lambda tx: meta.recall(tx, meta.STORE_ID))
    finally:
        ledger.close()
    if wanted is not None and wanted != found:
        yield Check(
            name="store",
            status=Status.FAILED,
            message=f"this host does not see the store: {settings.store} is another folder than the ledger knows",
            remedy="mount the shared folder, or correct SCORING_STORE",
            exit_code=ExitCode.UNREACHABLE,
        )


def _roots(settings: Settings) -> Iterator[Check]:
    for name, roots in (("INPUT_ROOTS", settings.input_roots), ("OUTPUT_ROOTS", settings.output_roots)):
        missing = [root for root in roots if not Path(root).is_dir()]
        if missing:
            yield warning("roots", f"SCORING_{name} names no folder: {', '.join(missing)}", "correct it")
        if settings.deployed and not roots:
            yield warning(
                "roots", f"SCORING_{name} is not set: jobs may name any folder", "list the folders that jobs may use"
            )
    if settings.input_roots and settings.output_roots:
        yield passed("roots", "inputs and outputs are restricted to the folders listed")


def _processes(settings: Settings) -> Iterator[Check]:
    if not settings.deployed:
        yield passed("processes", "embedded: commands bring their own workers")
        return
    from scoring.ledger import processes
    from scoring.ledger.database import Ledger
    from scoring.ledger.records import ProcessKind

    ledger = Ledger.open(settings.database_url)
    try:
        seen = ledger.look(lambda tx: processes.seen(tx, within_seconds=processes.SEEN_SECONDS))
    finally:
        ledger.close()
    for kind in ProcessKind:
        count = sum(process.kind is kind for process in seen)
        if count:
            yield passed("processes", f"{count} {kind}{'s' if count > 1 else ''} seen in the last minute")
        else:
            yield warning("processes", f"no {kind} seen in the last minute", f"start one: scoring {kind}")


def _prepare_modules(settings: Settings) -> Iterator[Check]:
    for module in settings.prepare_modules:
        if _is_installed(module):
            yield passed("prepare", f"{module} of SCORING_PREPARE_MODULES is installed")
        else:
            yield warning(
                "prepare", f"{module} of SCORING_PREPARE_MODULES is not installed here", "install it, or take it out"
            )


def _is_installed(module: str) -> bool:
    """Found without running it; of `a.b` the package `a` is imported."""
    try:
        return find_spec(module) is not None
    except Exception:  # noqa: BLE001  # of a package, whatever its code raises
        return False


def _inputs(settings: Settings) -> Iterator[Check]:
    """What workers lack for the steps that they handed back."""
    if not settings.deployed:
        return
    from scoring.ledger import reports
    from scoring.ledger.database import Ledger

    ledger = Ledger.open(settings.database_url)
    try:
        blind = ledger.look(reports.blind_workers)
    finally:
        ledger.close()
    for job_id, worker, code in blind:
        if code is ErrorCode.INPUT_NOT_VISIBLE:
            yield warning("inputs", f"{worker} does not see the input of job {job_id}", "mount it on that host")
        else:
            yield warning(
                "prepare",
                f"{worker} lacks the prepare function of job {job_id}",
                "install it on that host, and name its module in SCORING_PREPARE_MODULES there",
            )


CHECKS: tuple[Callable[[Settings], Iterator[Check]], ...] = (
    _home,
    _ledger,
    _broker,
    check_ways,
    _store,
    _roots,
    _prepare_modules,
    _processes,
    _inputs,
    check_schedules,
)


def _versions() -> Check:
    from scoring import __version__

    python = platform.python_version()
    return passed("versions", f"scoring {__version__}, Python {python}, {platform.system()} {platform.machine()}")


def _writable(name: str, folder: Path) -> Check:
    nearest = folder
    while not nearest.exists():
        nearest = nearest.parent
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        return passed(name, f"{folder} can be written")
    return Check(
        name=name,
        status=Status.FAILED,
        message=f"{folder} cannot be written",
        remedy=f"give the rights on {nearest}, or set SCORING_{name.upper()} to another folder",
    )
