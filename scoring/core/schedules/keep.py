"""``--keep``: how many batches of a schedule retention leaves."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, kw_only=True)
class Keep:
    """One of the two is None."""

    # Succeeded batches, the newest ones.
    batches: int | None = None
    # Batches whose slot is at most so long ago.
    age: timedelta | None = None

    @classmethod
    def parse(cls, text: str) -> "Keep":
        """ "30" or "30d", as the definition of a schedule has checked it."""
        if text.endswith("d"):
            return cls(age=timedelta(days=int(text[:-1])))
        return cls(batches=int(text))

    def first_kept(self, succeeded: list[datetime], now: datetime) -> datetime | None:
        """The slot before which batches go; None: none goes.

        succeeded: slots of the succeeded batches, the newest first, `batches` of them at most. The newest one stays.
        """
        if self.age is None:
            return succeeded[-1] if len(succeeded) == self.batches else None
        return min([_before(now, self.age), *succeeded[:1]])

    @property
    def looks_at(self) -> int:
        """Succeeded batches that `first_kept` asks for."""
        return self.batches or 1


def _before(now: datetime, age: timedelta) -> datetime:
    try:
        return now - age
    except OverflowError:
        return datetime.min.replace(tzinfo=now.tzinfo)
