"""Reference rows: read as a job reads its input, and kept as the model takes them."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scoring.core.errors import InputRefused, ModelRefused
from scoring.ledger import proofs
from scoring.ledger.records import ModelVersion
from scoring.pipeline.context import Context
from scoring.pipeline.model_files import find_model
from scoring.pipeline.parity import check_by_hand
from scoring.pipeline.reference import keep_rows, kept_rows, read_rows
from scoring.pipeline.registry import register
from tests.small_models import linear_model
from tests.unit.pipeline.test_lease import context_in

HOOK = """
def area(frame):
    return frame.assign(a=frame["width"] * frame["height"], b=0.0)


def holes(frame):
    return frame.assign(a=frame["width"].where(frame["width"] != 2, float("inf")), b=0.0)
"""

Register = Callable[..., ModelVersion]


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    opened = context_in(tmp_path_factory.mktemp("home"), SCORING_PREPARE_MODULES="house_hook")
    yield opened
    opened.ledger.close()


@pytest.fixture
def registered(context: Context, tmp_path: Path) -> Register:
    """y = a + b, by a spec of the test's own."""

    def made(spec: str = "features: [a, b]") -> ModelVersion:
        (tmp_path / "model.yaml").write_text(spec)
        return register(
            context, find_model(context, str(linear_model(tmp_path / "sum.onnx", weights=[1.0, 1.0])), None)
        )

    return made


@pytest.mark.parametrize(
    ("spec", "content", "nulls"),
    [
        ("features: [a, b]", "a,b,y\n1,2,3\n,2,\nnan,,\n4,5,9\n", 2),
        ("{features: [a, b], fill: {a: 0, b: 0}}", "a,b,y\n1,2,3\n,2,2\nnan,,0\n4,5,9\n", 2),
        (
            "{features: [a, b], fill: {a: 0}}",
            '{"a": null, "b": 1, "y": 1}\n{"b": 1, "y": 1}\n{"a": 1, "b": 1, "y": 2}\n',
            2,
        ),
        ("{features: [a, b], categories: {b: {codes: {x: 1}, unknown: 0}}}", "a,b,y\n1,x,2\n,x,\n1,z,1\n", 1),
    ],
)
def test_rows_with_a_null_in_a_feature_are_counted(
    context: Context, registered: Register, tmp_path: Path, spec: str, content: str, nulls: int
) -> None:
    """Whatever becomes of the null: it is fed as NaN, or filled."""
    file = tmp_path / ("rows.jsonl" if content.startswith("{") else "rows.csv")
    file.write_text(content)
    assert nulls == check_by_hand(context, registered(spec), file=file)[1].rows_with_nulls


@pytest.mark.parametrize("spec", ["features: [a, b]", "{features: [a, b], fill: {a: 0, b: 0}}"])
def test_parquet_nulls_and_nan_count_alike(context: Context, registered: Register, tmp_path: Path, spec: str) -> None:
    """Both are no value for a float tensor."""
    rows = {"a": [1.0, None, float("nan"), 4.0], "b": [1.0, 1.0, 1.0, 1.0], "y": [2.0] * 4}
    pq.write_table(pa.table(rows), tmp_path / "rows.parquet")
    assert 2 == read_rows(context, registered(spec), tmp_path / "rows.parquet").rows_with_nulls


def test_what_is_kept_is_what_was_read(context: Context, registered: Register, tmp_path: Path) -> None:
    """To the bit, with its binding; the same rows are one file, with the rights that the umask leaves."""
    file = tmp_path / "rows.csv"
    file.write_text("b,a,y,who\n2,0.1,2.1,x\n,1e-3,,y\n")
    rows = read_rows(context, registered(), file)
    reference = keep_rows(context, rows, "parity", 0.5)
    assert (2, 1, 0.5) == (reference.rows, reference.rows_with_nulls, reference.tolerance)
    again = kept_rows(context, reference)
    assert rows.features.schema == again.features.schema
    assert repr(rows.features.to_pylist()) == repr(again.features.to_pylist())
    assert ["y"] == list(again.expected)
    assert [2.1, None] == again.expected["y"].to_pylist()
    assert (rows.binding, rows.rows_with_nulls) == (again.binding, again.rows_with_nulls)
    assert reference == keep_rows(context, rows, "parity", 0.5)
    path = context.settings.store / reference.path
    before = os.umask(0o077)
    keep_rows(context, rows, "parity", 0.5)
    os.umask(before)
    assert 0o400 == path.stat().st_mode & 0o777
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(ModelRefused, match="not those that were registered"):
        kept_rows(context, reference)


@pytest.mark.parametrize(
    "spec",
    [
        "features: [y, b]",
        "inputs: {x: [y, b]}",
        "{features: [z, b], derive: {z: {column: y, scale: 1}}}",
    ],
)
def test_answers_under_the_name_of_a_feature_need_their_prefix(
    context: Context, registered: Register, tmp_path: Path, spec: str
) -> None:
    """`y` feeds the model here, so `expected_y` is the answer; without it nothing is."""
    version = registered(spec)
    file = tmp_path / "rows.csv"
    file.write_text("y,b,expected_y\n1,2,3\n")
    assert check_by_hand(context, version, file=file)[1].passed
    file.write_text("y,b\n1,2\n")
    with pytest.raises(InputRefused, match="say of no output what to expect"):
        check_by_hand(context, version, file=file)


@pytest.fixture
def hooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "house_hook.py").write_text(HOOK)
    monkeypatch.syspath_prepend(tmp_path / "site")
    yield
    sys.modules.pop("house_hook", None)


@pytest.mark.usefixtures("hooks")
def test_the_prepare_function_is_proven_with_the_model(context: Context, registered: Register, tmp_path: Path) -> None:
    """It runs at every check; what it leaves unfit for the model is no answer."""
    spec = "{features: [a, b], prepare: {function: 'house_hook:area', columns: {width: float64, height: float64}}}"
    file = tmp_path / "rows.jsonl"
    rows = [{"width": 2, "height": 3, "y": 6}, {"width": 5, "height": None, "y": None}]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    version, proof = check_by_hand(context, registered(spec), file=file)
    assert (True, 2, 1) == (proof.passed, proof.rows, proof.rows_with_nulls)
    assert check_by_hand(context, version)[1].passed
    with pytest.raises(ModelRefused, match="row 1 cannot be scored after the prepare function"):
        check_by_hand(context, registered(spec.replace("area", "holes")), file=file)


@pytest.mark.usefixtures("hooks")
def test_a_prepare_function_that_fails_for_once_refutes_nothing(
    context: Context, registered: Register, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it fails on is told, and the model is as proven as before: the next check may find that all is well."""
    file = tmp_path / "rows.csv"
    file.write_text("width,height,y\n2,3,6\n")
    spec = "{features: [a, b], prepare: {function: 'house_hook:area', columns: {width: float64, height: float64}}}"
    version, proof = check_by_hand(context, registered(spec), file=file)

    def away(frame: object) -> object:
        raise ConnectionError("the house register is away")

    with monkeypatch.context() as patched:
        patched.setattr("house_hook.area", away)
        with pytest.raises(ModelRefused, match="ConnectionError: the house register is away"):
            check_by_hand(context, version)
    assert [proof] == context.ledger.look(lambda tx: proofs.proofs(tx, version))


def test_a_function_that_gets_every_column_gets_no_answer_by_mistake(
    context: Context, registered: Register, tmp_path: Path
) -> None:
    """It would take `expected_typo` like any other, and nothing would be compared with it."""
    file = tmp_path / "rows.csv"
    file.write_text("width,height,y,expected_typo\n2,3,6,6\n")
    with pytest.raises(InputRefused, match="'expected_typo'"):
        read_rows(context, registered("{features: [a, b], prepare: 'house_hook:area'}"), file)
