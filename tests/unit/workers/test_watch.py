"""An idle worker waits; a deaf one starts anew."""

import pytest

from workers.presence import BEAT_SECONDS
from workers.watch import Hearing, silent_beats

BUSY = {"received": 5, "idle": False, "waiting": 3}
IDLE = {"received": 5, "idle": True, "waiting": 0}
DEAF = {"received": 5, "idle": True, "waiting": 3}


@pytest.mark.parametrize(
    ("beats", "deaf"),
    [
        ([DEAF] * 4, True),  # three silent beats after the first look
        ([DEAF] * 3, False),  # not yet: the messages may be on their way
        ([BUSY] * 9, False),  # all slots work: the rest waits rightly
        ([IDLE] * 9, False),  # nothing to hear
        ([DEAF, DEAF, IDLE, DEAF, DEAF], False),  # a pause begins to count again
        ([DEAF, {**DEAF, "received": 6}, {**DEAF, "received": 7}, {**DEAF, "received": 8}], False),  # it hears
    ],
)
def test_only_a_worker_that_could_work_and_hears_nothing_is_deaf(beats: list[dict[str, int]], deaf: bool) -> None:
    """Silence counts while a slot is free and steps wait."""
    hearing = Hearing(beats=3)
    assert [hearing.deaf(**beat) for beat in beats][-1] is deaf


@pytest.mark.parametrize(("lease_seconds", "seconds"), [(2, 20), (15, 30), (60, 120), (3_600, 120)])
def test_silence_is_measured_in_leases(lease_seconds: float, seconds: float) -> None:
    """Two of them, but long enough to be sure and short enough for a night."""
    assert seconds == silent_beats(lease_seconds) * BEAT_SECONDS
