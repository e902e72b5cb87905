"""Jobs of a model with a prepare function."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from scoring.core.arguments import job_options
from scoring.core.errors import ErrorCode, ModelRefused
from scoring.core.exits import exit_code
from scoring.core.outcome import Verdict
from scoring.core.states import JobState
from scoring.ledger import jobs, models, proofs, reports
from scoring.ledger.records import Attachment
from scoring.pipeline.context import Context
from scoring.pipeline.parity import check_by_hand
from scoring.pipeline.plan import plan
from scoring.pipeline.prepare import JobRequest
from scoring.pipeline.work import work
from tests.ledger.desk import score_of, split_of
from tests.small_models import linear_model
from tests.unit.pipeline.one_job import rejects, result, submitted, worked, write_rows
from tests.unit.pipeline.test_answers import warnings_of
from tests.unit.pipeline.test_lease import context_in

MODULE = "house_features"
SETTING = "SCORING_PREPARE_MODULES"
FUNCTIONS = """
import numpy as np

sizes = []

def prepare(frame):
    sizes.append(len(frame))
    frame["x"] = frame["price"].astype("float64") / frame["area"]
    frame["y"] = np.where(frame["price"] == 666, np.inf, 1.0)
    return frame.drop(columns=["price"])

def breaks(frame):
    return frame.drop(columns=["area"]).head(1)

def fails(frame):
    raise ValueError("no market today")
"""
SPEC = """
features: [x, y]
prepare: {function: "house_features:FUNCTION", columns: {price: float64, area: float64}}
"""


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / f"{MODULE}.py").write_text(FUNCTIONS)
    monkeypatch.syspath_prepend(folder)
    yield
    sys.modules.pop(MODULE, None)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all: a model that is known is not tried out again."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def context(home: Path) -> Context:
    return context_in(home, **{SETTING: MODULE})


def model_with(folder: Path, function: str = "prepare") -> Path:
    """y = x + y of what the function makes."""
    (folder / "model.yaml").write_text(SPEC.replace("FUNCTION", function))
    return linear_model(folder / "houses.onnx", weights=[1.0, 1.0])


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_the_function_makes_the_features(context: Context, tmp_path: Path, name: str) -> None:
    """What it makes is judged like input: nulls and infinities by their policies, under the names that it gave."""
    csv = name.endswith(".csv")
    price: list[object] = [100.0, 200.0, 666.0, "" if csv else None, 300.0]
    rows = write_rows(
        tmp_path / name,
        id=[1, 2, 3, 4, 5],
        price=list(map(str, price)) if csv else price,
        area=[10.0, 0.0, 6.0, 5.0, 3],
    )
    job = worked(context, submitted(context, model_with(tmp_path), rows, key=["id"]).id)
    assert (JobState.SUCCEEDED, None) == (job.state, job.error)
    assert [(0, 1, 11.0), (4, 5, 101.0)] == [(r["_row"], int(r["id"]), r["y"]) for r in result(job) if r["y"] == r["y"]]
    found = [(reject["_row"], reject["column"], reject["code"]) for reject in rejects(job)]
    assert [(1, "x", "out_of_range"), (2, "y", "out_of_range")] == found
    assert "null_as_nan" in [code for code, _, _ in warnings_of(context, job.id)]


def test_a_plan_shows_what_the_function_leaves_unfit(context: Context, tmp_path: Path) -> None:
    """Among the rejects of its sample, with file and line."""
    rows = write_rows(tmp_path / "rows.csv", price=[100.0, 200.0, 666.0], area=[10.0, 0.0, 6.0])
    request = JobRequest(model=str(model_with(tmp_path)), inputs=(str(rows),), options=job_options())
    sample = plan(context, request).sample
    assert (3, 2, 0) == (sample.rows, sample.rejected, sample.untried)
    assert [(3, "x"), (4, "y")] == [(example.line, example.column) for example in sample.examples]


def test_it_gets_the_same_frames_at_every_attempt(context: Context, tmp_path: Path) -> None:
    """4096 rows each, whatever the micro-batch; the rest of a chunk is smaller."""
    price = [666.0 if row in (5000, 9999) else 1.0 for row in range(10_000)]
    rows = write_rows(tmp_path / "rows.parquet", price=price, area=[1.0] * 10_000)
    job = worked(context, submitted(context, model_with(tmp_path), rows, chunk_rows=10_000).id)
    assert [4096, 4096, 1808] == sys.modules[MODULE].sizes
    assert [5000, 9999] == [reject["_row"] for reject in rejects(job)]


def test_a_module_that_is_not_allowed_is_refused_at_submit(home: Path, tmp_path: Path) -> None:
    """Nothing of it is imported; the setting is named."""
    rows = write_rows(tmp_path / "rows.csv", price=[1.0], area=[1.0])
    with pytest.raises(ModelRefused, match=f"is not allowed here.*{SETTING}"):
        submitted(context_in(home), model_with(tmp_path), rows)
    assert MODULE not in sys.modules


def test_without_other_workers_one_that_may_not_call_it_stops_the_job(
    context: Context, home: Path, tmp_path: Path
) -> None:
    """No chunk could be scored: the job ends with exit 4, not with one failed chunk after the other."""
    rows = write_rows(tmp_path / "rows.csv", price=[1.0, 2.0], area=[1.0, 1.0])
    job = submitted(context, model_with(tmp_path), rows, chunk_rows=1)
    strict = context_in(home)
    work(strict, split_of(job.id), Event())
    work(strict, score_of(job.id, 0), Event())
    job = worked(strict, job.id)
    assert (JobState.FAILED, ErrorCode.MODEL_REFUSED, 4) == (
        job.state,
        job.error_code,
        exit_code(job.state, job.error_code),
    )
    assert SETTING in str(job.error)


def in_fleet(context: Context) -> Context:
    """Other hosts work on the same jobs."""
    return replace(context, settings=replace(context.settings, broker_url="redis://nowhere/0"))


def test_a_worker_of_many_that_lacks_it_hands_the_chunk_back(context: Context, tmp_path: Path) -> None:
    """Not allowed or not installed on one host is no fault of the job: another worker may score it."""
    rows = write_rows(tmp_path / "rows.csv", price=[1.0, 2.0], area=[1.0, 1.0])
    job = submitted(context, model_with(tmp_path), rows, chunk_rows=1)
    work(context, split_of(job.id), Event())
    strict = in_fleet(replace(context, settings=replace(context.settings, prepare_modules=())))
    sys.modules[MODULE] = None  # type: ignore[assignment]  # what Python takes for a module that is not installed
    for chunk, blind in enumerate((strict, in_fleet(context))):
        outcome = work(blind, score_of(job.id, chunk), Event()) or pytest.fail("not claimed")
        assert (Verdict.RELEASED, ErrorCode.PREPARE_NOT_HERE) == (outcome.verdict, outcome.code)
    assert JobState.RUNNING is context.ledger.look(lambda tx: jobs.job(tx, job.id)).state
    assert [] == context.ledger.look(lambda tx: reports.failed_attempts(tx, job.id))
    assert [(job.id, context.worker, ErrorCode.PREPARE_NOT_HERE)] == context.ledger.look(reports.blind_workers)


def test_a_fleet_is_sent_a_job_by_a_host_without_the_function(context: Context, tmp_path: Path) -> None:
    """Also where the model is not proven here: the workers, who have the function, prove it before they score."""
    rows = write_rows(tmp_path / "rows.csv", price=[2.0], area=[1.0], expected_y=[3.0])
    submitted(context, model_with(tmp_path), rows)
    version = context.ledger.look(lambda tx: models.find_model(tx, "houses"))
    proven = check_by_hand(context, version, file=rows)[0].parity or pytest.fail("not proven")
    open_pair = Attachment(parity=replace(proven, tolerance=0.5))
    context.ledger.run(lambda tx: proofs.attach(tx, version.id, open_pair))
    sys.modules[MODULE] = None  # type: ignore[assignment]
    job = submitted(in_fleet(context), model_with(tmp_path), rows, output=str(tmp_path / "fleet"))
    del sys.modules[MODULE]
    assert JobState.SUCCEEDED is worked(context, job.id).state
    assert 2 == len(context.ledger.look(lambda tx: reports.view(tx, "parity_checks"))[1])


@pytest.mark.parametrize(
    ("function", "code", "words"),
    [("fails", "model_refused", "ValueError: no market today"), ("breaks", "bad_output", "got 1 rows")],
)
def test_a_function_that_fails_fails_the_chunk(
    context: Context, tmp_path: Path, function: str, code: str, words: str
) -> None:
    """At once, with its own words; another attempt would not help."""
    rows = write_rows(tmp_path / "rows.csv", price=[1.0, 2.0], area=[1.0, 1.0])
    job = worked(context, submitted(context, model_with(tmp_path, function), rows).id)
    (failure,) = context.ledger.look(lambda tx: reports.failed_attempts(tx, job.id))
    assert (ErrorCode.CHUNKS_FAILED, code) == (job.error_code, failure["error_code"])
    assert words in failure["error"]
    assert "Traceback" not in failure["error"]


def test_a_chunk_without_a_row_calls_nothing(context: Context, tmp_path: Path) -> None:
    """Its part has the columns of the result all the same."""
    rows = tmp_path / "rows.csv"
    rows.write_text("price,area\n")
    job = worked(context, submitted(context, model_with(tmp_path), rows).id)
    assert (JobState.SUCCEEDED, []) == (job.state, result(job))
    assert [] == sys.modules[MODULE].sizes
