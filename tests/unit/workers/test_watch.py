"""An idle worker waits; a deaf one starts anew."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from scoring.core.states import Priority
from scoring.ledger import reports
from scoring.ledger.database import Ledger
from scoring.settings import load_settings
from tests.waiting import wait_for
from workers.presence import BEAT_SECONDS, Presence, worker
from workers.watch import Hearing, Watch, silent_beats

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


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger.open(load_settings({"SCORING_HOME": str(tmp_path)}, folder=tmp_path).database_url)
    yield opened
    opened.close()


def watching(folder: Path, events: list[str]) -> Watch:
    """The watch of an idle worker; `events` gets why it would begin anew."""
    presence = Presence(worker("host:1", slots=1, queues=tuple(Priority)))
    settings = load_settings({"SCORING_HOME": str(folder)}, folder=folder)
    return Watch(settings, presence, state=lambda: (0, 0), restart=events.append)


def test_a_worker_shows_itself_while_it_lives(ledger: Ledger, tmp_path: Path) -> None:
    """Its row comes with the first beat and goes with its end."""
    (watch := watching(tmp_path, [])).start()
    wait_for(lambda: ledger.look(lambda tx: reports.view(tx, "processes"))[1], "a worker")
    watch.close()
    assert [] == ledger.look(lambda tx: reports.view(tx, "processes"))[1]


def test_a_worker_begins_anew_once_its_ledger_is_another(ledger: Ledger, tmp_path: Path) -> None:
    """Upgraded under it: the program that is installed now may fit."""
    ledger.run(lambda tx: tx.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    (watch := watching(tmp_path, events := [])).start()
    watch.join(30)
    watch.close()
    assert ["worker.outdated"] == events
