"""The batches of a model: succeeded jobs that retention has left."""

from sqlalchemy import text

from scoring.ledger.batches import batches, model_names
from scoring.ledger.database import Ledger
from tests.ledger.desk import FAILED, Desk


def test_batches_are_the_succeeded_jobs_that_were_not_purged(ledger: Ledger) -> None:
    """The newest submission first, over all versions of the model; live, failed, purged and foreign ones are none."""
    desk = Desk(ledger)
    other = desk.model(name="risk", sha256="b" * 64, path="models/b")
    version = desk.model(sha256="c" * 64, path="models/c")
    made = [desk.running(0), desk.running(0, model_version_id=version), desk.running(0), desk.running(0)]
    foreign = desk.running(0, model_version_id=other)
    desk.running(0)
    for job in (*made[:3], foreign):
        desk.finish(job.id)
    desk.finish(made[3].id, FAILED)
    with ledger.write() as tx:
        tx.execute(text("UPDATE jobs SET purged_at = 1 WHERE job_id = :job"), {"job": made[2].id})
    found = ledger.look(lambda tx: batches(tx, "churn"))
    assert [made[1].id, made[0].id] == [job.id for job in found]
    assert ["churn", "risk"] == ledger.look(model_names)
