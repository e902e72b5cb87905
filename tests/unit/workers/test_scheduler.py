"""The thread that fires schedules beside the tick: what ends one ends both."""

from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from tests.unit.pipeline.test_lease import context_in
from tests.waiting import wait_for
from workers.scheduler import firing


def test_firing_ends_with_the_block(tmp_path: Path) -> None:
    """A scheduler that is told to stop waits for the turn in hand."""
    stop = Event()
    with firing(context_in(tmp_path), stop):
        assert not stop.is_set()
    assert stop.is_set()


def test_a_scheduler_that_can_fire_nothing_does_not_seem_well(tmp_path: Path) -> None:
    """A fault of ours ends the process, for the service manager to start it anew."""
    stop = Event()
    nothing: Any = None
    with pytest.raises(AttributeError), firing(replace(context_in(tmp_path), ledger=nothing), stop):
        wait_for(stop.is_set, "the end")
