"""The models of tests/models, as their exporters wrote them: registered, planned and scored like any user's.

Each has reference rows with the answers of the library that trained it. What is scored is held against both: bit for
bit against ONNX Runtime asked directly, and within the usual tolerance against the training library.
"""

from collections.abc import Iterator
from contextlib import redirect_stderr
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import yaml

import scoring
from scoring.cli.errors import run_command
from scoring.cli.main import cli
from tests.acceptance.model_cases import CASES, Case
from tests.acceptance.row_files import flat, write
from tests.rooms import Rooms, rooms

# Trees that were trained on missing values, whose converted forms send them elsewhere: up to 1.0 of a probability.
DIFFER = ("lightgbm_zero_as_missing", "sklearn_tree_gaps")


@dataclass(frozen=True, kw_only=True)
class Added:
    """What `scoring model add` made of a case and its reference rows."""

    code: int
    said: str


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rooms]:
    """One embedded home for all the models of a process."""
    with rooms(tmp_path_factory.mktemp("home")) as opened:
        yield opened


@pytest.fixture(scope="module", params=CASES, ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    """Of the module, so that all tests of a model stand together and find it registered."""
    return request.param


@pytest.fixture(scope="module")
def added(home: Rooms, case: Case) -> Added:
    """The case is registered under its name, with its reference rows where it answers as they say."""
    spec = [] if case.spec_file is None else ["--spec", case.spec_file]
    with redirect_stderr(StringIO()) as said:
        code = command("model", "add", case.name, case.model, *spec, "--parity", case.reference)
    if code:
        assert 0 == command("model", "add", case.name, case.model, *spec)
    return Added(code=code, said=said.getvalue())


def test_a_model_is_registered_if_it_answers_as_the_training_library_did(case: Case, added: Added) -> None:
    """The converted form answers within 1e-5 of the reference rows, or is refused with the worst row."""
    if case.name not in DIFFER:
        assert 0 == added.code, added.said
    else:
        assert 4 == added.code
        assert all(words in added.said for words in ("does not answer as the reference rows expect", "a difference of"))


@pytest.mark.usefixtures("added")
def test_a_job_gives_the_scores_of_the_runtime_asked_directly(case: Case) -> None:
    """The rows of a Parquet file, planned and scored by a whole job: no bit of any output is another."""
    assert 0 == command("plan", case.name, case.reference)
    job = scoring.run(case.name, case.reference, workers=1)
    facts = job.status()
    assert (case.rows.num_rows, 0) == (facts["rows_scored"], facts["rows_rejected"])
    assert [] == differences(case, job.results().to_table())


@pytest.mark.usefixtures("added")
@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_text_gives_the_scores_of_the_runtime_asked_directly(
    home: Rooms, case: Case, format: str, tmp_path: Path
) -> None:
    """The same rows as text, read by the rooms of a job: no bit of any output is another."""
    rows, spec = input_of(case, format, tmp_path)
    scored = home.score(home.prepare(case.name, rows, spec=spec))
    assert [] == scored.rejects
    assert [] == differences(case, scored.table)


def command(*arguments: object) -> int:
    return run_command(cli, "scoring", [str(argument) for argument in arguments])


def input_of(case: Case, format: str, folder: Path) -> tuple[Path, str | None]:
    """The case's rows as a file, and its spec; CSV has a column for each element of a list, and a spec that says so."""
    spec = None if case.spec_file is None else str(case.spec_file)
    lists = [field.name for field in case.rows.schema if pa.types.is_fixed_size_list(field.type)]
    if format != "csv" or not lists:
        return write(case.rows, folder / f"rows.{format}"), spec
    told = {**case.spec, "inputs": {**case.spec.get("inputs", {})}}
    for name in lists:
        size = case.rows.schema.field(name).type.list_size
        told["inputs"][name] = [f"{name}_{index}" for index in range(size)]
    file = folder / "flat.yaml"
    file.write_text(yaml.safe_dump(told), encoding="utf-8")
    return write(flat(case.rows), folder / "rows.csv"), str(file)


def differences(case: Case, result: pa.Table) -> list[str]:
    """Columns that are missing, too many, or not equal to the last bit; NaN equals itself."""
    direct = case.direct()
    if ["_row", *direct] != result.column_names:
        return sorted({"_row", *direct} ^ set(result.column_names)) or ["order"]
    return [name for name in direct if not same_bits(direct[name], result[name])]


def same_bits(expected: np.ndarray, got: pa.ChunkedArray) -> bool:
    """expected: [N] or [N,D]."""
    values = got.combine_chunks()
    if pa.types.is_fixed_size_list(values.type):
        values = values.flatten()
    if expected.dtype.kind in "OU":
        return expected.ravel().tolist() == values.to_pylist()
    array = values.to_numpy(zero_copy_only=False)
    return (expected.dtype, expected.tobytes()) == (array.dtype, array.tobytes())
