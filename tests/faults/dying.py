"""`python dying.py JOB STEP:before|after:CALL… moment:SECONDS…`: a process for each, that works on the job and dies.

By SIGKILL, at the CALL-th call of a step, or SECONDS after its start. A last one ends the job. Says how many died.
"""

import itertools
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

STEPS = ("stage", "copy", "complete", "commit", "promote", "index", "settle")
"""In the order of their first calls."""


class Death:
    """Counts the calls of one step, and kills the process before or after the one that was chosen."""

    def __init__(self, when: str, call: int) -> None:
        self._when = when
        self._call = call
        self._calls = itertools.count(1)

    def around(self, step: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(step)
        def mortal(*arguments: Any, **named: Any) -> Any:
            call = next(self._calls)
            self.strike("before", call)
            result = step(*arguments, **named)
            self.strike("after", call)
            return result

        return mortal

    def within(self, blocks: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
        """Before the first block is written, or after the last one: the COPY itself has not ended then."""

        def mortal(*arguments: Any) -> Iterator[Any]:
            call = next(self._calls)
            self.strike("before", call)
            yield from blocks(*arguments)
            self.strike("after", call)

        return mortal

    def strike(self, when: str, call: int) -> None:
        if (when, call) == (self._when, self._call):
            os.kill(os.getpid(), signal.SIGKILL)


def set_trap(step: str, death: Death) -> None:
    from scoring.data import parts
    from scoring.ledger import jobs, result_indexes, steps
    from scoring.pipeline import to_table

    match step:
        case "copy":
            to_table.copy_blocks = death.within(to_table.copy_blocks)
        case "commit":
            _trap_commit(death)
        case _:
            module, name = {
                "stage": (parts, "stage_part"),
                "complete": (steps, "complete_chunk"),
                "promote": (parts, "promote_part"),
                "index": (result_indexes, "build_indexes"),
                "settle": (jobs, "settle"),
            }[step]
            setattr(module, name, death.around(getattr(module, name)))


def _trap_commit(death: Death) -> None:
    """Only of transactions that complete a chunk."""
    from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

    from scoring.ledger import steps

    completing, complete, commit = threading.local(), steps.complete_chunk, PGDialect_psycopg.do_commit
    mortal = death.around(commit)

    def completed(*arguments: Any) -> None:
        complete(*arguments)
        completing.now = True

    def do_commit(*arguments: Any) -> None:
        if getattr(completing, "now", False):
            completing.now = False
            mortal(*arguments)
        else:
            commit(*arguments)

    steps.complete_chunk = completed
    PGDialect_psycopg.do_commit = do_commit  # type: ignore[method-assign]


def work_on(job: str, trap: str | None) -> None:
    from scoring.core.ids import JobId
    from scoring.settings import load_settings
    from workers.embedded import run_embedded
    from workers.process import open_context

    if trap is not None:
        step, when, call = trap.split(":")
        set_trap(step, Death(when, int(call)))
    run_embedded(open_context(load_settings()), JobId(job), resumed=True)


def child(job: str, trap: str | None) -> int:
    """Forked, so that what all of them import is imported once."""
    pid = os.fork()
    if pid:
        return pid
    try:
        work_on(job, trap)
    except BaseException:  # noqa: BLE001  # said, and told from a death by the exit code
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def die(job: str, death: str) -> int:
    """Minus the signal that ended the process; 0 where it has ended the job first."""
    if not death.startswith("moment:"):
        return os.waitstatus_to_exitcode(os.waitpid(child(job, death), 0)[1])
    pid = child(job, None)
    threading.Timer(float(death.removeprefix("moment:")), os.kill, (pid, signal.SIGKILL)).start()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main(job: str, *deaths: str) -> None:
    # All that a child needs, before the first fork.
    import scoring.pipeline.work  # noqa: F401
    import workers.embedded  # noqa: F401

    ends = [die(job, death) for death in deaths]
    ends.append(os.waitstatus_to_exitcode(os.waitpid(child(job, None), 0)[1]))
    if ends[-1] or not set(ends) <= {0, -signal.SIGKILL}:
        sys.exit(f"expected death or success of each, got {ends}")
    sys.stdout.write(f"{ends.count(-signal.SIGKILL)}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
