"""Whatever is typed, and whatever lies in the files: an exit code of the contract, and words instead of a traceback."""

import io
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.cli.errors import run_command
from scoring.cli.main import cli
from scoring.core.errors import ExitCode
from tests.rooms import Rooms

TABLE = {
    "id": ["k", "l"],
    "a": [1.5, None],
    "b": [2.0, 3.0],
    "c": [1, 2],
    "d": [True, False],
    "e": ["x", "é"],
    "f": [0, 255],
}
CSV = 'id,a,b,c,d,e,f\nk,1.5,2,1,true,x,0\nl,,3,2,false,"é",255\n'.encode()
JSONL = b"""{"id": "k", "a": 1.5, "b": 2, "c": 1, "d": true, "e": "x", "f": 0}
{"id": "l", "a": null, "b": 3, "c": 2, "d": false, "e": "\\u00e9", "f": 255}
"""
SPEC = b"""inputs:
  a: [twice]
  e: [e]
task: regression
categories: {c: {codes: {1: 10, 2: 20}, unknown: -1}}
derive: {twice: {column: b, scale: 2}}
fill: {c: 0}
rename: {y: 'score'}
"""
# `wait` is not among them: it would do just that, for a job that nobody works on.
COMMANDS = """
run,submit,plan,status,jobs,cancel,retry,resume,failures,results,labels,accuracy,model add,model list,model show,
model alias,model remove,model parity,schedule add,schedule list,schedule show,schedule next,schedule pause,
schedule remove,sql,gc,doctor,nonsense,
"""
TYPED = """
linear linear:1 linear@best nobody last --json --timeout 0 --limit -1 1e9 --key id --label e --nulls fill=x nan
--max-rejected 101% --strict --chunk-rows --format csv parquet jsonl --output . nowhere/ rows.csv rows.parquet
linear.onnx --delimiter ab --encoding utf-99 --columns a,a --tag x=y --require accuracy>=2 --cron * --timezone Mars
--state done --since yesterday select 1;select --by chunk é
"""
WORDS = (*TYPED.split(), "", "\u202e", "a b")

CODES = [code for name, code in vars(ExitCode).items() if name.isupper()]


def parquet() -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(TABLE), out)
    return out.getvalue()


GOOD: dict[str, Callable[[Path], bytes]] = {
    "rows.csv": lambda _: CSV,
    "rows.jsonl": lambda _: JSONL,
    "rows.parquet": lambda _: parquet(),
    "spoilt.onnx": lambda folder: (folder / "linear.onnx").read_bytes(),
    "spoilt.yaml": lambda _: SPEC,
}

# Where a file is hurt, as a share of its length, and what is put there in place of as many bytes.
HURTS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 9), st.binary(max_size=9)), min_size=1, max_size=4)


@settings(max_examples=30)
@given(name=st.sampled_from(sorted(GOOD)), hurts=HURTS)
def test_a_damaged_file_ends_in_words(
    home: Rooms, workplace: Path, name: str, hurts: list[tuple[float, int, bytes]]
) -> None:
    """Rows, models and specs with some bytes replaced, cut out or put in are scored, or refused with an exit code."""
    (workplace / name).write_bytes(hurt(GOOD[name](workplace), hurts))
    rows, model, spec = workplace / "good.csv", "linear", []
    rows.write_bytes(CSV)
    match Path(name).suffix:
        case ".onnx":
            model = str(workplace / name)
        case ".yaml":
            spec = ["--spec", workplace / name]
        case _:
            rows = workplace / name
    check("plan", model, rows, *spec, "--key", "id")


@settings(max_examples=15)
@given(name=st.sampled_from(["rows.csv", "rows.jsonl", "rows.parquet"]), hurts=HURTS)
def test_a_job_over_a_damaged_file_ends_in_words(
    home: Rooms, workplace: Path, name: str, hurts: list[tuple[float, int, bytes]]
) -> None:
    """The same of a whole job."""
    (workplace / name).write_bytes(hurt(GOOD[name](workplace), hurts))
    check("run", "linear", workplace / name, "--key", "id", "--max-rejected", "100%")


@settings(max_examples=30)
@given(
    command=st.sampled_from(COMMANDS.split(",")),
    words=st.lists(st.sampled_from(WORDS) | st.text(max_size=4), max_size=5),
)
def test_any_words_on_the_command_line_end_in_words(
    home: Rooms, workplace: Path, command: str, words: list[str]
) -> None:
    """A command with options and values in any order."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(workplace)
        check(*command.split(), *words)


def hurt(data: bytes, hurts: Sequence[tuple[float, int, bytes]]) -> bytes:
    for share, cut, put in hurts:
        place = int(share * len(data))
        data = data[:place] + put + data[place + cut :]
    return data


def check(*arguments: Any) -> None:
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err), pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO()))
        code = run_command(cli, "scoring", [str(argument) for argument in arguments])
    said = err.buffer.getvalue().decode()
    assert code in CODES, said
    assert "Traceback" not in said
    assert "the program itself has failed" not in said, said
    assert code == ExitCode.SUCCEEDED or "error: " in said
