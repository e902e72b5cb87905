"""Texts and numbers that a database or JSON cannot hold are recorded all the same."""

import json
from pathlib import Path
from typing import NoReturn

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.acceptance.conftest import customers
from tests.faults.postgres import hostile
from tests.faults.scene import Scene

ROOT = Path(__file__).parents[3]
PREPARED = {"PYTHONPATH": str(ROOT), "SCORING_PREPARE_MODULES": hostile.__name__}
LOG_BYTES = 200_000
ERROR_CHARACTERS = 20_000
"""A page, escaped, in a row of `failures`."""


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F48",
    "a prepare function raises texts with NUL, half a surrogate pair, and of 10 MB",
    "each is recorded, escaped and cut; the job is `failed`, the worker lives",
)
def test_a_hostile_error_text_is_recorded(scene: Scene) -> None:
    """In the ledger, in `failures --json`, and in a log of few lines."""
    (scene.folder / "model.yaml").write_text(f"prepare: {hostile.__name__}:prepare\n")
    here = Scene(program=scene.program.with_settings(**PREPARED), servers=scene.servers)
    worker = here.running("worker", "--concurrency", 1, **{hostile.ASKED_FOR: "1", "SCORING_MAX_ATTEMPTS": "1"})
    with here.running("scheduler"), worker as process:
        work = here.submit(rows=3_000)
        work.wait(code=1)
        assert process.poll() is None
    errors = [str(failure["error"]) for failure in work.failures()]
    assert all(any(words in error for error in errors) for words in ("a NUL", "half a pair", "ten megabytes"))
    assert max(map(len, errors)) <= ERROR_CHARACTERS
    assert all(character.isprintable() or character in "\n\t" for error in errors for character in error)
    assert here.log("worker", "--concurrency", 1).stat().st_size <= LOG_BYTES
    assert {None} != {row[0] for row in here.sql("SELECT error_code FROM job_failures")}
    work.prove(state="failed")


def _no_number(text: str) -> NoReturn:
    raise AssertionError(f"{text} is no JSON")


@pytest.mark.exhaustive
@pytest.mark.fault(
    "F49",
    "a batch whose labels are all of one class, and in one chunk all null",
    "the metrics are NULL with a reason; JSON holds neither NaN nor Infinity",
)
def test_a_figure_that_cannot_be_computed_is_null_with_a_reason(scene: Scene) -> None:
    """In tables, views and every printed document."""
    table = customers(2_000)
    labels = pa.array([None] * 1_000 + [1] * 1_000, pa.int64())
    place = table.column_names.index("churned")
    pq.write_table(table.set_column(place, "churned", labels), scene.folder / "rows-2000.parquet")
    scene.submit(rows=10, out="first")  # writes the model
    with scene.running("scheduler"), scene.running("worker", "--concurrency", 1):
        work = scene.submit("--label", "churned", rows=2_000)
        work.wait()
    for command in (("accuracy", work.job_id), ("accuracy", work.job_id, "--by", "chunk"), ("status", work.job_id)):
        json.loads(scene.program(*command, "--json").stdout, parse_constant=_no_number)
    figures = {row["metric"]: row for row in scene.program.json("accuracy", work.job_id)}
    assert figures["roc_auc"]["value"] is None
    assert figures["roc_auc"]["reason"]
    odd = "value IN ('NaN', 'Infinity', '-Infinity')"
    for name in ("job_metrics", "chunk_metrics"):
        assert [(0,)] == scene.sql(f"SELECT count(*) FROM {name} WHERE {odd}")
    assert [(0,)] == scene.sql("SELECT count(*) FROM chunk_accuracy WHERE chunk = 0 AND value IS NOT NULL")
