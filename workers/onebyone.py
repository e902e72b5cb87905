"""What a dead process had in hand, one step at a time: should it be a step that kills, the next death is its own."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event

from scoring.core.ids import StepId
from scoring.queue import message_of
from workers.process import answer

LOOK_SECONDS = 0.25
"""Pause between two calls of `goes_on`."""


def one_by_one(steps: Sequence[StepId], goes_on: Callable[[], bool], halt: Event) -> None:
    """Make one attempt at each of the steps, each alone in this process.

    goes_on: asked about four times a second, in the calling thread; once it says no, `halt` is set, which hands back
    the step in hand; the others are not begun then.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="one-by-one") as pool:
        try:
            for step in steps:
                done = pool.submit(answer, message_of(step))
                while wait([done], LOOK_SECONDS).not_done:
                    if not goes_on():
                        halt.set()
        except BaseException:
            halt.set()  # before the pool waits for the step in hand
            raise
