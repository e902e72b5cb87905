"""S32: who asks for too much is refused at submit, with the number; S35: ids tell nothing."""

import statistics
from itertools import pairwise
from pathlib import Path

import pytest

from scoring.core import limits
from scoring.core.chunks import check_chunks
from scoring.core.errors import InputRefused, TooManyJobs
from scoring.core.ids import new_job_id
from scoring.ledger import jobs
from scoring.ledger.database import Ledger
from tests.acceptance.program import Program
from tests.ledger.desk import Desk, finalize_of
from tests.small_models import churn_model

PAGE = Path(__file__).parents[2] / "docs/security.md"


def test_a_job_of_absurdly_small_chunks_is_refused(tmp_path: Path) -> None:
    """By the rows that are expected, before anything is written."""
    churn_model(tmp_path / "churn.onnx")
    (tmp_path / "rows.csv").write_text("age,plan\n" + "31,free\n" * (limits.MAX_CHUNKS + 200_000))
    refused = Program(tmp_path)("submit", "churn.onnx", "rows.csv", "--chunk-rows", 1, code=4)
    assert f"at most {limits.MAX_CHUNKS:,}" in refused.stderr
    assert [] == Program(tmp_path).json("jobs")


def test_the_last_chunk_that_is_allowed() -> None:
    """Parts bear six digits."""
    check_chunks(limits.MAX_CHUNKS)
    with pytest.raises(InputRefused, match="1,000,001"):
        check_chunks(limits.MAX_CHUNKS + 1)
    assert 6 == len(str(limits.MAX_CHUNKS - 1))


def test_a_loop_that_submits_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the number of live ones. `scoring run`, and who asks for a job that is there, is served."""
    monkeypatch.setattr(jobs, "MAX_LIVE_JOBS", 3)
    desk = Desk(Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}"))
    desk.submit(runner="here:laptop")
    submitted = [desk.submit(idempotency_key=f"k{number}") for number in range(3)]
    with pytest.raises(TooManyJobs, match="at most 3"):
        desk.submit()
    assert submitted[0].id == desk.submit(idempotency_key="k0").id
    desk.submit(runner="here:laptop")
    desk.run(lambda tx: jobs.cancel(tx, submitted[0].id))
    claim = desk.claim(finalize_of(submitted[0].id))
    desk.run(lambda tx: jobs.settle(tx, claim))
    desk.submit()
    desk.ledger.close()


def test_every_limit_stands_in_the_docs() -> None:
    """Whoever runs into one finds it."""
    page = PAGE.read_text()
    names = [name for name in vars(limits) if name.isupper()]
    assert names
    assert [] == [name for name in names if f"`{name}`" not in page or f"{vars(limits)[name]:,}" not in page]


def test_ids_of_jobs_are_random_and_in_no_order() -> None:
    """64 bits from the system's own source: no id tells of another job, or when it was made."""
    ids = [new_job_id() for _ in range(2_000)]
    assert {16} == set(map(len, ids))
    assert len(set(ids)) == len(ids)
    rising = sum(first < second for first, second in pairwise(ids))
    assert 800 < rising < 1_200
    bits = [int(id, 16).bit_count() for id in ids]
    assert abs(statistics.mean(bits) - 32) < 1
