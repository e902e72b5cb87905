"""The doorbell. Opens its message, calls one function, returns; Celery loads it by name."""

from celery import shared_task

from scoring.queue import STEP_TASK
from workers import process


@shared_task(name=STEP_TASK, ignore_result=True)
def step(*message: object, **_: object) -> None:
    """Do the step that the message names. Any arguments are taken: garbage is refused in words, not by a traceback."""
    process.answer(message[0] if message else None)
