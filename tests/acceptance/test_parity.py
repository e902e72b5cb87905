"""The parity gate as a person meets it: at registration, and when the runtime has changed."""

import json
import os
from pathlib import Path
from textwrap import dedent

import pytest

from tests.acceptance.conftest import WriteRows
from tests.acceptance.program import Program

OTHER_RUNTIME = """
    import onnxruntime

    onnxruntime.__version__ = "9.9.9"
    run = onnxruntime.InferenceSession.run


    def moved(self, *arguments, **options):
        return [value + {shift} if value.dtype.kind == "f" else value for value in run(self, *arguments, **options)]


    onnxruntime.InferenceSession.run = moved
"""
"""Python runs a `sitecustomize` before anything else: the program meets a runtime whose floats are shifted."""


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Two customers, one of unknown age, with the answers of the model that `model` is an export of."""
    path = tmp_path / "reference.csv"
    path.write_text("age,plan,label,probabilities_1\n30,free,1,0.880797\n50,pro,0,0.377541\n,pro,0,\n")
    return path


def on_other_runtime(program: Program, shift: float) -> Program:
    """The program with an ONNX Runtime 9.9.9 whose floats are off by `shift`."""
    folder = program.folder / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(dedent(OTHER_RUNTIME).format(shift=shift))
    path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    return program.with_settings(PYTHONPATH=path)


def checks(program: Program) -> list[tuple[str, bool]]:
    query = "SELECT runtime, passed FROM parity_checks ORDER BY checked_at"
    found = json.loads(program("sql", query, "--format", "json").stdout)
    return [(check["runtime"], check["passed"]) for check in found]


def test_a_runtime_that_answers_otherwise_scores_nothing(
    program: Program, model: Path, rows: Path, write_rows: WriteRows
) -> None:
    """A job that was recorded before is stopped ahead of its first chunk; one submitted there is refused (4)."""
    program("model", "add", "churn", model, "--parity", rows)
    job = program("submit", "churn", write_rows("rows.csv", rows=100)).stdout.strip()
    moved = on_other_runtime(program, 1e-3)
    assert "row 1, column 'probabilities_1'" in moved("resume", job, code=4).stderr
    state = program.json("status", job)
    assert ("failed", "model_refused", 0) == (state["state"], state["error_code"], state["rows_scored"])
    assert "differs by 0.001" in moved("run", "churn", "rows.csv", code=4).stderr
    assert [job] == [found["job_id"] for found in program.json("jobs")]
    assert ("9.9.9", False) == checks(program)[-1]


def test_a_runtime_that_answers_alike_is_proven_anew(
    program: Program, model: Path, rows: Path, write_rows: WriteRows
) -> None:
    """Without a word: its version stands beside the first one in `parity_checks`."""
    program("model", "add", "churn", model, "--parity", rows)
    on_other_runtime(program, 0.0)("run", "churn", write_rows("rows.csv", rows=100))
    assert [True, True] == [passed for _, passed in checks(program)]
    assert "9.9.9" == checks(program)[1][0]
    assert "proven on onnxruntime 9.9.9 CPU" in program("model", "show", "churn").stdout


def test_by_hand_a_model_is_refused_with_its_worst_row(program: Program, model: Path, rows: Path) -> None:
    """What was expected, what came, the difference, the tolerance; as JSON the columns of `parity_checks`."""
    program("model", "add", "churn", model)
    assert "has no reference rows" in program("model", "parity", "churn", code=2).stderr
    rows.write_text(rows.read_text().replace("0.377541", "0.5"))
    program("model", "parity", "churn@1", "--file", rows, code=3)
    said = program("model", "parity", "churn", "--file", rows, code=4).stderr
    assert "0.5 ± 1e-5 · max(1, |expected|) in row 2, column 'probabilities_1'" in said
    assert "0.377540" in said
    assert "a difference of 0.12" in said
    told = program.json("model", "parity", "churn:1", "--file", rows, "--tolerance", 0.2)
    assert (True, 0.2, 3, 1) == (told["passed"], told["tolerance"], told["rows"], told["rows_with_nulls"])
