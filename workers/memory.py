"""A Celery worker inside this process: threads over an in-memory broker."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from celery.exceptions import WorkerShutdown

from scoring.core.errors import ScoringError
from scoring.core.ids import JobId, StepId
from scoring.core.states import StepKind
from scoring.queue import STEP_TASK, message_of
from workers.app import embedded_app, queue_names

START_SECONDS = 30.0
"""Within these the worker must have started: a loaded machine needs a tenth of a second."""


class MemoryWorker:
    """The worker's own thread; the steps run in the threads of its pool."""

    def __init__(self, namespace: str, slots: int) -> None:
        self._app = embedded_app()
        # Threads of the pool look for the current application, and find only the default one.
        self._app.set_default()
        self._queues = queue_names(namespace=namespace)
        self._ready = threading.Event()
        self._controller = self._app.WorkController(
            pool="threads",
            concurrency=slots,
            queues=self._queues,
            ready_callback=lambda _consumer: self._ready.set(),
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
        )
        self._loop = threading.Thread(target=self._controller.start, name="worker", daemon=True)

    def start(self) -> None:
        self._loop.start()
        # Before it is ready it could not be stopped: its loop would start afterwards.
        if not self._ready.wait(START_SECONDS):
            raise ScoringError("the worker in this process did not start", remedy="run `scoring doctor`")

    def check(self) -> None:
        """Raise if the worker has ended by itself."""
        if not self._loop.is_alive():
            raise ScoringError(
                "the worker in this process has ended", remedy="see the lines above; then resume the job"
            )

    def stop(self) -> None:
        """Take no more messages, wait for the steps in hand, end the threads."""
        # Raised in the loop's own thread: to take its connection away from here is a race.
        self._controller.consumer.call_soon(_shut_down)
        self._wake()
        self._loop.join()
        self._app.close()

    def _wake(self) -> None:
        # The loop looks up after each message, else every two seconds.
        nobodys = StepId(JobId(""), StepKind.SPLIT)
        self._app.send_task(STEP_TASK, args=[message_of(nobodys)], queue=self._queues[0], retry=False)


def _shut_down() -> None:
    raise WorkerShutdown(0)


@contextmanager
def memory_worker(namespace: str, slots: int) -> Iterator[MemoryWorker]:
    """Work on the queues of `namespace` while the block runs."""
    worker = MemoryWorker(namespace, slots)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()
