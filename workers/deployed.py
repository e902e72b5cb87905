"""A worker process of a deployment: Celery's prefork pool, how it stops, and what it says of itself."""

import os
import signal
import sys
import threading
from collections.abc import Sequence
from functools import cache, partial
from types import FrameType

from celery import signals
from celery.utils.sysinfo import cpu_budget
from celery.worker import WorkController, state

from scoring.broker import report_broker, sign_broker
from scoring.core.errors import ExitCode
from scoring.core.states import Priority
from scoring.data.storage import store_id
from scoring.ledger.roles import require_worker_rights
from scoring.settings import Settings
from scoring.telemetry import announce, configure
from workers.ackstall import AckStall
from workers.app import deployed_app, keep_the_doorbell_alone, queue_names
from workers.presence import Presence, worker
from workers.process import Service, open_context, process_name, serving
from workers.stoppipe import StopPipe
from workers.watch import Watch

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)

CHILD_GRACE_SECONDS = 15.0
"""A child that gets a SIGTERM of its own (a service manager may signal the whole group) hands its step back within
these; then it ends, finished or not."""

ORPHAN_SECONDS = 5.0
"""The same for a child whose main process has died: its lease must not go on for long, for nobody would kill it."""


def run_worker(
    settings: Settings, *, concurrency: int | None = None, queues: Sequence[Priority] = tuple(Priority)
) -> int:
    """Work on the steps of all submitted jobs until SIGTERM or SIGINT; returns the exit code.

    ``concurrency`` steps run at a time, each in a process of its own (default: usable cores).
    Raises LedgerAway, SettingsError or ServerUnreachable (this host does not see the store) at the start; later the
    worker waits for servers that are away.
    """
    configure(settings.log_format)
    slots = concurrency or cpu_budget().count
    open_context(settings, rights=require_worker_rights).ledger.close()
    pipe = StopPipe()
    # Opened at the first message, in the child: neither a connection nor a session may cross a fork.
    context = cache(partial(open_context, settings))
    announce("worker.started", process=process_name(), slots=slots, queues=",".join(queues))
    _meet_broker(settings)
    with serving(None, Service(context=context, stop=pipe.stop)):
        restart = _Celery(settings, slots, tuple(queues), pipe).run()
    announce("worker.stopped", process=process_name())
    if restart:
        # A signal that comes meanwhile waits for the new program's handlers.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606  # the very command that is running
    return 0


def _meet_broker(settings: Settings) -> None:
    """Say what is wrong with it; that it is away is said by those who need it."""
    mine = store_id(settings.store, create=False) or ""
    sign_broker(settings.broker_url, mine)
    report = report_broker(settings.broker_url)
    if report.evicts:
        announce("broker.evicts", policy=report.eviction_policy)
    if report.deployment not in ("", mine):
        announce("broker.shared", deployment=report.deployment)


class _Celery:
    """The main process: Celery's loop in the main thread, the watch beside it."""

    def __init__(self, settings: Settings, slots: int, queues: tuple[Priority, ...], pipe: StopPipe) -> None:
        self._slots = slots
        self._pipe = pipe
        self._deaf = False
        self._asked_to_end = False
        # In a child: it has no step in hand.
        self._idle = threading.Event()
        self._idle.set()
        app = deployed_app(settings.broker_url)
        app.set_default()
        app.steps["consumer"].add(AckStall)
        self._controller: WorkController = app.WorkController(
            pool="prefork",
            concurrency=slots,
            queues=queue_names(queues),
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
        )
        keep_the_doorbell_alone(app)
        presence = Presence(worker(process_name(), slots=slots, queues=queues))
        self._watch = Watch(settings, presence, state=self._state, restart=self._start_anew)

    def run(self) -> bool:
        """Until a signal. True: until it had to begin anew, deaf or thrown out by a message that kombu cannot read."""
        for number in STOP_SIGNALS:
            signal.signal(number, self._end)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        signals.worker_process_init.connect(self._in_child, weak=False)
        self._watch.start()
        self._controller.start()
        self._watch.close()
        return (self._deaf or bool(self._controller.exitcode)) and not self._asked_to_end

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        """Warm stop; at the second signal a cold one."""
        self._asked_to_end = not self._deaf
        if state.should_stop is not None:
            state.should_terminate = 1
        state.should_stop = 0
        self._pipe.close()

    def _in_child(self, **_: object) -> None:
        self._pipe.watch(self._end_orphan)
        # Not now: the pool puts its own handlers back after this, and they would end the child with its step in hand.
        signals.task_prerun.connect(self._before_step, weak=False)
        signals.task_postrun.connect(self._after_step, weak=False)

    def _before_step(self, **_: object) -> None:
        self._idle.clear()
        signal.signal(signal.SIGTERM, self._end_child)

    def _after_step(self, **_: object) -> None:
        self._idle.set()

    def _end_orphan(self) -> None:
        """Celery's children would wait for ever: each holds an end of the others' pipes."""
        announce("worker.orphaned", process=process_name())
        self._idle.wait(ORPHAN_SECONDS)
        os._exit(ExitCode.JOB_FAILED)

    def _end_child(self, _number: int, _frame: FrameType | None) -> None:
        self._pipe.stop.set()
        timer = threading.Timer(CHILD_GRACE_SECONDS, os._exit, (0,))
        timer.daemon = True
        timer.start()

    def _state(self) -> tuple[int, int]:
        return sum(state.total_count.values()), len(state.active_requests)

    def _start_anew(self, event: str) -> None:
        announce(event, process=process_name())
        self._deaf = True
        os.kill(os.getpid(), signal.SIGTERM)
