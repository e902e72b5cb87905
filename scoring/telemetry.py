"""What the program says while it works: code announces facts, this file turns them into lines on stderr.

All sentences stand here, one per event, so that an operator finds every line of the log in one place. Control
characters are escaped, so that a record is one line. Passwords in URLs are masked wherever they come from.
"""

import json
import logging
import math
import sys
from datetime import UTC, datetime
from string import Formatter

from scoring.core.masking import mask
from scoring.core.outcome import clean
from scoring.settings import LogFormat

DEBUG, INFO, WARNING, ERROR = logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR

EVENTS: dict[str, tuple[int, str]] = {
    # A step, from ring to end. The names after the dot are those of core.outcome.Verdict.
    "step.not_claimed": (INFO, "{step}: nothing to claim; a doubled, late or needless message"),
    "step.claimed": (INFO, "{step}: attempt {attempt} begun"),
    "step.completed": (INFO, "{step}: attempt {attempt} succeeded"),
    "step.released": (INFO, "{step}: attempt {attempt} handed back"),
    "step.retryable": (WARNING, "{step}: attempt {attempt} failed, another may follow ({code}): {error}"),
    "step.permanent": (ERROR, "{step}: attempt {attempt} failed for good ({code}): {error}"),
    "step.lease_lost": (WARNING, "{step}: attempt {attempt} no longer owns the step; nothing of it is kept"),
    "step.rescued": (WARNING, "{step}: its worker has not been heard for a whole lease; taken from it"),
    "step.not_kept": (WARNING, "{step}: the lease of attempt {attempt} was not extended, tried again: {error}"),
    "step.hung": (ERROR, "{step}: attempt {attempt} does not heed its abort; this process ends: {error}"),
    "rejects.lost": (ERROR, "job {job}: what the split rejected of chunk {chunk} cannot be read: {error}"),
    "step.broken": (ERROR, "{step}: the worker could not record what came of it: {error}"),
    # Schedules.
    "schedule.submitted": (INFO, "{schedule}: slot {slot} has job {job}"),
    "schedule.missed": (INFO, "{schedule}: {slots} slots from {first} to {last} passed unseen and are skipped"),
    "schedule.skipped": (WARNING, "{schedule}: slot {slot} is skipped: {reason}"),
    "schedule.refused": (ERROR, "{schedule}: slot {slot} has no job ({code}): {error}"),
    "schedule.input_late": (ERROR, "{schedule}: slot {slot} has no job: {error}"),
    "schedule.late": (WARNING, "{schedule}: slot {slot} is late, expected by {expected_by}; {standing}"),
    "schedule.held": (WARNING, "{schedule}: slot {slot} cannot start now and is tried again: {error}"),
    "schedule.broken": (ERROR, "{schedule}: its definition cannot be used: {error}"),
    # Result tables.
    "table.indexed": (WARNING, "the table {table} has {indexes} indexes: rows go in several times slower than without"),
    "table.copied": (INFO, "{table}: {rows} rows of chunk {chunk} written, {rows_per_second} a second"),
    "table.index_built": (INFO, "{table}: the rows of job {job} are indexed"),
    "table.index_refused": (WARNING, "{table}: Postgres cannot index the rows of job {job}: {error}"),
    # Models.
    "parity.idle_columns": (
        WARNING,
        "{model}: columns of the reference rows that neither feed the model nor hold answers to expect: {columns}",
    ),
    "parity.no_nulls": (
        WARNING,
        "{model}: no null in {rows} reference rows, although the model is given nulls: what it makes of them is open",
    ),
    # Servers.
    "ledger.away": (WARNING, "waiting for the ledger: {error}"),
    "broker.away": (WARNING, "the broker does not answer; {messages} messages of queue {queue} will be rung later"),
    "broker.evicts": (
        WARNING,
        "a full Redis throws messages away ({policy}); they are rung again, late: set maxmemory-policy to noeviction",
    ),
    "broker.shared": (
        WARNING,
        "deployment {deployment} uses the same database of Redis, and takes our messages: give each one of its own",
    ),
    "queue.lost": (WARNING, "queue {queue} has lost {messages} messages; rung again"),
    "message.refused": (WARNING, "a message that is no doorbell was dropped: {reason}"),
    # Processes.
    "worker.started": (INFO, "worker {process}: {slots} slots, queues {queues}"),
    "worker.stopped": (INFO, "worker {process}: stopped"),
    "worker.orphaned": (ERROR, "worker {process}: the main process has died; this one ends"),
    "worker.outdated": (
        ERROR,
        "worker {process}: the ledger is no longer this program's; starting anew with what is installed now",
    ),
    "worker.deaf": (ERROR, "worker {process}: nothing received while steps wait; starting anew"),
    "scheduler.started": (INFO, "scheduler {process}: started"),
    "scheduler.stopped": (INFO, "scheduler {process}: stopped"),
    "failpoints.armed": (WARNING, "SCORING_FAILPOINTS is set: this process is going to fail at {points}"),
    # Lines of libraries, passed on.
    "library": (INFO, "{logger}: {text}"),
}


class _Log:
    """How this process writes. The only state of this file; commands that say nothing about it warn only."""

    format = LogFormat.TEXT
    level = WARNING


def configure(log_format: LogFormat, *, level: int = INFO) -> None:
    """Set how this process writes, and take in the lines of Celery and other libraries from WARNING on."""
    _Log.format = log_format
    _Log.level = level
    logging.basicConfig(handlers=[_LibraryLines()], level=max(level, WARNING), force=True)


def announce(event: str, **fields: object) -> None:
    """Say that `event` happened. Fields that its sentence does not name follow it as ``key=value``."""
    level, sentence = EVENTS.get(event, (INFO, event))
    if level >= _Log.level:
        _write(level, event, sentence, fields)


def _write(level: int, event: str, sentence: str, fields: dict[str, object]) -> None:
    facts = {name: _plain(value) for name, value in fields.items() if value is not None and value != ""}
    message = _tell(sentence, facts)
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    name = logging.getLevelName(level)
    if _Log.format is LogFormat.JSON:
        line = json.dumps({"at": at, "level": name, "event": event, "message": message, **facts}, ensure_ascii=False)
    else:
        line = f"{at} {name:<7} {message}"
    # One write per line: lines of several threads do not mix.
    sys.stderr.write(line + "\n")


def _plain(value: object) -> str | int | float | bool:
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return clean(mask(str(value))).replace("\n", "\\n").replace("\t", "\\t")


def _tell(sentence: str, facts: dict[str, str | int | float | bool]) -> str:
    named = {name for _, name, _, _ in Formatter().parse(sentence) if name}
    rest = [f"{name}={value}" for name, value in facts.items() if name not in named]
    return " ".join([sentence.format_map({**dict.fromkeys(named, "?"), **facts}), *rest])


class _LibraryLines(logging.Handler):
    """Takes log records of libraries over into our lines."""

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            text += f" ({record.exc_info[1]!r})"
        _write(record.levelno, "library", EVENTS["library"][1], {"logger": record.name, "text": text})
