"""The program on a terminal of its own, as a person sees and types it."""

import fcntl
import os
import pty
import select
import struct
import termios
import time
from collections.abc import Mapping

from tests.acceptance.program import BIN, TIMEOUT_SECONDS

WHERE_IS_THE_CURSOR = b"\x1b[6n"
CURSOR = b"\x1b[1;1R"
READ_BYTES = 65_536


class Terminal:
    """`type` keys, and wait until a text is `shown`."""

    def __init__(self, settings: Mapping[str, str], *arguments: str) -> None:
        self._child, self._keyboard = pty.fork()
        if self._child == 0:
            environment = {**os.environ, "TERM": "xterm", **settings}
            os.execve(str(BIN / "scoring"), ["scoring", *arguments], environment)  # noqa: S606  # our own program
        fcntl.ioctl(self._keyboard, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 200, 0, 0))
        self._screen = b""

    def type(self, keys: str) -> None:
        os.write(self._keyboard, keys.encode())

    @property
    def obeys(self) -> bool:
        """True while Ctrl-C is a signal to the program; at its prompt it is a key like others."""
        return bool(termios.tcgetattr(self._keyboard)[3] & termios.ISIG)

    def shown(self, text: str) -> str:
        """All that was shown since the last call, up to `text`; fails where it does not come."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while text.encode() not in self._screen:
            assert time.monotonic() < deadline, f"waited for {text!r}, saw {self._screen[-2_000:]!r}"
            self._look()
        before, _, self._screen = self._screen.partition(text.encode())
        return (before + text.encode()).decode()

    def ended(self) -> int:
        """The exit code, once the program has ended."""
        while self._look():
            pass
        _, status = os.waitpid(self._child, 0)
        os.close(self._keyboard)
        return os.waitstatus_to_exitcode(status)

    def _look(self) -> bool:
        """Take in what is there within a second; False once the program has closed the terminal."""
        if not select.select([self._keyboard], [], [], 1)[0]:
            return True
        try:
            found = os.read(self._keyboard, READ_BYTES)
        except OSError:
            return False
        if WHERE_IS_THE_CURSOR in found:
            os.write(self._keyboard, CURSOR)
        self._screen += found
        return bool(found)
