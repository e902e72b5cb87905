"""What must hold after every fault, whatever it was: I1 to I8 of a settled job."""

import pyarrow.parquet as pq

from tests.faults.scene import Work, rows_of, undisturbed


def prove(work: Work, *, state: str = "succeeded") -> None:
    """Fail with what differs."""
    found = work.scene.program.json("status", work.job_id)
    assert state == found["state"], found
    parts = sorted(work.out.glob("part-*.parquet"))
    if state == "succeeded":
        assert rows_of(work.out).equals(undisturbed(work.rows, work.chunk_rows))
        assert (work.out / "_SUCCESS").exists()
        assert not (work.out / "_staging").exists()
    assert found["rows_scored"] == sum(pq.read_metadata(part).num_rows for part in parts)
    _attempts_add_up(work)


def _attempts_add_up(work: Work) -> None:
    """Attempts of a step rise by one, and only the last one has completed it."""
    rows = work.scene.sql(
        "SELECT kind, chunk, array_agg(attempt ORDER BY attempt), array_agg(outcome ORDER BY attempt)"
        " FROM attempts WHERE job_id = %s GROUP BY kind, chunk",
        work.job_id,
    )
    for kind, chunk, numbers, outcomes in rows:
        assert isinstance(numbers, list)
        assert isinstance(outcomes, list)
        assert list(range(1, len(numbers) + 1)) == numbers, (kind, chunk)
        assert "completed" not in outcomes[:-1] or kind == "finalize", (kind, chunk, outcomes)
