"""`python deaf.py FILE ARGUMENT…`: `scoring ARGUMENT…` that asks for no messages any more once FILE is there.

A start anew removes FILE, and with it the deafness.
"""

import sys
from pathlib import Path
from typing import Any

from kombu.transport.redis import Channel

from scoring.cli.main import main

listen = Channel._brpop_start
MARK = Path(sys.argv.pop(1))


def listen_unless_deaf(channel: Channel, timeout: Any = None) -> None:
    """Celery's loop turns on, and the connection stands: from outside all is well."""
    if not MARK.exists():
        listen(channel, timeout)


if __name__ == "__main__":
    MARK.unlink(missing_ok=True)
    Channel._brpop_start = listen_unless_deaf
    main()
