"""`python foreign.py URL QUEUE`: a Celery worker of another program on our Redis, which re-queues after one second.

Its queue has the name of ours, and it has no key prefix; it says each message that it gets.
"""

import sys
from typing import Any

from celery import Celery

app = Celery("foreign", broker=sys.argv[1])
app.conf.broker_transport_options = {"visibility_timeout": 1}
app.conf.task_default_queue = sys.argv[2]


@app.task(name="scoring.step")
def step(*message: Any) -> None:
    """Bears the name of our task, too."""
    sys.stderr.write(f"foreign: got {message}\n")


if __name__ == "__main__":
    app.worker_main(["worker", "--pool", "solo", "--loglevel", "INFO", "--without-mingle", "--without-gossip"])
