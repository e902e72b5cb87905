"""What is known of the accuracy of some rows: kept per chunk as bytes, merged, and turned into figures."""

import json
import zlib
from collections.abc import Iterable

import numpy as np

from scoring.core.accuracy.auc import Pair
from scoring.core.accuracy.binary import BinarySums
from scoring.core.accuracy.figure import Figure, as_figure
from scoring.core.accuracy.multiclass import MulticlassSums
from scoring.core.accuracy.regression import RegressionSums
from scoring.core.binding import Task

Sums = BinarySums | MulticlassSums | RegressionSums

_KINDS: dict[Task, type[Sums]] = {
    Task.BINARY: BinarySums,
    Task.MULTICLASS: MulticlassSums,
    Task.REGRESSION: RegressionSums,
}


def merge(first: Sums, second: Sums) -> Sums:
    """Sums of both. Merge in chunk order: then the figures are the same to the last bit, whoever finished first."""
    match first, second:
        case BinarySums(), BinarySums():
            return first.merged(second)
        case MulticlassSums(), MulticlassSums():
            return first.merged(second)
        case RegressionSums(), RegressionSums():
            return first.merged(second)
    raise ValueError(f"sums of one task expected, got {type(first).__name__} and {type(second).__name__}")


def figures(sums: Sums, scored: int) -> list[Figure]:
    """All metrics of the task (CONTRACT section 7). scored: rows scored, with or without a label."""
    coverage = sums.covered / scored if scored else None
    return [as_figure(value, sums.covered, coverage) for value in sums.values()]


def exact_auc(sums: Sums, pairs: Iterable[Pair]) -> Sums:
    """Sums whose roc_auc is ranked exactly, up to a million rows or if its bound exceeds 0.001.

    Else `sums` as they are, and `pairs` is never begun.

    pairs: batches of (P(positive) [n], label is positive [n]) over all covered rows.
    """
    return sums.exact(pairs) if isinstance(sums, BinarySums) else sums


def to_bytes(sums: Sums) -> bytes:
    head, arrays = sums.packed()
    task = next(task for task, kind in _KINDS.items() if isinstance(sums, kind))
    text = json.dumps({"format": 1, "task": task, "sizes": [len(array) for array in arrays], **head}).encode()
    # Bin keys rise in small steps: their differences pack five times better.
    body = b"".join(np.diff(array, prepend=0).astype("<i8").tobytes() for array in arrays)
    return zlib.compress(len(text).to_bytes(4, "little") + text + body, level=1)


def from_bytes(data: bytes) -> Sums:
    raw = zlib.decompress(data)
    start = 4 + int.from_bytes(raw[:4], "little")
    head = json.loads(raw[4:start])
    kind, sizes = _KINDS[Task(head.pop("task"))], head.pop("sizes")
    del head["format"]
    flat = np.frombuffer(raw, "<i8", offset=start).astype(np.int64)
    return kind.unpacked(head, [np.cumsum(part) for part in np.split(flat, np.cumsum(sizes)[:-1])] if sizes else [])
