"""What a schedule runs, when, and how late: one value, checked whole when it is made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any

from scoring.core.arguments import job_options
from scoring.core.durations import in_units, seconds
from scoring.core.errors import UsageError
from scoring.core.options import JobOptions
from scoring.core.schedules import templates
from scoring.core.schedules.cron import CronLine
from scoring.core.schedules.policies import CatchUp, Overlap
from scoring.core.schedules.rules import (
    WALL_TIME,
    check_expectation,
    check_inputs,
    check_keep,
    check_length,
    check_name,
)
from scoring.core.schedules.sample import some_slots

TEMPLATED = ("output", "idempotency_key", "tag")
"""Arguments in which `{slot:…}` and `{name}` are expanded; the inputs are too."""


@dataclass(frozen=True, kw_only=True)
class ScheduleDefinition:
    """A schedule as it is written down. Raises UsageError where it cannot work; paths are absolute already."""

    # Lower case letters, digits, `_`, `.` and `-`; it stands in paths.
    name: str
    line: CronLine
    # As on the command line of `submit`: a name, name:3, name@alias, or an absolute path.
    model: str
    # Files, folders, globs, @lists; templates.
    inputs: tuple[str, ...]
    # The job's options by name, as `job_options` takes them; lists are tuples. Templates in TEMPLATED.
    arguments: Mapping[str, Any] = field(default_factory=dict)
    overlap: Overlap = Overlap.FORBID
    catch_up: CatchUp = CatchUp.LATEST
    # A slot that has not started so long after its time is skipped; None: never too late.
    deadline_seconds: float | None = None
    # When the result should be there: "06:00" on the clock of the zone, or a duration after the slot, "3h".
    expect_by: str | None = None
    # How long a slot waits for its input; None: it does not, and is refused where the input is missing.
    wait_for_input_seconds: float | None = None
    # What `scoring gc` leaves: "30" batches, or those of "30d" days; None: all.
    keep: str | None = None

    def __post_init__(self) -> None:
        _check_words(self)
        for text in (*self.inputs, *_templated(self.arguments)):
            templates.check(text)
        _check_options(self)

    @property
    def cron(self) -> str:
        return self.line.text

    @property
    def timezone(self) -> str:
        return self.line.timezone

    def start_by(self, slot: datetime) -> datetime | None:
        return _later(slot, self.deadline_seconds)

    def input_by(self, slot: datetime) -> datetime | None:
        return _later(slot, self.wait_for_input_seconds)

    def expected_by(self, slot: datetime) -> datetime | None:
        """The next such time of the clock after the slot, or so long after it; None: nothing is expected."""
        if self.expect_by is None:
            return None
        match = WALL_TIME.fullmatch(self.expect_by)
        if match is None:
            return _later(slot, seconds("--expect-by", self.expect_by))
        return self._next_wall_time(slot, time(int(match[1]), int(match[2])))

    def request_at(self, slot: datetime) -> tuple[str, tuple[str, ...], JobOptions]:
        """Model, inputs and options of the slot's job, templates expanded."""
        inputs = tuple(self._expanded(text, slot) for text in self.inputs)
        arguments = {
            name: self._expanded_value(value, slot) if name in TEMPLATED else value
            for name, value in self.arguments.items()
        }
        return self.model, inputs, job_options(**arguments)

    def changed(self, other: "ScheduleDefinition") -> list[tuple[str, object, object]]:
        """What differs, as it is written: (option, here, in `other`)."""
        here, there = self.as_written(), other.as_written()
        names = dict.fromkeys((*here, *there))
        return [(name, here.get(name), there.get(name)) for name in names if here.get(name) != there.get(name)]

    def as_written(self) -> dict[str, Any]:
        """What a person writes of it: options by name, texts and tuples of texts; what is not set is left out.

        A job's `keep` is `keep_column` here: a schedule's `keep` are its old batches.
        """
        options = {("keep_column" if name == "keep" else name): value for name, value in self.arguments.items()}
        own = {
            "cron": self.cron,
            "timezone": self.timezone,
            "model": self.model,
            "input": self.inputs,
            "overlap": self.overlap.value,
            "catch_up": self.catch_up.value,
            "deadline": _length(self.deadline_seconds),
            "expect_by": self.expect_by,
            "wait_for_input": _length(self.wait_for_input_seconds),
            "keep": self.keep,
        }
        return {name: value for name, value in {**own, **options}.items() if value is not None}

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "cron": self.cron,
            "timezone": self.timezone,
            "model": self.model,
            "inputs": list(self.inputs),
            "arguments": {name: _listed(value) for name, value in self.arguments.items()},
            "overlap": self.overlap.value,
            "catch_up": self.catch_up.value,
            "deadline_seconds": self.deadline_seconds,
            "expect_by": self.expect_by,
            "wait_for_input_seconds": self.wait_for_input_seconds,
            "keep": self.keep,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "ScheduleDefinition":
        known = dict(data)
        known["line"] = CronLine.parse(known.pop("cron"), known.pop("timezone"))
        known["inputs"] = tuple(known["inputs"])
        known["arguments"] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in known["arguments"].items()
        }
        known["overlap"] = Overlap(known["overlap"])
        known["catch_up"] = CatchUp(known["catch_up"])
        return cls(**known)

    def _expanded(self, text: str, slot: datetime) -> str:
        return templates.expand(text, name=self.name, slot=slot, zone=self.line.zone)

    def _expanded_value(self, value: str | Sequence[str], slot: datetime) -> str | tuple[str, ...]:
        if isinstance(value, str):
            return self._expanded(value, slot)
        return tuple(self._expanded(item, slot) for item in value)

    def _next_wall_time(self, slot: datetime, clock: time) -> datetime:
        local = slot.astimezone(self.line.zone)
        for days in (0, 1, 2):
            # A time that a change of clocks leaves out is read with the offset from before it: the same moment, later
            # on the clock.
            at = datetime.combine(local.date() + timedelta(days=days), clock, tzinfo=self.line.zone).astimezone(UTC)
            if at > slot:
                return at
        raise OverflowError("no such time of the clock within two days")


def _check_words(definition: ScheduleDefinition) -> None:
    check_name(definition.name)
    if not definition.model:
        raise UsageError("--model", expected="a model", got="none", remedy="name one: `scoring model list`")
    check_inputs(definition.inputs)
    check_length("--deadline", definition.deadline_seconds)
    check_length("--wait-for-input", definition.wait_for_input_seconds)
    check_keep(definition.keep)
    check_expectation(definition.expect_by)


def _check_options(definition: ScheduleDefinition) -> None:
    """The job's options, as one slot would have them; and what slots may not share is told apart by the slot."""
    options = definition.request_at(some_slots(definition.line)[0])[2]
    if options.output is not None and not options.overwrite and _shared(definition, "output"):
        raise UsageError(
            "--output",
            expected="another folder for each slot, or --overwrite",
            got=f"{definition.arguments['output']!r}, which two slots would share",
            remedy="put the slot into it: {slot:%Y-%m-%d}, or {slot} down to the second",
        )
    if options.idempotency_key is not None and _shared(definition, "idempotency_key"):
        raise UsageError(
            "--idempotency-key",
            expected="another key for each slot",
            got=f"{definition.arguments['idempotency_key']!r}, which two slots would share",
            remedy="leave it out: a slot has one job anyway",
        )


def _shared(definition: ScheduleDefinition, option: str) -> bool:
    text, slots = definition.arguments[option], some_slots(definition.line)
    texts = {templates.expand(text, name=definition.name, slot=slot, zone=definition.line.zone) for slot in slots}
    return len(texts) < len(slots)


def _templated(arguments: Mapping[str, Any]) -> list[str]:
    texts: list[str] = []
    for name in TEMPLATED:
        value = arguments.get(name, ())
        texts += [value] if isinstance(value, str) else value
    return texts


def _later(slot: datetime, length: float | None) -> datetime | None:
    return None if length is None else slot + timedelta(seconds=length)


def _length(length: float | None) -> str | None:
    return None if length is None else in_units(length)


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
