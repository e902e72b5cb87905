"""The processes of a campaign: workers and schedulers that are started again whenever they have ended."""

import itertools
import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.acceptance.program import Program
from tests.faults.scene import kill_group

SLOW = "score.read=pause:0.1"
"""So that a fault has a middle of a chunk to strike."""


@dataclass(kw_only=True)
class Member:
    """One place in the fleet, and the process that fills it now."""

    name: str
    command: tuple[str, ...]
    process: "subprocess.Popen[str]"
    # What it is armed with beside SLOW, from the next start on.
    failpoint: str = ""
    # How the processes before this one have ended.
    ends: list[int] = field(default_factory=list)

    @property
    def kind(self) -> str:
        return self.command[0]

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def children(self) -> list[int]:
        """Those of a worker that score."""
        try:
            return [
                int(pid)
                for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
            ]
        except OSError:
            return []

    def signal(self, number: signal.Signals, *, group: bool = False) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number) if group else os.kill(self.process.pid, number)


class Fleet:
    """Three workers and two schedulers."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._markers = itertools.count()
        # Groups of processes whose first one is dead.
        self._former: list[int] = []
        commands = [("worker", "--concurrency", "2")] * 2 + [("worker", "--concurrency", "1")] + [("scheduler",)] * 2
        self.members = [
            Member(
                name=f"{command[0]} {number}", command=command, process=self._start(f"{command[0]} {number}", command)
            )
            for number, command in enumerate(commands)
        ]

    def of(self, kind: str) -> Sequence[Member]:
        return [member for member in self.members if member.kind == kind]

    def revive(self) -> list[str]:
        """Start again who has ended; in words. What was armed for one life is not for the next."""
        said = []
        for member in self.members:
            if not member.running:
                # Its children may have outlived it: that is for them to notice.
                self._former.append(member.process.pid)
                member.ends.append(member.process.wait())
                member.process = self._start(member.name, member.command, member.failpoint)
                said.append(f"{member.name} ended with {member.ends[-1]}, again with {member.failpoint or 'nothing'}")
                member.failpoint = ""
        return said

    def marker(self) -> Path:
        """A file that is not there: whoever makes it strikes."""
        return self._program.folder / f"struck-{next(self._markers)}"

    def orphans(self) -> list[int]:
        """Groups that have outlived their first process."""
        return [pid for pid in self._former if _lives(pid)]

    def close(self) -> None:
        for member in self.members:
            kill_group(member.process)
        for pid in self.orphans():
            os.killpg(pid, signal.SIGKILL)

    def _start(self, name: str, command: tuple[str, ...], failpoint: str = "") -> "subprocess.Popen[str]":
        armed = f"{SLOW};{failpoint}" if failpoint else SLOW
        program = self._program.with_settings(SCORING_FAILPOINTS=armed)
        with (program.folder / f"{name}.log").open("a") as log:
            return program.start(*command, stdout=log, stderr=log, start_new_session=True)


def _lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
