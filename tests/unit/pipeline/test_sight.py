"""When a scheduler may take over leases that ran out."""

from dataclasses import replace
from pathlib import Path

import pytest

from scoring.core.states import StepState
from scoring.ledger import steps
from scoring.pipeline.tick import TURN_SECONDS, TURNS_PER_LEASE, Sight, Ticker
from tests.ledger.desk import GONE, Desk, score_of
from tests.unit.pipeline.test_lease import context_in
from tests.unit.pipeline.test_overdue import Heard

LEASE = 60.0


def looks(times: list[float], server: object = "up") -> list[bool]:
    sight = Sight(LEASE)
    return [sight.clear((now, now), server) for now in times]


@pytest.mark.parametrize(
    ("times", "expected", "reason"),
    [
        ([0], [False], "a scheduler that has just started knows nothing of the time before"),
        ([0, 20, 40, 60], [False, False, False, True], "one lease without a gap"),
        ([0, 20, 50, 60], [False] * 4, "a gap of more than a third of the lease: the host may have slept"),
        ([0, 20, 50, 70, 90, 110], [False] * 5 + [True], "sight is won again after a gap"),
    ],
)
def test_leases_are_rescued_only_after_one_lease_of_unbroken_sight(
    times: list[float], expected: list[bool], reason: str
) -> None:
    """A scheduler rescues once it has looked at the ledger for a whole lease without a gap."""
    assert expected == looks(times), reason


def test_a_restarted_server_blinds_the_scheduler() -> None:
    """Workers could not extend their leases while the server was away, so the count begins anew."""
    sight = Sight(LEASE)
    for now in range(0, 61, 20):
        sight.clear((now, now), "first start")
    assert not sight.clear((70, 70), "second start")


def test_an_outage_blinds_the_scheduler() -> None:
    """A ledger that did not answer is no proof that a worker is dead."""
    sight = Sight(LEASE)
    for now in range(0, 61, 20):
        sight.clear((now, now), "up")
    sight.lose()
    assert not sight.clear((70, 70), "up")


def test_a_closed_lid_blinds_the_scheduler() -> None:
    """While the host sleeps the monotonic clock may stand still; the wall clock tells."""
    sight = Sight(LEASE)
    for now in range(0, 61, 20):
        sight.clear((now, now), "up")
    assert not sight.clear((70, 3_670), "up")


def test_turns_are_short_enough_for_the_shortest_lease() -> None:
    """With the shortest lease allowed, the pauses between turns are no gap in sight."""
    shortest = 2.0
    sight = Sight(shortest)
    turn = min(TURN_SECONDS, shortest / TURNS_PER_LEASE)
    assert any(sight.clear((number * turn, number * turn), "up") for number in range(TURNS_PER_LEASE + 1))


def test_a_rescue_that_took_too_long_is_undone_and_the_turn_goes_on(tmp_path: Path) -> None:
    """What held it up has kept owners from their heartbeats too; other steps are rung, for the ledger is not away."""
    context = context_in(tmp_path, SCORING_LEASE_SECONDS=f"{LEASE}")
    desk, bell = Desk(context.ledger), Heard()
    job = desk.running(2)
    lost, handed_back = desk.claim(score_of(job.id, 0), lease=GONE), desk.claim(score_of(job.id, 1))
    looks = iter((0, 20, 40, 60, 90))  # the last one, in the midst of the rescue, comes half a lease late
    context = replace(context, bell=bell, only_job=job.id, slots=1)
    ticker = Ticker(context, clocks=lambda: (now := next(looks), now))
    for _ in range(3):
        ticker.turn()
    desk.run(lambda tx: steps.release(tx, handed_back))
    ticker.turn()
    assert (StepState.RUNNING, [handed_back.step]) == (desk.step(lost.step).state, bell.rung)
