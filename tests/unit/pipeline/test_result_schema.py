"""The columns of a result are known before a row is read."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from threading import Event

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

from scoring.core.arguments import job_options
from scoring.data.pg_types import table_columns
from scoring.data.result_schema import result_schema
from scoring.pipeline.context import Context
from scoring.pipeline.prepare import JobRequest, prepare
from scoring.pipeline.submit import submit
from scoring.pipeline.work import work
from tests.ledger.desk import score_of, split_of
from tests.small_models import churn_model
from tests.unit.pipeline.test_lease import context_in

ROWS = pa.table(
    {
        "id": pa.array([1, 2, 3], pa.uint16()),
        "born": pa.array([date(2000, 1, day) for day in (1, 2, 3)]),
        "city": pa.array(["a", "b", "a"]).dictionary_encode(),
        "age": pa.array([30.0, 40.0, 50.0], pa.float32()),
        "plan": pa.array(["free", "pro", "free"]),
    }
)


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """One for all: a model that is known is not tried out again."""
    opened = context_in(tmp_path_factory.mktemp("home"))
    yield opened
    opened.ledger.close()


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
@pytest.mark.parametrize("chosen", [{"key": "id", "keep": ["city", "born"]}, {"keep_all": True}], ids=str)
def test_a_part_file_has_the_columns_that_were_foreseen(
    context: Context, name: str, chosen: dict[str, object], tmp_path: Path
) -> None:
    """Names, order, and types as Postgres tells them apart, of CSV and Parquet."""
    pc.write_csv(ROWS, tmp_path / "rows.csv") if name.endswith("csv") else pq.write_table(ROWS, tmp_path / name)
    request = JobRequest(
        model=str(churn_model(tmp_path / "churn.onnx")),
        inputs=(str(tmp_path / name),),
        options=job_options(output=str(tmp_path / "out"), **chosen),
    )
    prepared = prepare(context, request)
    foreseen = table_columns(result_schema(prepared.files, prepared.binding))
    job = submit(context, request, ring=False).job
    work(context, split_of(job.id), Event())
    work(context, score_of(job.id, 0), Event())
    assert table_columns(pq.read_schema(tmp_path / "out" / "part-000000.parquet")) == foreseen
