"""Every move that a role is there for, made by the real functions with the rights of that role alone."""

from collections.abc import Callable

from scoring.core.accuracy.figure import Figure
from scoring.core.errors import ErrorCode
from scoring.core.late_labels import LabelCounts
from scoring.core.parity import Proof
from scoring.core.states import JobState, Priority
from scoring.ledger import jobs, labels, meta, models, parts, processes, proofs, publish, roles, steps
from scoring.ledger.labels import NewLabels
from scoring.ledger.records import JobVerdict, Process, ProcessKind
from tests.ledger.desk import GONE, LEASE, PERMANENT, RETRYABLE, Desk, finalize_of, part, score_of

FIGURE = Figure(metric="accuracy", value=0.5, rows=10, coverage=1.0)
PROOF = Proof(
    reference="r",
    runtime="1",
    provider="CPU",
    passed=True,
    tolerance=0.1,
    max_difference=0.0,
    worst=None,
    rows=1,
    rows_with_nulls=0,
)
LABELS = NewLabels(
    file="truth.csv",
    key_column="id",
    label_column="y",
    path="labels/x",
    sha256="f" * 64,
    counts=LabelCounts(labels=1, unknown=0, doubled=0, replaced=0, shared=0),
)


def test_a_worker_may_make_every_move_of_a_step(desk_of: Callable[[str], Desk]) -> None:
    """Claimed, kept, handed back, failed, lost, completed with rejects and figures, finalized."""
    submitter, worker = desk_of("submitter"), desk_of("hand")
    model = submitter.model()
    job = submitter.submit(model_version_id=model)
    worker.run(roles.require_worker_rights)
    worker.split_into(job.id, 4, rejected=1)
    claim = worker.claim(score_of(job.id, 0))
    assert worker.run(lambda tx: steps.extend(tx, claim, LEASE))
    worker.run(lambda tx: steps.release(tx, claim))
    worker.complete(job.id, 0, rejected=2, scored=8, sums=b"x")
    worker.fail(score_of(job.id, 1), RETRYABLE)
    worker.fail(score_of(job.id, 2), PERMANENT)
    worker.claim(score_of(job.id, 3), lease=GONE)
    assert [score_of(job.id, 3)] == worker.run(steps.rescue_expired)
    assert [score_of(job.id, 1)] == worker.publish(window=1)
    worker.run(lambda tx: publish.oldest_rung(tx, Priority.NORMAL, 1))
    worker.run(lambda tx: publish.unring(tx, [score_of(job.id, 1)]))
    assert 64 == worker.run(lambda tx: jobs.pin_micro_batch(tx, job.id, 64))
    worker.run(lambda tx: proofs.record(tx, model, PROOF))
    worker.run(lambda tx: jobs.stop(tx, job.id, ErrorCode.TOO_MANY_REJECTS, "too many"))
    assert worker.arm(job.id)
    last = worker.claim(finalize_of(job.id))
    worker.run(lambda tx: jobs.begin_finalizing(tx, last, JobVerdict(), [FIGURE]))
    worker.run(lambda tx: parts.drop_sums(tx, job.id))
    assert JobState.FAILED is worker.run(lambda tx: jobs.settle(tx, last)).state


def test_a_worker_may_show_that_it_lives(desk_of: Callable[[str], Desk]) -> None:
    """Seen, seen again, gone; and the first process of a deployment names its store."""
    worker = desk_of("hand")
    process = Process(process="host:9", kind=ProcessKind.WORKER, host="host", version="1", slots=1, queues=())
    for _ in range(2):
        worker.run(lambda tx: processes.beat(tx, process))
    worker.run(processes.forget_lost)
    worker.run(lambda tx: processes.forget(tx, "host:9"))
    assert "one" == worker.run(lambda tx: meta.remember(tx, meta.STORE_ID, "one"))


def test_a_producer_may_make_every_move_of_a_job(desk_of: Callable[[str], Desk]) -> None:
    """Submitted, cancelled amid an attempt, retried after a failure, labelled late."""
    producer, worker = desk_of("submitter"), desk_of("hand")
    cancelled = producer.submit()
    worker.split_into(cancelled.id, 1)
    worker.claim(score_of(cancelled.id, 0))
    producer.run(lambda tx: jobs.cancel(tx, cancelled.id))
    job = producer.submit()
    worker.split_into(job.id, 1)
    worker.fail(score_of(job.id, 0))
    worker.finish(job.id, JobVerdict(error_code=ErrorCode.CHUNKS_FAILED, error="1 chunk failed"))
    assert JobState.RUNNING is producer.run(lambda tx: jobs.retry(tx, job.id)).state
    assert score_of(job.id, 0) in producer.publish()
    again = worker.claim(score_of(job.id, 0))
    worker.run(lambda tx: steps.complete_chunk(tx, again, part(0), [FIGURE]))
    worker.finish(job.id)
    producer.run(lambda tx: labels.add_revision(tx, job.id, LABELS))
    assert producer.run(lambda tx: labels.store_figures(tx, job.id, 1, [FIGURE], {0: [FIGURE]}))


def test_a_producer_keeps_the_registry(desk_of: Callable[[str], Desk]) -> None:
    """Registered, registered again, proven, named, removed."""
    producer = desk_of("submitter")
    model = producer.model()
    producer.run(models.lock_files)
    assert model == producer.model()
    producer.run(lambda tx: proofs.record(tx, model, PROOF))
    for _ in range(2):
        producer.run(lambda tx: models.set_alias(tx, "churn", "champion", 1))
    producer.run(lambda tx: models.drop_alias(tx, "churn", "champion"))
    version = producer.ledger.look(lambda tx: models.version_by_id(tx, model))
    producer.run(lambda tx: models.lock(tx, [version]))
    producer.run(lambda tx: models.remove(tx, [version]))
