"""Bad input: one clear message, the contract's exit code, and nothing lost."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.conftest import WriteRows
from tests.acceptance.program import Program


def missing_file(folder: Path) -> list[object]:
    return ["churn.onnx", "nowhere.csv"]


def missing_model(folder: Path) -> list[object]:
    return ["nowhere.onnx", "rows.csv"]


def empty_file(folder: Path) -> list[object]:
    (folder / "empty.csv").touch()
    return ["churn.onnx", "empty.csv"]


def not_a_model(folder: Path) -> list[object]:
    (folder / "text.onnx").write_text("this is no model")
    return ["text.onnx", "rows.csv"]


def truncated_model(folder: Path) -> list[object]:
    data = (folder / "churn.onnx").read_bytes()
    (folder / "half.onnx").write_bytes(data[: len(data) // 2])
    return ["half.onnx", "rows.csv"]


def missing_feature(folder: Path) -> list[object]:
    (folder / "other.csv").write_text("age,tariff\n31,free\n")
    return ["churn.onnx", "other.csv"]


def wrong_delimiter(folder: Path) -> list[object]:
    (folder / "semicolons.csv").write_text("age;plan\n31;free\n")
    return ["churn.onnx", "semicolons.csv"]


def output_not_empty(folder: Path) -> list[object]:
    (folder / "out").mkdir()
    (folder / "out/precious.txt").write_text("mine")
    return ["churn.onnx", "rows.csv", "-o", "out"]


def text_for_parquet(folder: Path) -> list[object]:
    (folder / "rows.parquet").write_text("age,plan\n31,free\n")
    return ["churn.onnx", "rows.parquet"]


def fifo(folder: Path) -> list[object]:
    os.mkfifo(folder / "pipe.csv")
    return ["churn.onnx", "pipe.csv"]


def unclosed_quote(folder: Path) -> list[object]:
    (folder / "quote.csv").write_text('age,plan\n31,free\n44,"pro\n' + "50,basic\n" * 100)
    return ["churn.onnx", "quote.csv"]


@pytest.mark.parametrize(
    ("make", "code", "words"),
    [
        (missing_file, 4, ["nowhere.csv"]),
        (missing_model, 4, ["nowhere.onnx"]),
        (empty_file, 4, ["empty.csv"]),
        (not_a_model, 4, ["text.onnx"]),
        (truncated_model, 4, ["half.onnx"]),
        (missing_feature, 4, ["plan", "tariff"]),
        (wrong_delimiter, 4, ["age", "--delimiter"]),
        (output_not_empty, 4, ["precious.txt"]),
        (text_for_parquet, 4, ["rows.parquet"]),
        (fifo, 4, ["pipe.csv"]),
        (unclosed_quote, 4, ["line 3", "quote"]),
        (lambda folder: ["no_such_model", "rows.csv"], 3, ["no_such_model"]),
        (lambda folder: ["churn.onnx", "rows.csv", "--nulls", "zero"], 2, ["--nulls", "fill=VALUE"]),
        (lambda folder: ["churn.onnx", "rows.csv", "--require", "beauty>1"], 2, ["beauty>1"]),
    ],
)
def test_bad_input_is_refused_in_words(
    program: Program,
    model: Path,
    write_rows: WriteRows,
    make: Callable[[Path], list[object]],
    code: int,
    words: list[str],
) -> None:
    """Exit code of the contract, a message that names the culprit in 12 lines at most, and the same as JSON."""
    write_rows("rows.csv", 10)
    arguments = make(program.folder)
    refused = program("run", *arguments, code=code)
    assert all(word in refused.stderr for word in words), refused.stderr
    assert len(refused.stderr.strip().splitlines()) <= 12
    as_json = json.loads(program("run", *arguments, "--json", code=code).stdout)
    # What is found while splitting has a job, and so its row; what is found before has only the error.
    assert as_json["error_code"] if "job_id" in as_json else {"code", "message", "remedy"} <= set(as_json["error"])
    if (program.folder / "out").exists():
        assert ["precious.txt"] == [path.name for path in (program.folder / "out").iterdir()]


@pytest.mark.parametrize("command", ["status", "failures", "results", "accuracy", "wait", "cancel", "retry", "resume"])
def test_an_unknown_job_is_exit_3(program: Program, command: str) -> None:
    """Whatever is asked of a job that does not exist."""
    refused = program(command, "deadbeef", code=3)
    assert "deadbeef" in refused.stderr


def test_a_server_that_is_down_is_exit_6(program: Program, model: Path, write_rows: WriteRows) -> None:
    """Without its ledger a command says which server does not answer, and does not wait for long."""
    away = program.with_settings(
        SCORING_DATABASE_URL="postgresql+psycopg://scoring:canary@127.0.0.1:1/scoring",
        SCORING_BROKER_URL="redis://127.0.0.1:1/0",
    )
    refused = away("submit", model, write_rows("rows.csv", 10), code=6)
    assert "127.0.0.1" in refused.stderr
    assert "canary" not in refused.stderr


def test_a_redis_broker_with_a_sqlite_ledger_is_refused(program: Program) -> None:
    """Workers on other hosts could not see the ledger."""
    program.with_settings(SCORING_BROKER_URL="redis://127.0.0.1:1/0")("jobs", code=2)


def test_an_unknown_setting_is_refused_with_a_hint(program: Program) -> None:
    """A misspelt setting would otherwise be a silent default."""
    refused = program.with_settings(SCORING_LEASE_SECOND="5")("jobs", code=2)
    assert "SCORING_LEASE_SECONDS" in refused.stderr
