"""What a plan shows before there is a job: the binding, what becomes of the first rows, and the time."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from scoring.core.arguments import job_options
from scoring.core.errors import InputRefused
from scoring.ledger import jobs
from scoring.pipeline.context import Context
from scoring.pipeline.model_files import find_model
from scoring.pipeline.plan import Plan, plan
from scoring.pipeline.plan_probe import RowCost
from scoring.pipeline.prepare import JobRequest
from scoring.pipeline.registry import register
from tests.small_models import churn_model, linear_model
from tests.small_tables import written
from tests.unit.pipeline.test_lease import context_in

SPEC = """
features: [born, plan, price, f3]
derive: {born: {column: born, unit: days, since: 2000-01-01}, price: {column: cents, scale: 0.01}}
categories: {plan: {codes: {free: 0, pro: 1}, unknown: -1}}
fill: {f3: 7}
"""


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """A home with two models: `churn` of two named inputs, `linear` of one matrix with four columns."""
    home = tmp_path_factory.mktemp("home")
    opened = context_in(home)
    for path in (churn_model(home / "churn.onnx"), linear_model(home / "linear.onnx", weights=[1.0, 2.0, 3.0, 4.0])):
        register(opened, find_model(opened, str(path), None))
    yield opened
    opened.ledger.close()


def planned(context: Context, model: str, *inputs: Path, **options: Any) -> Plan:
    return plan(context, JobRequest(model=model, inputs=tuple(map(str, inputs)), options=job_options(**options)))


def test_each_input_shows_what_feeds_it(context: Context, tmp_path: Path) -> None:
    """Column, its type in the file, the cast, and what becomes of nulls; and what nobody needs."""
    rows = written(
        tmp_path / "rows.parquet", age=[31.5, None, 44.0], id=[1, 2, 3], note=["a", "b", "c"], plan=["x"] * 3
    )
    made = planned(context, "churn", rows, key="id").to_json()
    age, tariff = made["binding"]
    assert ("age", "float32 [N,1]", "float64 → float32", "nan (1 of 3 cells sampled)") == (
        age["input"],
        age["dtype"],
        age["cast"],
        age["nulls"],
    )
    assert ("plan", ["plan"], "string [N,1]", "reject") == (
        tariff["input"],
        tariff["columns"],
        tariff["dtype"],
        tariff["nulls"],
    )
    assert (["note"], 3, True, 1) == (made["ignored"], made["rows"], made["rows_exact"], made["chunks"])
    assert 0 < made["disk_bytes"]


def test_conversions_are_told(context: Context, tmp_path: Path) -> None:
    """Categories, dates and units stand beside the column that they are reckoned from, not beside its alias."""
    (tmp_path / "model.yaml").write_text(SPEC)
    rows = written(tmp_path / "rows.csv", born=["2001-02-03"], plan=["free"], cents=[250], f3=[1.5])
    (bound,) = planned(context, "linear", rows, spec=str(tmp_path / "model.yaml")).to_json()["binding"]
    assert "float32 [N,4]" == bound["dtype"]
    assert [
        ("born", "nan", "days since 2000-01-01"),
        ("plan", "nan", "2 categories, others -1"),
        ("cents", "nan", "× 0.01 + 0"),
        ("f3", "fill=7", ""),
    ] == [(source["column"], source["nulls"], source["conversion"]) for source in bound["sources"]]


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet", "rows.jsonl"])
def test_the_first_rows_are_read_as_the_job_would(context: Context, tmp_path: Path, name: str) -> None:
    """How many of a thousand it would reject, and an example of each kind."""
    ages = [40.0] * 1_500
    ages[3] = ages[5] = 1e300
    ages[1_200] = 1e300
    plans: list[str | None] = ["free"] * 1_500
    if name != "rows.csv":
        plans[4] = None
    sample = planned(context, "churn", written(tmp_path / name, age=ages, plan=plans)).sample
    kinds = [(example.row, example.code, example.column) for example in sample.examples]
    if name == "rows.csv":
        assert (1_000, 2, [(3, "out_of_range", "age"), (5, "out_of_range", "age")]) == (
            sample.rows,
            sample.rejected,
            kinds,
        )
        assert [5, 7] == [example.line for example in sample.examples]
    else:
        expected = [(3, "out_of_range", "age"), (4, "null_value", "plan"), (5, "out_of_range", "age")]
        assert (1_000, 3) == (sample.rows, sample.rejected)
        assert sorted(expected) == sorted(kinds)


def test_of_long_texts_fewer_rows_are_read(context: Context, tmp_path: Path) -> None:
    """Up to the row that makes it 16 MiB."""
    rows = written(tmp_path / "rows.csv", age=[40.0] * 25, plan=["x" * 900_000] * 25)
    assert 19 == planned(context, "churn", rows).sample.rows


def test_no_value_of_a_row_is_shown_where_that_is_not_wanted(context: Context, tmp_path: Path) -> None:
    """--no-raw holds for examples too."""
    rows = tmp_path / "rows.csv"
    rows.write_text("age,plan\nsecret,free\n")
    assert "secret" in planned(context, "churn", rows).sample.examples[0].reason
    (example,) = planned(context, "churn", rows, no_raw=True).sample.examples
    assert "secret" not in example.reason


def test_what_would_end_the_job_ends_the_plan(context: Context, tmp_path: Path) -> None:
    """An unclosed quote among the first rows is refused with its line."""
    rows = tmp_path / "rows.csv"
    rows.write_text('age,plan\n31,free\n44,"pro\n' + "50,basic\n" * 100)
    with pytest.raises(InputRefused, match="line 3"):
        planned(context, "churn", rows)


def test_the_time_is_that_of_past_jobs_else_of_a_probe(context: Context, tmp_path: Path) -> None:
    """Without a row there is neither; no job and no row of the ledger comes of a plan."""
    rows = written(tmp_path / "rows.csv", age=[31.0] * 500, plan=["free"] * 500)
    made = planned(context, "churn", rows)
    assert "probe" == made.forecast
    assert made.seconds is not None
    (tmp_path / "empty.csv").write_text("age,plan\n")
    empty = planned(context, "churn", tmp_path / "empty.csv")
    assert ("none", None, 0) == (empty.forecast, empty.seconds, empty.sample.rows)
    assert [] == context.ledger.look(jobs.running)


@pytest.mark.parametrize(
    ("reading", "model", "cores", "seconds"),
    [
        (1e-6, 9e-6, 1, 10.0),  # one core does both
        (1e-6, 9e-6, 5, 2.0),
        (1e-6, 1e-7, 64, 1.0),  # never faster than the one stream that reads
    ],
)
def test_reading_is_one_stream_and_the_model_runs_on_all_cores(
    reading: float, model: float, cores: int, seconds: float
) -> None:
    """What a forecast is made of."""
    assert pytest.approx(seconds) == RowCost(reading=reading, model=model).seconds(1_000_000, cores)


def test_a_plan_has_the_keys_that_programs_rely_on(context: Context, tmp_path: Path) -> None:
    """Those of the contract, and the later ones."""
    rows = written(tmp_path / "rows.csv", age=[31.0], plan=["free"])
    document = json.loads(json.dumps(planned(context, "churn", rows, rows).to_json()))
    contract = {"files", "rows", "rows_exact", "chunks", "binding", "warnings", "disk_bytes", "seconds"}
    assert contract | {"ignored", "sample", "forecast", "prepare"} == set(document)
    assert {"input", "columns", "dtype", "cast", "nulls", "sources"} == set(document["binding"][0])
    assert {"rows", "rejected", "untried", "examples"} == set(document["sample"])
    assert [f"{rows} is given more than once; its rows count each time"] == document["warnings"]


@pytest.mark.parametrize(
    ("cells", "cast"),
    [
        (pa.array([1.0], pa.float32()), ""),
        (pa.array([1.0], pa.float64()), "float64 → float32"),
        (pa.array([1.0], pa.float16()), "float16 → float32"),
        (pa.array([1], pa.int64()), "int64 → float32"),
        (pa.array([Decimal("1.5")], pa.decimal128(10, 2)), "decimal128(10, 2) → float32"),
    ],
)
def test_a_cast_is_told_where_there_is_one(context: Context, tmp_path: Path, cells: pa.Array, cast: str) -> None:
    """By the names that tensors have for types."""
    rows = written(tmp_path / "rows.parquet", **{f"f{i}": cells for i in range(4)})
    (bound,) = planned(context, "linear", rows).to_json()["binding"]
    assert ("float32 [N,4]", cast) == (bound["dtype"], bound["cast"])


def test_a_list_is_told_by_its_elements(context: Context, tmp_path: Path) -> None:
    """The width is that of the list."""
    rows = written(tmp_path / "rows.parquet", x=pa.array([[1, 2, 3, 4]], pa.list_(pa.float64(), 4)))
    (bound,) = planned(context, "linear", rows).to_json()["binding"]
    assert ("float32 [N,4]", "float64 → float32", ["x"]) == (bound["dtype"], bound["cast"], bound["columns"])
