"""Which files an argument names, and what is known of them before their rows are read."""

import gzip
import os
import socket
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scoring.core.errors import InputChanged, InputMissing, InputNotVisible, InputRefused
from scoring.core.limits import MAX_LIST_BYTES
from scoring.core.options import CsvDialect
from scoring.core.source import FileFormat
from scoring.data import inputs
from scoring.data.fingerprints import check_unchanged, fingerprint
from scoring.data.inputs import expand_inputs
from scoring.data.schema import check_files, decoded_row_bytes, describe
from scoring.data.text_stream import open_text
from tests.unit.data.conftest import carried, feature


@pytest.fixture
def tree(tmp_path):
    for name in (
        "b.csv",
        "a.csv",
        "sub/c.tsv",
        "sub/d.csv.gz",
        "e.parquet",
        "_hidden/x.csv",
        ".y.csv",
        "notes.txt",
        "w[1].csv",
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("a,b\n1,2\n")
    (tmp_path / "list.txt").write_text("# nightly\nb.csv\n\nsub/*.tsv\n")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["."], ["a.csv", "b.csv", "e.parquet", "sub/c.tsv", "sub/d.csv.gz", "w[1].csv"]),
        (["b.csv", "a.csv"], ["b.csv", "a.csv"]),
        (["a.csv", "a.csv"], ["a.csv", "a.csv"]),
        (["?.csv"], ["a.csv", "b.csv"]),
        (["w[1].csv"], ["w[1].csv"]),
        (["@list.txt"], ["b.csv", "sub/c.tsv"]),
        (["sub"], ["sub/c.tsv", "sub/d.csv.gz"]),
        (["sub/../a.csv"], ["a.csv"]),
    ],
)
def test_arguments_name_files_in_order(tree, monkeypatch, arguments, names):
    """Arguments in their order, folders and globs sorted, a path that exists taken literally."""
    monkeypatch.chdir(tree)
    assert [str(tree / name) for name in names] == [file.path for file in expand_inputs(arguments)]


# Paths of which each is refused for a reason of its own: (argument, error, what is said).
PATHS = [
    ("gone.csv", InputMissing, "no such file"),
    ("a.csv/b.csv", InputMissing, "no such file"),
    ("nul\0.csv", InputMissing, "no such file"),
    ("nul\0/*.csv", InputMissing, "pattern"),
    ("long" * 2_000, InputMissing, "no such file"),
    ("*.nothing", InputMissing, "pattern"),
    ("empty", InputMissing, "no input file"),
    ("notes.txt", InputRefused, "--format"),
    ("x.json", InputRefused, "--format jsonl"),
    ("x.parquet.gz", InputRefused, "decompress"),
    ("s3://bucket/x.csv", InputRefused, "URL"),
    ("file:///etc/passwd", InputRefused, "URL"),
    ("pipe.csv", InputRefused, "FIFO"),
    ("socket.csv", InputRefused, "socket"),
    ("loop.csv", InputRefused, "cannot read"),
    ("@gone.txt", InputMissing, "no such file"),
    ("@pipe.csv", InputRefused, "FIFO"),
    ("@cycle.txt", InputRefused, "another list"),
    ("@latin.txt", InputRefused, "UTF-8"),
    ("@huge.txt", InputRefused, f"at most {MAX_LIST_BYTES:,}"),
    ("@up.txt", InputRefused, "allowed folders"),
    ("/etc/passwd", InputRefused, "allowed folders"),
    ("../../../../../../../etc/passwd", InputRefused, "allowed folders"),
    ("/dev/zero", InputRefused, "allowed folders"),
    ("out.csv", InputRefused, "allowed folders"),
    ("away", InputRefused, "allowed folders"),
    ("away/*", InputRefused, "allowed folders"),
    ("leak", InputRefused, "allowed folders"),
    ("linked", InputRefused, "a link to .*/sub"),
    ("deep", InputRefused, "cannot read the folder"),
]


def make_deep(folder):
    """Folders in one another, so deep that no path leads to the last ones: nobody can read them, root neither."""
    Path(folder).mkdir()
    Path(folder, "x.csv").write_text("a\n")
    here = os.open(folder, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("d" * 250, dir_fd=here)
        below = os.open("d" * 250, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)


@pytest.fixture
def traps(tree, monkeypatch):
    monkeypatch.chdir(tree)
    os.mkfifo("pipe.csv")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.csv")
    for name, target in {"out.csv": "/etc/passwd", "loop.csv": "loop.csv", "away": "/etc"}.items():
        Path(name).symlink_to(target)
    for name in ("x.json", "x.parquet.gz"):
        Path(name).write_text("{}")
    Path("empty").mkdir()
    Path("leak").mkdir()
    Path("leak/x.csv").symlink_to("/etc/passwd")
    Path("linked").mkdir()
    Path("linked/x.csv").write_text("a\n")
    Path("linked/sub").symlink_to(tree / "sub")
    Path("linked/_left_out").symlink_to(tree)
    make_deep("deep")
    Path("cycle.txt").write_text("a.csv\n@cycle.txt\n")
    Path("latin.txt").write_bytes(b"\xe9.csv\n")
    Path("up.txt").write_text("/etc/passwd\n")
    with Path("huge.txt").open("wb") as file:
        file.truncate(MAX_LIST_BYTES + 1)
    return tree


def test_what_cannot_be_read_is_refused_at_once(traps):
    """Each with its reason; a FIFO does not block, no link, list or dot leads out of the allowed roots."""
    for argument, error, said in PATHS:
        with pytest.raises(error, match=said):
            expand_inputs([argument], roots=[str(traps)])


@pytest.mark.parametrize(
    ("path", "said"), [("/dev/null", "a device"), ("/proc/self/environ", "kernel"), ("/sys/kernel/notes", "kernel")]
)
@pytest.mark.skipif(sys.platform != "linux", reason="folders of the Linux kernel")
def test_what_is_no_file_of_a_disk_is_refused(path, said):
    """Also where any folder is allowed, and the format is said."""
    with pytest.raises(InputRefused, match=said):
        expand_inputs([path], format="csv")


def test_names_may_hold_anything_that_is_text(tmp_path, monkeypatch):
    """Newlines, quotes, a leading minus and marks of direction are names; bytes that are no UTF-8 are refused."""
    monkeypatch.chdir(tmp_path)
    names = ["-x.csv", "a\nb.csv", "q\"'.csv", "\u202egnp.csv"]
    for name in names:
        Path(name).write_text("a\n")
    assert [str(tmp_path / name) for name in names] == [file.path for file in expand_inputs(names)]
    Path(os.fsdecode(b"\xff.csv")).write_text("a\n")
    with pytest.raises(InputRefused, match="a name in UTF-8"):
        expand_inputs(["."])


@pytest.mark.parametrize("arguments", [["many"], ["many/*"], ["@all.txt"]])
def test_more_files_than_a_job_may_have_are_refused_by_number(tmp_path, monkeypatch, arguments):
    """A folder, a glob and a list alike."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(inputs, "MAX_FILES", 3)
    Path("many").mkdir()
    for n in range(4):
        Path(f"many/{n}.csv").write_text("a\n")
    Path("all.txt").write_text("many/0.csv\n" * 4)
    with pytest.raises(InputRefused, match="at most 3"):
        expand_inputs(arguments)


def test_a_link_that_is_turned_after_the_check_is_not_followed(tmp_path):
    """The file that is read is the one that was checked."""
    for name in ("seen", "secret"):
        (tmp_path / name).write_text("a,b\n1,2\n")
    link = tmp_path / "in.csv"
    link.symlink_to("seen")
    (file,) = expand_inputs([str(link)])
    link.unlink()
    link.symlink_to("secret")
    with pytest.raises(InputChanged), open_text(file, "utf-8", 0):
        pass


def test_the_format_can_be_said(tree):
    """--format wins over the extension."""
    assert FileFormat.CSV is expand_inputs([str(tree / "notes.txt")], format="csv")[0].format


def test_a_file_out_of_sight_is_not_a_file_removed(tmp_path):
    """Gone with its folder: this host does not see it. Gone alone: it is missing."""
    path = tmp_path / "share" / "in.csv"
    path.parent.mkdir()
    path.write_text("a\n")
    seen = fingerprint(str(path))
    path.unlink()
    with pytest.raises(InputMissing):
        check_unchanged(seen)
    path.parent.rmdir()
    with pytest.raises(InputNotVisible):
        check_unchanged(seen)


def test_a_csv_is_described_by_its_first_rows(tmp_path):
    """Columns are text; those whose cells all read as numbers look numeric; a small file's rows are exact."""
    path = tmp_path / "in.csv"
    path.write_text('id,n,t,e,"q"\na1,1.5,x,,1\na2,,2,,nan\n')
    schema = describe(expand_inputs([str(path)]), CsvDialect())
    assert ["id", "n", "t", "e", "q"] == [column.name for column in schema.columns]
    assert [False, True, False, True, True] == [column.looks_numeric for column in schema.columns]
    assert (2, True) == (schema.rows, schema.rows_exact)
    assert ("1.5", "") == schema.sample["n"]
    assert 4 + 4 + 3 == decoded_row_bytes(schema, [feature("n"), carried("id")])


@pytest.mark.parametrize(("count", "exact"), [(2, 1_500 + 3_000), (17, None)])
@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_the_rows_of_a_few_small_files_are_counted(tmp_path, suffix, count, exact):
    """However they differ, last lines without an end included; many files are estimated by the first."""
    head, row = ("a\n", "1\n") if suffix == "csv" else ("", '{"a": 1}\n')
    for n in range(count):
        (tmp_path / f"{n:02}.{suffix}").write_text((head + row * 1_500 * (n + 1)).rstrip())
    schema = describe(expand_inputs([str(tmp_path)]), CsvDialect())
    assert exact == (schema.rows if schema.rows_exact else None)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "packed"])
def test_the_rows_of_a_large_csv_are_estimated(tmp_path, pack):
    """The estimate is within a tenth for rows of one kind, however well they pack."""
    path = tmp_path / ("in.csv" if pack is bytes else "in.csv.gz")
    path.write_bytes(pack(("a,b\n" + "".join(f"{i * 7919 % 100_003},text\n" for i in range(300_000))).encode()))
    schema = describe(expand_inputs([str(path)]), CsvDialect())
    assert not schema.rows_exact
    assert 300_000 == pytest.approx(schema.rows, rel=0.1)


def test_a_row_of_many_cells_is_in_the_sample(tmp_path):
    """Also one that is longer than what a reject shows of it."""
    path = tmp_path / "in.csv"
    path.write_text(",".join(f"c{i}" for i in range(2_000)) + "\n" + ",".join(["text"] * 2_000) + "\n")
    schema = describe(expand_inputs([str(path)]), CsvDialect())
    assert ("text",) == schema.sample["c1999"]
    assert not schema.columns[0].looks_numeric


def test_parquet_is_described_by_its_footer(tmp_path):
    """Kinds, list sizes and the exact number of rows."""
    path = tmp_path / "in.parquet"
    table = pa.table(
        {
            "f": pa.array([1.5, None]),
            "i": pa.array([1, 2], pa.int8()),
            "b": pa.array([True, False]),
            "s": pa.array(["x", None]).dictionary_encode(),
            "d": pa.array(["1.1", "2.2"]).cast(pa.decimal128(10, 2)),
            "v": pa.array([[1.0, 2.0]] * 2, pa.list_(pa.float32(), 2)),
            "t": pa.array([0, 1], pa.timestamp("us")),
        }
    )
    pq.write_table(table, path)
    schema = describe(expand_inputs([str(path)]), CsvDialect())
    expected = ["float", "integer", "bool", "string", "decimal", "list", "moment"]
    assert expected == [column.kind for column in schema.columns]
    assert (2,) == schema.columns[5].dims
    assert (2, True) == (schema.rows, schema.rows_exact)
    assert ("1.5", None) == schema.sample["f"]


def test_csv_and_parquet_do_not_mix(tmp_path):
    """One job, one format."""
    (tmp_path / "a.csv").write_text("a\n1\n")
    pq.write_table(pa.table({"a": [1.0]}), tmp_path / "b.parquet")
    with pytest.raises(InputRefused, match="one format"):
        describe(expand_inputs([str(tmp_path)]), CsvDialect())


def test_files_that_do_not_go_together_are_refused_by_name(tmp_path):
    """A missing column names the file that lacks it."""
    (tmp_path / "c.csv").write_text("a\n1\n")
    (tmp_path / "d.csv.gz").write_bytes(gzip.compress(b"b\n1\n"))
    with pytest.raises(InputRefused, match=r"d\.csv\.gz"):
        check_files(expand_inputs([str(tmp_path)], format="csv"), [feature("a")], CsvDialect())
