"""Waiting for an event, never for a time."""

import time
from collections.abc import Callable


def wait_for(happened: Callable[[], object], what: str, *, seconds: float = 60) -> None:
    """Look until `happened()` is true; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s for {what}")
        time.sleep(0.02)
