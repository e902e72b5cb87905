"""Labels that come after the job: what a file of them held, and how far a batch has ripened with them."""

from dataclasses import dataclass
from enum import StrEnum

ROW_KEY = "_row"
"""The position of a row in the job's input: a key that every result has."""


class Ripeness(StrEnum):
    """How much of a batch is labelled; the words of `accuracy_history.status`."""

    PARTIAL = "partial"
    COMPLETE = "complete"

    @classmethod
    def of(cls, coverage: float | None) -> "Ripeness":
        """coverage: labelled rows / scored rows; None where nothing was scored."""
        return cls.COMPLETE if coverage is not None and coverage >= 1 else cls.PARTIAL


@dataclass(frozen=True, kw_only=True)
class LabelCounts:
    """Keys of one file of labels, each counted once."""

    # With a label.
    labels: int
    # Of these: in no row of the result, or unreadable as the type of its key.
    unknown: int
    # In the file more than once, with one and the same label.
    doubled: int
    # Had a label before, from an earlier revision or from the input.
    replaced: int
    # In several rows of the result: all of them are labelled.
    shared: int
