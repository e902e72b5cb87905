"""What a plan says of rows that the model refuses, and what it warns of."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
import pytest

from scoring.ledger import proofs
from scoring.ledger.records import Attachment
from scoring.model.runner import runtime_version
from scoring.pipeline.context import Context
from scoring.pipeline.model_files import find_model
from scoring.pipeline.parity import check_by_hand
from scoring.pipeline.registry import register
from tests.unit.pipeline.one_job import table_model
from tests.unit.pipeline.test_lease import context_in
from tests.unit.pipeline.test_plan import planned, written


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """A home with the model `table`, which answers 0, 1 and 2 with 1, 2 and NaN, and refuses the rest."""
    home = tmp_path_factory.mktemp("home")
    opened = context_in(home)
    register(opened, find_model(opened, str(table_model(home / "table.onnx", [1.0, 2.0, float("nan")])), None))
    yield opened
    opened.ledger.close()


def test_rows_that_the_model_refuses_are_rejects_of_the_sample(context: Context, tmp_path: Path) -> None:
    """Found as the job would find them, with file and line, beside those of the reader; the forecast stays."""
    first, second = written(tmp_path / "a.csv", i=["0", "x", "7"]), written(tmp_path / "b.csv", i=["1", "2", "0"])
    made = planned(context, "table", first, second, nan_output="reject", max_rejected="50%")
    assert [
        (1, str(first), 3, "bad_value"),
        (2, str(first), 4, "model_refused"),
        (4, str(second), 3, "nan_output"),
    ] == [(example.row, example.file, example.line, example.code) for example in made.sample.examples]
    assert (6, 3, 0) == (made.sample.rows, made.sample.rejected, made.sample.untried)
    assert ("probe", ()) == (made.forecast, made.warnings)


def test_a_model_that_refuses_every_row_would_fail_the_job(context: Context, tmp_path: Path) -> None:
    """So would one whose answers the options do not allow: there is nothing to forecast from."""
    made = planned(context, "table", written(tmp_path / "rows.csv", i=[7] * 4))
    (warning,) = made.warnings
    assert warning.startswith("the job would fail: the model refused rows ")
    assert ("none", None, 0, 4) == (made.forecast, made.seconds, made.sample.rejected, made.sample.untried)
    (warning,) = planned(context, "table", written(tmp_path / "nan.csv", i=[0, 2]), nan_output="fail").warnings
    assert warning.startswith("the job would fail: the model answered NaN")


def test_a_bad_beginning_is_not_taken_for_the_whole(context: Context, tmp_path: Path) -> None:
    """A model of one row at a time, which costs no halving, may refuse the first rows and take a later one."""
    model = onnx.load(table_model(tmp_path / "single.onnx", [1.0]))
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 1
    onnx.save(model, str(tmp_path / "single.onnx"))
    rows = written(tmp_path / "rows.csv", i=[7] * 40 + [0])
    made = planned(context, str(tmp_path / "single.onnx"), rows, max_rejected="40")
    assert (40, 0, ()) == (made.sample.rejected, made.sample.untried, made.warnings)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"strict": True}, "2 of the first 4 rows would be rejected, and --max-rejected allows 0: the job would fail"),
        ({"max_rejected": "1"}, "2 of the first 4 rows would be rejected, and --max-rejected allows 1: the job"),
        ({"max_rejected": "49%"}, "2 of the first 4 rows would be rejected, and --max-rejected allows 49%: the job"),
        ({"max_rejected": "2"}, None),
        ({"max_rejected": "50%"}, None),
    ],
)
def test_more_rejects_than_allowed_are_warned_of(
    context: Context, tmp_path: Path, options: dict[str, Any], said: str | None
) -> None:
    """Exactly the limit is allowed; rejects of the reader and of the model count alike."""
    rows = written(tmp_path / "rows.csv", i=["0", "x", "7", "1"])
    warnings = planned(context, "table", rows, **options).warnings
    assert ([] if said is None else [said]) == [warning[: len(said or "")] for warning in warnings]


def test_a_share_of_a_sample_is_no_verdict_on_the_rest(context: Context, tmp_path: Path) -> None:
    """Where more rows follow, what the first ones say of a share may change; of a count it cannot."""
    rows = written(tmp_path / "rows.csv", i=[7] + [0] * 1_500)
    (share,) = planned(context, "table", rows, max_rejected="0.01%").warnings
    assert share.endswith("allows 0.01%: the job would fail if the others are like them")
    (count,) = planned(context, "table", rows, max_rejected="0").warnings
    assert count.endswith("allows 0: the job would fail")


@pytest.mark.parametrize("by_path", [False, True])
def test_a_model_that_is_not_proven_here_is_warned_of(context: Context, tmp_path: Path, by_path: bool) -> None:
    """A runtime that was not checked, one that failed with its worst row, and silence where it has passed."""
    path = table_model(tmp_path / f"gate{by_path}.onnx".lower(), [1.0, 2.0, float("nan")])
    version = register(context, find_model(context, str(path), None))
    model = str(path) if by_path else version.name
    rows = written(tmp_path / "rows.csv", i=[0, 1], y=[1.0, 2.0])
    version, proof = check_by_hand(context, version, file=rows)
    assert () == planned(context, model, rows).warnings
    context.ledger.run(
        lambda tx: proofs.record(tx, version.id, replace(proof, passed=False, worst="row 2, column 'y'"))
    )
    (refuted,) = planned(context, model, rows).warnings
    assert refuted.startswith(f"the job would be refused: model {version} does not answer")
    assert "row 2, column 'y'" in refuted
    assert version.parity is not None
    other = Attachment(parity=replace(version.parity, tolerance=0.5))
    context.ledger.run(lambda tx: proofs.attach(tx, version.id, other))
    (unproven,) = planned(context, model, rows).warnings
    assert unproven.startswith(f"model {version} is not proven on onnxruntime {runtime_version()} yet")
