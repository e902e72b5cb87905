"""How many batches stay."""

from datetime import UTC, datetime, timedelta

import pytest

from scoring.core.schedules.keep import Keep

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def ago(days: int) -> datetime:
    return NOW - timedelta(days=days)


@pytest.mark.parametrize(
    ("keep", "succeeded", "first_kept"),
    [
        pytest.param("2", [1, 2], 2, id="from the last one that counts"),
        pytest.param("3", [1, 2], None, id="fewer than that: none goes"),
        pytest.param("7d", [1], 7, id="by age"),
        pytest.param("7d", [20], 20, id="the newest good one stays, however old"),
        pytest.param("7d", [], 7, id="without a good one the failed ones go by age"),
    ],
)
def test_the_first_batch_that_stays(keep: str, succeeded: list[int], first_kept: int | None) -> None:
    """Batches count by their slot, the newest first."""
    expected = None if first_kept is None else ago(first_kept)
    assert expected == Keep.parse(keep).first_kept([ago(days) for days in succeeded], NOW)


def test_an_age_beyond_the_calendar_keeps_all() -> None:
    """As many nines as the option takes."""
    first = Keep.parse("999999999d").first_kept([ago(1)], NOW)
    assert first is not None
    assert ago(365 * 2000) > first
