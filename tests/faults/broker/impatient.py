"""`python impatient.py SECONDS ARGUMENT…`: `scoring ARGUMENT…` that re-queues what is not acknowledged by then."""

import sys
from typing import Any

from kombu.transport.redis import QoS

from scoring.cli.main import main

restore = QoS.restore_visible


def look_each_time(qos: QoS, start: int = 0, num: int = 10, interval: int = 1) -> Any:
    """Kombu looks every 100 s."""
    return restore(qos, start, num, 1)


if __name__ == "__main__":
    QoS.visibility_timeout = float(sys.argv.pop(1))
    QoS.restore_visible = look_each_time
    main()
