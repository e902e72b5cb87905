"""A cron line in its time zone, and the slots at which it fires.

Days around a change of clocks are Debian cron's: a line with fixed hours fires once in the hour that comes twice, and
at the end of the hour that is left out; a line whose minute or hour starts with `*` follows real time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from cronsim import CronSim, CronSimError
from cronsim.explain import Expression

from scoring.core.errors import UsageError
from scoring.core.schedules.zones import zone

MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}

_EXAMPLE = 'for example "0 2 * * *" for every night at two'
_SOMETIME = "a line that fires at some time"
_ANY_DAY = datetime(2024, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
# No zone has ever set its clock back by more.
_LONGEST_OVERLAP = timedelta(hours=24)


@dataclass(frozen=True)
class CronLine:
    """Five fields, or a macro such as @daily, read in a time zone. Made by `parse`."""

    # As written, with single blanks between its fields.
    text: str
    # Name of the zone that the fields speak of.
    timezone: str = "UTC"

    @classmethod
    def parse(cls, text: str, timezone: str = "UTC") -> "CronLine":
        """Raises UsageError for what is no cron line, for one that never fires, and for an unknown zone."""
        line = cls(" ".join(text.split()), timezone)
        _check(line.fields, zone(timezone), text)
        return line

    @property
    def fields(self) -> str:
        """The five fields, a macro spelled out."""
        return MACROS.get(self.text.lower(), self.text)

    @property
    def zone(self) -> tzinfo:
        return zone(self.timezone)

    def after(self, moment: datetime) -> Iterator[datetime]:
        """The slots later than `moment`, ascending, in UTC. Ends where the calendar does."""
        last = moment.astimezone(UTC)
        for slot in self._fires(last):
            # The second pass through a doubled hour has the first one's wall clock: those slots are over.
            if slot > last:
                last = slot
                yield slot

    def before(self, moment: datetime) -> Iterator[datetime]:
        """The slots earlier than `moment`, descending, in UTC."""
        last = moment.astimezone(UTC)
        for slot in self._fires(last, reverse=True):
            if slot < last:
                last = slot
                yield slot

    def fires_at(self, moment: datetime) -> bool:
        return next(self.after(moment - _TICK), None) == moment

    def in_words(self) -> str:
        """An English sentence without a final stop, such as `At 02:00 every day`."""
        return Expression(["0", *self.fields.upper().split()]).explain()

    def _fires(self, moment: datetime, *, reverse: bool = False) -> Iterator[datetime]:
        try:
            start = moment.astimezone(self.zone)
            if reverse and start.fold:
                # A slot later on this wall clock may have been in the first pass through the doubled hour.
                start = (moment + _LONGEST_OVERLAP).astimezone(self.zone)
            for slot in CronSim(self.fields, start, reverse=reverse):
                yield slot.astimezone(UTC)
        except OverflowError:
            # The first and the last year that a datetime knows.
            return


def _check(fields: str, where: tzinfo, written: str) -> None:
    if fields.startswith("@"):
        raise _refused("one of " + ", ".join(MACROS), written, _EXAMPLE)
    count = len(fields.split())
    if count != 5:
        remedy = "leave the seconds out" if count == 6 else _EXAMPLE
        raise _refused("five fields: minute hour day-of-month month day-of-week", f"{count}: {written!r}", remedy)
    try:
        first = next(CronSim(fields, _ANY_DAY.astimezone(where)), None)
    except (CronSimError, ValueError, TypeError, AssertionError) as error:
        raise _refused(*_explained(fields, str(error), written)) from None
    if first is None:
        raise _never(written)


def _explained(fields: str, error: str, written: str) -> tuple[str, str, str]:
    """What is wrong with the field that cronsim names."""
    names = list(_FIELDS)
    name = next((name for name in names if error.endswith(name)), None)
    if name is None:
        return "five fields: minute hour day-of-month month day-of-week", repr(written), _EXAMPLE
    got = fields.split()[names.index(name)]
    if name == "day-of-month" and got.isdigit() and 1 <= int(got) <= 31:
        return (
            "a line that fires at some time",
            f"{written!r}: no such day in that month",
            "change the day or the month",
        )
    return f"{name}: {_FIELDS[name]}", f"{got!r} in {written!r}", _EXAMPLE


_FIELDS = {
    "minute": "0-59, *, lists 0,30, ranges 0-29, steps */15",
    "hour": "0-23, *, lists 9,17, ranges 9-17, steps */2",
    "day-of-month": "1-31, *, lists, ranges, steps, L for the last day, LW for the last weekday",
    "month": "1-12 or JAN-DEC, *, lists, ranges, steps",
    "day-of-week": "0-7 or SUN-SAT, *, lists, ranges, steps, FRI#2 for the second, 5L for the last Friday",
}


def _never(written: str) -> UsageError:
    return _refused(_SOMETIME, f"{written!r}, which never does", "change the day or the month")


def _refused(expected: str, got: str, remedy: str) -> UsageError:
    return UsageError("the cron line", expected=expected, got=got, remedy=remedy)
