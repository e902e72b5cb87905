"""The heartbeat of one claim: keeps the lease beside the work, and tells the work when it must stop."""

import os
import time
from collections.abc import Callable
from threading import Event, Lock, Thread, current_thread
from types import TracebackType

from scoring.core.errors import ExitCode, LeaseLost, LedgerAway, ScoringError, StepTimeout, WorkerLost
from scoring.core.outcome import judge
from scoring.core.states import StepKind
from scoring.failpoints import reach
from scoring.ledger import steps
from scoring.ledger.database import Tx
from scoring.ledger.records import Claim
from scoring.pipeline.context import Context
from scoring.telemetry import announce

BEATS_PER_LEASE = 6
MOST_BEAT_SECONDS = 5.0
"""A beat tells the work too that its job is cancelled, and a cancelled job has to stand still within ten seconds."""

MARGIN = 1 / 6
"""Share of the lease before its end at which a worker that cannot extend gives up: the rescuer must find it idle."""

HANG_SECONDS = 10.0
"""Native code that does not heed its abort for this long takes the process with it; the step then goes elsewhere."""

AWAY_HANG_SECONDS = 300.0
"""The same where the ledger was away: work that waits for it hangs in no native code, and comes back by time-outs of
the ledger that are shorter than this together; then the step is handed back, and no failure is counted."""

LAST_WORD_SECONDS = 5.0
"""A process that ends so gives the ledger this long to take down why."""


class HandedBack(ScoringError):
    """The process was told to stop: the step goes back as it was, no failure counted."""


class Lease:
    """A claim that is kept alive while the `with` block runs.

    `is_set()` makes it an event that others watch: true once the step must stop, for whatever reason. The work itself
    calls `check()`, and so shows that it goes on.
    """

    def __init__(self, context: Context, claim: Claim, stop: Event, *, asked: float | None = None) -> None:
        """asked: when the ledger was asked for the claim, on the monotonic clock: the lease is no older than that."""
        self._ledger = context.ledger
        self._claim = claim
        self._stop = stop
        self._seconds = context.settings.lease_seconds
        self._beat_seconds = min(self._seconds / BEATS_PER_LEASE, MOST_BEAT_SECONDS)
        # A split or a finalize may take as long as the input is large.
        scores = claim.step.kind is StepKind.SCORE
        self._timeout = context.settings.chunk_timeout_seconds if scores else None
        self._stall = context.settings.stall_seconds if scores else None
        # On the monotonic clock: the beginning, the last beat that came through, the last sign of work.
        self._begun = self._moved = time.monotonic()
        self._extended = self._begun if asked is None else asked
        self._ended = Event()
        # The first one found, by the work, the watcher or a beat.
        self._reason: ScoringError | None = None
        self._reasoning = Lock()
        # What the last beat has met.
        self._trouble: Exception | None = None
        self._beat = Thread()
        self._watcher = self._watch_thread()

    def __enter__(self) -> "Lease":
        self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._watcher.join()

    def is_set(self) -> bool:
        """Whether the work must stop: a question, that any thread may ask."""
        return self._why() is not None

    def check(self) -> None:
        """For the work, at each of its steps: take down that it goes on; raise the reason to stop, if there is one."""
        self._moved = time.monotonic()
        reason = self._why()
        if reason is not None:
            raise reason

    def end(self) -> None:
        """Extend once more and stop beating: what follows is the commit. Raises the reason to stop."""
        self.check()
        self._ended.set()
        self._watcher.join()
        if self._beat.is_alive():
            self._beat.join(self._beat_seconds)  # one that hangs would keep each commit for most of a lease
        self._extend(self._ledger.run)
        if self._reason is not None:
            raise self._reason

    def keep_on(self) -> None:
        """Beat again, where `end` has ended it and the commit that followed was undone."""
        if self._ended.is_set():
            self._ended.clear()
            self._watcher = self._watch_thread()
            self._watcher.start()

    def _why(self) -> ScoringError | None:
        # Looked at here too, not by the watcher alone: should that be gone, the work still ends in time.
        self._stop_for(self._over())
        if self._reason is None and self._stop.is_set():
            return HandedBack("the process was told to stop")
        return self._reason

    def _stop_for(self, reason: ScoringError | None) -> None:
        with self._reasoning:
            self._reason = self._reason or reason

    def _over(self) -> ScoringError | None:
        """The limit that has passed."""
        now = time.monotonic()
        if self._left() == 0.0:
            return self._cut_off()
        if self._timeout and now - self._begun >= self._timeout:
            return _timed_out(self._claim, self._timeout)
        if self._stall and now - self._moved >= self._stall:
            return _stalled(self._claim, self._stall)
        return None

    def _left(self) -> float:
        """Seconds that the work may go on without another beat."""
        return max(0.0, self._extended + self._seconds * (1 - MARGIN) - time.monotonic())

    def _cut_off(self) -> ScoringError:
        if isinstance(self._trouble, LedgerAway):
            return self._trouble
        if self._trouble is None:
            return LedgerAway(f"{self._claim.step}: the lease could not be extended", got="no answer from the ledger")
        return WorkerLost(
            f"{self._claim.step}: the heartbeat has failed",
            expected=f"a lease that is extended within {self._seconds:g} s",
            got=f"{type(self._trouble).__name__}: {self._trouble}",
        )

    def _watch_thread(self) -> Thread:
        return Thread(target=self._watch, name=f"lease {self._claim.step}", daemon=True)

    def _watch(self) -> None:
        """Look at the limits and send the beats; waits for none of them, for the ledger may not answer."""
        ends = float("inf")
        while not self._ended.wait(self._pause()):
            self._stop_for(self._over())
            now = time.monotonic()
            if self._reason is not None:
                ends = min(ends, now + (AWAY_HANG_SECONDS if isinstance(self._reason, LedgerAway) else HANG_SECONDS))
            if now >= ends:
                self._leave()
            # Until the work has ended as well: the step stays its own, or what came of it could not be taken down.
            if not self._beat.is_alive():
                self._send_beat()

    def _pause(self) -> float:
        """Until the next beat, or the limit that is reached before."""
        if self._reason is not None:
            return self._beat_seconds
        now = time.monotonic()
        limits = [(self._begun, self._timeout), (self._moved, self._stall)]
        left = [since + seconds - now for since, seconds in limits if seconds]
        return max(0.0, min(self._beat_seconds, self._left(), *left))

    def _send_beat(self) -> None:
        # Apart from the connections of the work, which may all be in use, and for long.
        run = self._ledger.keep
        self._beat = Thread(target=self._extend, args=(run,), name=f"beat {self._claim.step}", daemon=True)
        try:
            self._beat.start()
        except RuntimeError as error:  # no thread to be had; one of the next beats may get one
            self._trouble = error

    def _extend(self, run: Callable[[Callable[[Tx], bool]], bool]) -> None:
        asked = time.monotonic()
        try:
            reach("heartbeat.beat", self._claim.step.chunk)
            held = run(lambda tx: steps.extend(tx, self._claim, self._seconds))
        except Exception as error:  # noqa: BLE001  # the next beat makes up for it; too long without one ends the work
            self._trouble = error
            announce("step.not_kept", step=str(self._claim.step), attempt=self._claim.attempt, error=str(error))
            return
        self._trouble = None
        if held:
            self._extended = max(asked, self._extended)
        # A beat that `end` no longer waited for may find what the commit has done since.
        elif not (self._ended.is_set() and current_thread() is self._beat):
            self._stop_for(LeaseLost(f"{self._claim.step}: attempt {self._claim.attempt} no longer owns the step"))

    def _leave(self) -> None:
        """End the process, come what may: the thread that hangs in native code cannot be ended alone."""
        try:
            announce("step.hung", step=str(self._claim.step), attempt=self._claim.attempt, error=str(self._reason))
            if isinstance(self._reason, StepTimeout | WorkerLost):
                last_word = Thread(target=self._record, args=(self._reason,), daemon=True)
                last_word.start()
                last_word.join(LAST_WORD_SECONDS)
        finally:
            os._exit(ExitCode.JOB_FAILED)

    def _record(self, reason: ScoringError) -> None:
        try:
            self._ledger.keep(lambda tx: steps.fail(tx, self._claim, judge(reason), 0.0))
        except Exception as error:  # noqa: BLE001  # the process ends in any case; the lease then tells the scheduler
            announce("step.lease_lost", step=str(self._claim.step), attempt=self._claim.attempt, error=str(error))


def _timed_out(claim: Claim, seconds: float) -> StepTimeout:
    return StepTimeout(
        f"{claim.step} took too long",
        expected=f"at most {seconds:g} s (SCORING_CHUNK_TIMEOUT_SECONDS)",
        remedy="allow more time, or make the chunks smaller with --chunk-rows",
    )


def _stalled(claim: Claim, seconds: float) -> StepTimeout:
    return StepTimeout(
        f"{claim.step} hangs",
        expected=f"a sign of progress every {seconds:g} s (SCORING_STALL_SECONDS), such as a micro-batch that ends",
        remedy="see the log of the worker; where the model is that slow, allow more time",
    )
