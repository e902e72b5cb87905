"""A worker's word that it lives, while the disk of the ledger is full."""

from pathlib import Path

import pytest

from scoring.core.errors import StorageFault
from scoring.ledger import processes
from scoring.ledger.database import Ledger
from tests.waiting import wait_for
from workers.presence import present, worker

LARGE = "h" * 100_000
"""A host whose row needs pages of its own."""


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")


def set_pages(ledger: Ledger, pages: int) -> None:
    """How many pages the ledger's file may have: SQLite says beyond them what it says of a full disk."""
    ledger.run(lambda tx: tx.exec_driver_sql(f"PRAGMA max_page_count = {pages}").scalar())


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F65", "no room in the ledger when a worker says that it lives", "it says so again once there is room"
)
def test_a_worker_outlives_a_full_ledger(ledger: Ledger, capfd: pytest.CaptureFixture[str]) -> None:
    """What counts the living would otherwise take it for dead as long as it works."""
    set_pages(ledger, 1)  # no less than it has now
    with pytest.raises(StorageFault):
        ledger.run(lambda tx: processes.beat(tx, worker(f"{LARGE}:1", slots=1)))
    with present(ledger, worker(f"{LARGE}:2", slots=1)):
        wait_for(lambda: "disk of the ledger" in capfd.readouterr().err, "its complaint")
        set_pages(ledger, 1_000_000)
        wait_for(lambda: ledger.look(processes.seen), "its row", seconds=30)
    ledger.close()
