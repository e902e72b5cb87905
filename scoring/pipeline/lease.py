"""The heartbeat of one claim: keeps the lease from its own thread, and tells the work when it must stop."""

import os
import time
from threading import Event, Thread
from types import TracebackType

from scoring.core.errors import ExitCode, LeaseLost, LedgerAway, ScoringError, StepTimeout
from scoring.core.outcome import judge
from scoring.core.states import StepKind
from scoring.failpoints import reach
from scoring.ledger import steps
from scoring.ledger.records import Claim
from scoring.pipeline.context import Context
from scoring.telemetry import announce

BEATS_PER_LEASE = 6
MARGIN = 1 / 6
"""Share of the lease before its end at which a worker that cannot extend gives up: the rescuer must find it idle."""

HANG_SECONDS = 10.0
"""Native code that does not heed its abort for this long takes the process with it; the step then goes elsewhere."""


class HandedBack(ScoringError):
    """The process was told to stop: the step goes back as it was, no failure counted."""


class Lease:
    """A claim that is kept alive while the `with` block runs.

    `is_set()` makes it an event that long work watches: true once the step must stop, for whatever reason.
    """

    def __init__(self, context: Context, claim: Claim, stop: Event) -> None:
        self._ledger = context.ledger
        self._claim = claim
        self._stop = stop
        self._seconds = context.settings.lease_seconds
        # A split or a finalize may take as long as the input is large.
        scores = claim.step.kind is StepKind.SCORE
        self._timeout = context.settings.chunk_timeout_seconds if scores else None
        self._begun = self._extended = time.monotonic()
        self._ended = Event()
        self._reason: ScoringError | None = None
        self._thread = self._heart()

    def __enter__(self) -> "Lease":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def is_set(self) -> bool:
        return self._reason is not None or self._stop.is_set()

    def check(self) -> None:
        """Raise the reason why the work must stop, if there is one."""
        if self._reason is not None:
            raise self._reason
        if self._stop.is_set():
            raise HandedBack("the process was told to stop")

    def end(self) -> None:
        """Extend once more and stop beating: what follows is the commit. Raises the reason to stop, LeaseLost first."""
        self.check()
        self._ended.set()
        self._thread.join()
        self._extend()
        if self._reason is not None:
            raise self._reason

    def keep_on(self) -> None:
        """Beat again, where `end` has ended it and the commit that followed was undone."""
        if self._ended.is_set():
            self._ended.clear()
            self._thread = self._heart()
            self._thread.start()

    def _heart(self) -> Thread:
        return Thread(target=self._beat, name=f"lease {self._claim.step}", daemon=True)

    def _beat(self) -> None:
        while self._reason is None:
            if self._ended.wait(self._pause()):
                return
            if self._timeout and time.monotonic() - self._begun >= self._timeout:
                self._reason = _timed_out(self._claim, self._timeout)
            else:
                self._extend()
        if not self._ended.wait(HANG_SECONDS):
            self._leave()

    def _pause(self) -> float:
        beat = self._seconds / BEATS_PER_LEASE
        return beat if not self._timeout else max(0.0, min(beat, self._begun + self._timeout - time.monotonic()))

    def _extend(self) -> None:
        reach("heartbeat.beat", self._claim.step.chunk)
        try:
            held = self._ledger.run(lambda tx: steps.extend(tx, self._claim, self._seconds))
        except LedgerAway as error:
            if time.monotonic() - self._extended > self._seconds * (1 - MARGIN):
                self._reason = error
            return
        self._extended = time.monotonic()
        if not held:
            self._reason = LeaseLost(f"{self._claim.step}: attempt {self._claim.attempt} no longer owns the step")

    def _leave(self) -> None:
        """End the process: the thread that hangs in native code cannot be ended alone."""
        announce("step.hung", step=str(self._claim.step), attempt=self._claim.attempt, error=str(self._reason))
        if isinstance(self._reason, StepTimeout):
            outcome = judge(self._reason)
            try:
                self._ledger.run(lambda tx: steps.fail(tx, self._claim, outcome, 0.0))
            except (LeaseLost, LedgerAway) as error:
                announce("step.lease_lost", step=str(self._claim.step), attempt=self._claim.attempt, error=str(error))
        os._exit(ExitCode.JOB_FAILED)


def _timed_out(claim: Claim, seconds: float) -> StepTimeout:
    return StepTimeout(
        f"{claim.step} took too long",
        expected=f"at most {seconds:g} s (SCORING_CHUNK_TIMEOUT_SECONDS)",
        remedy="allow more time, or make the chunks smaller with --chunk-rows",
    )
