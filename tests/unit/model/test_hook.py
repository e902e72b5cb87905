"""The prepare function: what it gets, what it must give, and what is said where it does not."""

import importlib
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from scoring.core.binding import Hook
from scoring.core.columns import ColumnSpec, Dtype
from scoring.core.errors import BadOutput, ModelRefused, ModelRefusedRows, OutOfMemory, ScoringError
from scoring.model.hook import PrepareFunction

MODULE = "features_of_this_test"
FUNCTIONS = """
import sys
import threading

import pandas as pd

print("imported")
together = threading.Barrier(3)
seen = []
not_a_function = 3

def double(frame):
    seen.append(frame.copy())
    frame["f"] = frame["a"] * 2
    return frame

def edits(frame):
    frame.loc[0, "a"] = 9.0
    return frame.rename(columns={"a": "f"})

def fewer(frame):
    return frame.head(1)

def nothing(frame):
    return None

def other(frame):
    return frame.rename(columns={"a": "b"})

def twice(frame):
    return pd.concat([frame.rename(columns={"a": "f"})] * 2, axis=1)

def text(frame):
    seen.append(frame)
    return pd.DataFrame({"f": [f"it is {value}" for value in frame["a"]]})

def mixed(frame):
    return pd.DataFrame({"f": ["secret", *range(len(frame) - 1)]}, dtype=object)

def fails(frame):
    raise KeyError(f"row with secret {frame['a'][0]}")

def lists(frame):
    return pd.DataFrame({"f": [[float(value), 1.0] for value in frame["a"]]})

def nulls(frame):
    return pd.DataFrame({"f": [None] * len(frame)})

def leaves(frame):
    raise SystemExit(3)

def interrupts(frame):
    raise KeyboardInterrupt

def closes(frame):
    raise GeneratorExit

class Own(BaseException):
    pass

def its_own(frame):
    raise Own("secret 77")

class Mute(Exception):
    def __str__(self):
        sys.exit(4)

def mute(frame):
    raise Mute

def large(frame):
    raise MemoryError("secret 77 GiB")

def backwards(frame):
    return frame.rename(columns={"a": "f"})[::-1]

def sorts(frame):
    frame = frame.sort_values("a", ascending=False)
    return frame.rename(columns={"a": "f"})

def keyed(frame):
    return frame.assign(f=frame["a"]).set_index("a")

def numbered_anew(frame):
    return pd.DataFrame({"f": frame["a"].to_numpy()}, index=list(range(len(frame))))

def swaps(frame):
    sys.stdout = sys.stderr
    return frame.rename(columns={"a": "f"})

def prints(frame):
    together.wait(30)
    print("from the function")
    together.wait(30)
    return frame.rename(columns={"a": "f"})
"""


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / f"{MODULE}.py").write_text(FUNCTIONS)
    (tmp_path / "broken_features.py").write_text("import no_such_package")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop(MODULE, None)


def hook(name: str, wanted: ColumnSpec | None = None, module: str = MODULE) -> Hook:
    column = wanted or ColumnSpec(name="f", slot="x.f", dtype=Dtype.FLOAT32)
    return Hook(function=f"{module}:{name}", arguments=(("r.a", "a"),), columns=(column,))


def call(name: str, array: pa.Array, wanted: ColumnSpec | None = None, raw: bool = True) -> list[Any]:
    batch = pa.RecordBatch.from_arrays([array], names=["r.a"])
    made = PrepareFunction.load(hook(name, wanted), [MODULE])(batch, raw=raw)
    assert ["x.f"] == made.schema.names
    return made.column("x.f").to_pylist()


@pytest.mark.parametrize(
    ("allowed", "name", "module", "words"),
    [
        ([], "double", MODULE, "is not allowed here.*none.*SCORING_PREPARE_MODULES"),
        ([MODULE + ".more", "features"], "double", MODULE, "is not allowed here"),
        ([MODULE], "no_such", MODULE, "AttributeError.*no_such"),
        ([MODULE], "not_a_function", MODULE, "is a int"),
        (["broken_features"], "any", "broken_features", "ModuleNotFoundError.*no_such_package"),
        (["not_installed_at_all"], "any", "not_installed_at_all", "No module named"),
    ],
)
def test_what_cannot_be_called_is_refused_in_words(allowed: list[str], name: str, module: str, words: str) -> None:
    """The module must be listed by its exact name, be there, import, and have the function."""
    with pytest.raises(ModelRefused, match=words):
        PrepareFunction.load(hook(name, module=module), allowed)


@pytest.mark.parametrize(
    ("array", "dtype"),
    [
        (pa.array([1.5, None], pa.float32()), "float32"),
        (pa.array([1, 2], pa.int64()), "Int64"),
        (pa.array([2**53 + 1, None], pa.int64()), "Int64"),
        (pa.array([1, None], pa.uint8()), "UInt8"),
        (pa.array([True, None]), "boolean"),
        (pa.array([True, False]), "boolean"),
        (pa.array([1, 2], pa.timestamp("us", "UTC")), "datetime64[us, UTC]"),
    ],
    ids=str,
)
def test_the_frames_types_depend_on_the_column_alone(array: pa.Array, dtype: str) -> None:
    """A null among whole numbers rounds none of them, and makes no other type of the column."""
    PrepareFunction.load(hook("double"), [MODULE])
    seen: list[pd.DataFrame] = importlib.import_module(MODULE).seen
    try:
        call("double", array)
    except ScoringError:
        pass  # twice a time is none
    assert dtype == str(seen[-1]["a"].dtype)
    assert array.null_count == seen[-1]["a"].isna().sum()


@pytest.mark.parametrize("encode", [False, True])
def test_text_is_text_however_its_chunk_was_kept(encode: bool) -> None:
    """A dictionary in the chunk file does not show in the frame."""
    cells = pa.array(["x", None, ""])
    wanted = ColumnSpec(name="f", slot="x.f", dtype=Dtype.STRING)
    assert ["it is x", "it is nan", "it is "] == [
        cell.replace("None", "nan") for cell in call("text", cells.dictionary_encode() if encode else cells, wanted)
    ]
    assert "category" != str(importlib.import_module(MODULE).seen[-1]["a"].dtype)


def test_the_batch_is_not_written_into() -> None:
    """The frame is the function's own: what it does to its columns stays there."""
    array = pa.array([1.0, 2.0])
    assert [9.0, 2.0] == call("edits", array)
    assert [1.0, 2.0] == array.to_pylist()


@pytest.mark.parametrize(
    ("array", "made"),
    [
        (pa.array([1, None, 3], pa.int32()), [2, None, 6]),
        (pa.array([0.5, None]), [1.0, None]),
        (pa.array([Decimal("1.25"), None]), [Decimal("2.50"), None]),
    ],
)
def test_nulls_come_back_as_nulls(array: pa.Array, made: list[object]) -> None:
    """NaN and <NA> alike: what becomes of them is for the column's own policy to say."""
    assert made == call("double", array)


def test_a_column_of_nothing_but_nulls_has_the_wanted_type() -> None:
    """pandas knows no type for it, the model does."""
    assert [None, None] == call("nulls", pa.array([1, 2]))


def test_lists_feed_a_vector() -> None:
    """One list per row, of numbers."""
    wanted = ColumnSpec(name="f", slot="x.f", dtype=Dtype.FLOAT32, list_size=2)
    assert [[1.0, 1.0], [2.0, 1.0]] == call("lists", pa.array([1, 2]), wanted)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("fewer", "expected a DataFrame of 3 rows with the columns 'f'; got 1 rows"),
        ("nothing", "got a NoneType"),
        ("other", "3 rows and the columns 'b', without 'f'"),
        ("twice", "with 'f' twice"),
        ("text", "expected numbers in column 'f'; got"),
        ("mixed", "expected numbers in column 'f'; got Expected bytes"),
        ("lists", "expected numbers in column 'f'; got list"),
        ("backwards", "in the order .* got another index, which begins 2, 1, 0"),
        ("sorts", "got another index, which begins 2, 1, 0"),
        ("keyed", "got another index, which begins 1, 2, 3"),
    ],
)
def test_another_frame_than_the_model_wants_is_a_bad_output(name: str, words: str) -> None:
    """Both shapes are named, or the column that does not fit."""
    with pytest.raises(BadOutput, match=words):
        call(name, pa.array([1, 2, 3]))


def test_a_frame_numbered_from_0_is_in_order() -> None:
    """A new one as well as that which was given."""
    assert [1, 2, 3] == call("numbered_anew", pa.array([1, 2, 3]))


@pytest.mark.parametrize("name", ["mixed", "fails", "its_own", "large", "keyed"])
def test_without_raw_no_value_is_told(name: str) -> None:
    """The function's own words may hold one."""
    with pytest.raises(ScoringError) as refused:
        call(name, pa.array([77, 2]), raw=False)
    assert "secret" not in str(refused.value)
    assert "77" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("fails", "got KeyError.*secret 1"),
        ("leaves", "got SystemExit: 3"),
        ("closes", "got GeneratorExit"),
        ("its_own", "got Own: secret 77"),
        ("mute", "got Mute;"),
        ("interrupts", "got KeyboardInterrupt"),
    ],
)
def test_whatever_is_raised_is_told_by_type_and_text(name: str, words: str) -> None:
    """It fails the chunk, and never ends the worker: neither its thread nor its process, which heeds no Ctrl-C."""
    with pytest.raises(ModelRefusedRows, match=words), ThreadPoolExecutor() as pool:
        pool.submit(call, name, pa.array([1, 2])).result()
    with ctrl_c(signal.SIG_IGN), pytest.raises(ModelRefusedRows, match=words):
        call(name, pa.array([1, 2]))


@contextmanager
def ctrl_c(handler: Any) -> Iterator[None]:
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def test_the_users_ctrl_c_goes_through() -> None:
    """In the main thread of a command, where Python raises it."""
    with ctrl_c(signal.default_int_handler), pytest.raises(KeyboardInterrupt):
        call("interrupts", pa.array([1, 2]))


def test_out_of_memory_may_be_tried_again() -> None:
    """It says nothing against the rows."""
    with pytest.raises(OutOfMemory, match="MemoryError: secret 77 GiB"):
        call("large", pa.array([1, 2]))


def test_a_module_that_ends_the_program_is_refused(tmp_path: Path) -> None:
    """It fails on every host, in words."""
    (tmp_path / "ending_features.py").write_text("class Own(BaseException): pass\nraise Own('not today')")
    with pytest.raises(ModelRefused, match="got Own: not today"):
        PrepareFunction.load(hook("any", module="ending_features"), ["ending_features"])


def test_what_it_prints_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """The command's own answer stands on stdout alone, also where several functions run at a time."""
    stdout = sys.stdout
    PrepareFunction.load(hook("prints"), [MODULE])
    together = importlib.import_module(MODULE).together
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(call, "prints", pa.array([1])) for _ in range(2)]
        together.wait(30)
        sys.stdout.write("the answer\n")
        together.wait(30)
        assert [[1], [1]] == [made.result() for made in calls]
    assert stdout is sys.stdout
    said = capsys.readouterr()
    assert "the answer\n" == said.out
    assert ["from the function", "from the function", "imported"] == sorted(said.err.split("\n"))[1:]


def test_what_it_puts_in_place_of_stdout_goes_with_it() -> None:
    """Two functions that redirect their prints at once leave the buffer of one behind."""
    stdout = sys.stdout
    call("swaps", pa.array([1]))
    assert stdout is sys.stdout
