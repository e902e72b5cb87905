"""Files of JSON lines: which lines are rows, where a job goes on, and what is refused before a row is read."""

import bz2
import gzip
import json
from pathlib import Path

import pytest

from scoring.core.columns import ColumnSpec, Dtype
from scoring.core.errors import InputMissing, InputRefused
from scoring.core.limits import MAX_RECORD_BYTES
from scoring.core.options import CsvDialect
from scoring.core.source import ColumnKind, FileFormat
from scoring.data.faults import Faults
from scoring.data.inputs import expand_inputs
from scoring.data.jsonl_blocks import DIALECT, LineBlock, read_lines
from scoring.data.jsonl_rows import parse_rows
from scoring.data.jsonl_schema import HEAD_BYTES
from scoring.data.jsonl_typed import TypedParser
from scoring.data.schema import check_files, describe
from tests.unit.data.conftest import carried, feature

COLUMNS = [feature("b"), carried("k")]

NO_ROWS = [
    (b"nope", "bad_value", "no JSON: Expecting value at character 1"),
    (b'{"b": 1', "bad_value", "no JSON: Expecting ',' delimiter"),
    (b'{"b": 1,}', "bad_value", "no JSON"),
    (b"{'b': 1}", "bad_value", "no JSON"),
    (b'{"b": 01}', "bad_value", "no JSON"),
    (b'{"b": .5}', "bad_value", "no JSON"),
    (b'{"b": NaN}', "bad_value", "NaN is no number"),
    (b'{"b": 1, "x": -Infinity}', "bad_value", "-Infinity is no number"),
    (b'{"b": 1, "x": Inf}', "bad_value", "no JSON"),
    (b'{"b": 1} // x', "bad_value", "no JSON: Extra data"),
    (b'{"b": 1}{"b": 2}', "bad_value", "no JSON: Extra data"),
    (b'{"b": 1}null{"b": 2}', "bad_value", "no JSON: Extra data"),
    (b'{"b": 1, "x": "\t"}', "bad_value", "Invalid control character"),
    (b'{"b": 1, "x": "\\q"}', "bad_value", "escape"),
    (b'{"b": 1}\x00', "bad_value", "Extra data"),
    (b'\xef\xbb\xbf{"b": 1}', "bad_value", "no JSON"),
    (b"null", "bad_value", "null, but each line must be an object"),
    (b"[]", "bad_value", "a list, but each line must be an object"),
    (b"7", "bad_value", "a number, but each line must be an object"),
    (b'{"b": 1, "x": "\xff"}', "bad_encoding", "byte 0xff is no UTF-8"),
    (b'{"b": 1, "x": ' + b"[" * 100 + b"]" * 100 + b"}", "bad_value", "more than 100 deep"),
    (b'{"b": ' + b"[" * 101 + b"]" * 101 + b"}", "bad_value", "more than 100 deep"),
    (b'{"b": ' * 100_000, "bad_value", "more than 100 deep"),
]


@pytest.fixture
def split_lines(split_all, tmp_path):
    def run(lines: list[bytes], columns=COLUMNS, name="in.jsonl", **options):
        (tmp_path / name).write_bytes(b"\n".join(lines))
        return split_all([tmp_path / name], columns, **options)

    return run


@pytest.mark.parametrize(("line", "code", "reason"), NO_ROWS, ids=lambda value: str(value)[:20])
def test_a_line_that_is_no_object_rejects_its_row(split_lines, line, code, reason):
    """With the parser's words; the rows around it stay."""
    good = b'{"b": 1, "k": "x"}'
    found = split_lines([good, line, good])
    assert [(1, 2, "", code)] == found.faults()
    assert reason in found.rejects[0]["reason"]
    assert [0, 2] == found.rows


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_blank_lines_are_no_rows(split_lines, end):
    """Rows are counted without them, lines with them; blanks around an object are none of its business."""
    lines = [b"", b' {"b": 1} ', b" \t", b'\t{"b": 2, "k": 1}', b"bad", b"", b'{"b": \r3, "k": 2}', b""]
    found = split_lines([line + end[:-1] for line in lines])
    assert [(1.0, None), (2.0, "1"), (3.0, "2")] == found.cells
    assert [(2, 5, "", "bad_value")] == found.faults()
    assert [0, 1, 3] == found.rows


def test_members_that_nobody_needs_may_be_anything(split_lines):
    """Their kinds may change from line to line, and so may the order of the members."""
    lines = [
        b'{"b": 1, "x": [1, {"y": 1e400}], "k": "a"}',
        b'{"k": "b", "x": "\\ud800", "b": 2}',
        b'{"b": 3, "k": "c"}',
    ]
    assert [(1.0, "a"), (2.0, "b"), (3.0, "c")] == split_lines(lines).cells


def block_of(*lines: str) -> LineBlock:
    return LineBlock(text="".join(line + "\r\n" for line in lines).encode(), offset=0, line=0, dialect=DIALECT)


def parsed(columns: list[ColumnSpec], *lines: str, after: str | None = None) -> list[object] | None:
    """The last of these lines by the fast way, or None where it is not taken; after: a line that was read before."""
    parser = TypedParser(columns, CsvDialect())
    seen = block_of(after) if after else block_of(*lines)
    parser.learn(parse_rows(seen, Faults(len(seen.starts))).values)
    arrays = parser.arrays(block_of(*lines))
    return None if arrays is None else [array[-1].as_py() for array in arrays]


def test_clean_lines_take_the_fast_way():
    """Numbers, texts, booleans, keys of whole numbers and nested lists are parsed at once."""
    columns = [feature("n"), feature("l", list_size=4, list_dims=(2, 2)), feature("b", Dtype.BOOL), *map(carried, "kt")]
    line = json.dumps({"n": 1.5, "l": [[1, 2], [3, 4]], "b": True, "k": 7, "t": "[{é", "more": {"x": None}})
    assert [1.5, [1, 2, 3, 4], True, "7", "[{é"] == parsed(columns, line)


@pytest.mark.parametrize(
    ("more", "fast"),
    [("", True), (', "s": "n: 2"', True), (', "o": {"n": 2}', False), (r', "s": "\"n\": 2"', False)],
)
def test_carried_numbers_are_found_as_they_are_spelled(more, fast):
    """In flat objects without escapes, where a name and a colon can be nothing else; a feature is parsed beside."""
    columns = [feature("n"), carried("n"), carried("k")]
    found = parsed(columns, f'{{"n" : 1.50{more}, "k": -0}}')
    assert [1.5, "1.50", "-0"] == found if fast else found is None


def test_no_spelling_is_taken_for_that_of_another_row():
    """Neither where an object inside has a member of the name, nor where a number comes that is spelled otherwise."""
    assert parsed([carried("n")], '{"k": 1}', '{"n": 1.50, "o": {"n": 2.50}}') is None
    assert ["-0"] == parsed([carried("n")], '{"n": -0}', after='{"n": 7}')


def messy(count: int, seed: int) -> bytes:
    kinds = [b'{"b": %d, "k": "x"}', b'{"k": %d, "b": null}', b'{"b": "%d"}', b"bad %d", b"", b'{"b": 1, "k": 1.%d}\r']
    lines = [kinds[(seed + i * i) % len(kinds)] for i in range(count)]
    return b"\n".join(line % i if b"%" in line else line for i, line in enumerate(lines)) + b"\n"


@pytest.mark.parametrize("ending", ["jsonl", "ndjson.bz2"])
def test_a_job_goes_on_from_every_position(split_all, tmp_path, ending):
    """Chunks have the size asked for over all files, and are the same behind each; --limit changes none before."""
    for n in range(3):
        data = messy(200, n)
        (tmp_path / f"{n}.{ending}").write_bytes(bz2.compress(data) if ending.endswith("bz2") else data)
    paths = sorted(tmp_path.glob(f"*.{ending}"))
    whole = split_all(paths, COLUMNS, chunk_rows=70)
    assert {70} == {chunk.rows for chunk in whole.chunks[:-1]}
    for i, position in enumerate(whole.positions):
        assert whole.chunks[i + 1 :] == split_all(paths, COLUMNS, chunk_rows=70, start=position).chunks
    some = split_all(paths, COLUMNS, chunk_rows=70, limit=100)
    assert [70, 30] == [chunk.rows for chunk in some.chunks]
    assert [row for row in whole.rows if row < 100] == some.rows


@pytest.mark.parametrize("block_bytes", [1, 7, 64, 2**20])
def test_lines_are_found_whatever_the_size_of_a_block(tmp_path, block_bytes):
    """Each reject's line and each row's place are those of the file."""
    data = messy(100, 1)
    places = []
    with (tmp_path / "x").open("w+b") as file:
        file.write(data)
        file.seek(0)
        for block in read_lines(file, offset=0, line=0, block_bytes=block_bytes):
            places += [(*block.place(row, -1), block.record(row)) for row in range(len(block.starts))]
    lines = data.split(b"\n")
    assert [line for line in lines if line.strip()] == [record.rstrip(b"\n") for _, _, record in places]
    assert all(data[byte:].startswith(record) and lines[line] + b"\n" == record for byte, line, record in places)


def test_a_line_beyond_the_limit_is_one_rejected_row(split_lines):
    """Its size is said, its head is kept, and the rows behind it have their lines."""
    long = b'{"b": 1, "k": "' + b"x" * MAX_RECORD_BYTES + b'"}'
    found = split_lines([b'{"b": 1}', long, b"bad", long, b'{"b": 2, "k": "y"}'])
    codes = [(1, 2, "", "cell_too_large"), (2, 3, "", "bad_value"), (3, 4, "", "cell_too_large")]
    assert codes == found.faults()
    assert f"{len(long) + 1}" in found.rejects[0]["reason"]
    assert 500 == len(found.rejects[0]["raw"])
    assert [0, 4] == found.rows


@pytest.mark.parametrize(
    ("name", "encode", "encoding"),
    [
        ("a.jsonl", lambda text: b"\xef\xbb\xbf" + text.encode(), "utf-8"),
        ("a.ndjson", lambda text: text.encode("utf-16"), "utf-16"),
        ("a.jsonl", lambda text: text.encode("latin-1"), "latin-1"),
        ("a.jsonl.gz", lambda text: gzip.compress(text.encode()), "utf-8"),
    ],
)
def test_bytes_are_brought_to_text_first(split_all, tmp_path, name, encode, encoding):
    """A byte order mark is skipped, --encoding is heeded, compression is known by the extension."""
    (tmp_path / name).write_bytes(encode('{"b": 1, "k": "é"}\n{"b": 2, "k": "ü"}\n'))
    found = split_all([tmp_path / name], COLUMNS, chunk_rows=1, encoding=encoding)
    assert [(1.0, "é"), (2.0, "ü")] == found.cells
    start = found.positions[0]
    assert (
        found.chunks[1:] == split_all([tmp_path / name], COLUMNS, chunk_rows=1, start=start, encoding=encoding).chunks
    )


def described(tmp_path: Path, *texts: str):
    for n, text in enumerate(texts):
        (tmp_path / f"{n}.jsonl").write_text(text)
    return describe(expand_inputs([str(tmp_path)]), CsvDialect())


def test_members_of_the_first_rows_are_the_columns(tmp_path):
    """In the order in which they come; what they hold is known cell by cell."""
    found = described(tmp_path, '{"a": 1, "s": "x"}\nbad\n{"a": null, "n": [1.0], "b": true}\n')
    assert ["a", "s", "n", "b"] == [column.name for column in found.columns]
    assert {ColumnKind.JSON} == {column.kind for column in found.columns}
    assert ["a"] == [column.name for column in found.columns if column.looks_numeric]
    assert (3, True) == (found.rows, found.rows_exact)
    assert {"a": ("1", None), "s": ("x", None), "n": (None, "[1.0]"), "b": (None, "true")} == found.sample


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "packed"])
def test_rows_are_estimated_from_the_first_ones(tmp_path, pack):
    """By bytes, however well they pack; the sample ends after 1 000 rows."""
    for n in range(2):
        path = tmp_path / f"{n}.jsonl{'' if pack is bytes else '.gz'}"
        path.write_bytes(pack(b'{"a": 1.25, "k": "abc"}\n' * 100_000))
    found = described(tmp_path)
    assert not found.rows_exact
    assert 200_000 == pytest.approx(found.rows, rel=0.01)
    assert 1_000 == len(found.sample["a"])


def test_long_rows_are_looked_at_all_the_same(tmp_path):
    """The first one tells its members however long it is; what lies far behind does not."""
    found = described(tmp_path, f'{{"a": "{"x" * HEAD_BYTES}"}}\n' + '{"b": 1}\n' * 200_000 + '{"c": 1}\n')
    assert ["a", "b"] == [column.name for column in found.columns]


def test_a_file_without_rows_stands_beside_others(split_all, tmp_path):
    """An export with nothing in it has no members to lack; only if all are such, there is nothing to bind."""
    found = described(tmp_path, "", '{"b": 1, "k": "x"}\n', "\n\n")
    assert ["b", "k"] == [column.name for column in found.columns]
    check_files(expand_inputs([str(tmp_path)]), COLUMNS, CsvDialect())
    assert [(1.0, "x")] == split_all(sorted(tmp_path.glob("*.jsonl")), COLUMNS).cells


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("\n \n", "is empty"),
        ('[\n{"a": 1},\n{"a": 2}\n]\n', "jq -c"),
        ('[{"a": 1}]', "a list, but each line"),
        ("a,b\n1,2\n", "no JSON"),
        ("x" * (MAX_RECORD_BYTES + 1), "too long"),
    ],
    ids=["empty", "blank", "document", "one line", "CSV", "long"],
)
def test_what_is_no_json_lines_is_refused(tmp_path, text, said):
    """With the reason of its first line."""
    with pytest.raises(InputRefused) as refused:
        described(tmp_path, text)
    assert said in str(refused.value)


def test_a_member_that_the_first_rows_lack_is_refused(tmp_path):
    """In whichever file: all missing ones are named, with a hint; one row that has it is enough."""
    described(tmp_path, '{"b": 1}\n{"k": 2}\n', '{"B": 1, "x": 1}\n')
    files = expand_inputs([str(tmp_path)])
    check_files(files[:1], COLUMNS, CsvDialect())
    with pytest.raises(InputRefused) as refused:
        check_files(files, COLUMNS, CsvDialect())
    wanted = ["1.jsonl", "b, k", "'b' and 'B'"]
    assert wanted == [said for said in wanted if said in str(refused.value)]


def test_formats_are_not_mixed(tmp_path):
    """One job reads one format."""
    (tmp_path / "a.csv").write_text("b\n1\n")
    with pytest.raises(InputRefused, match="several formats"):
        described(tmp_path, '{"b": 1}\n')


def test_json_lines_are_known_by_name_or_by_option(tmp_path):
    """.jsonl and .ndjson, also packed; .json only where --format says that its lines are objects."""
    for name in ("a.jsonl", "b.NDJSON.gz", "c.json", "d.txt"):
        (tmp_path / name).write_text("{}")
    assert ["a.jsonl", "b.NDJSON.gz"] == [Path(file.path).name for file in expand_inputs([str(tmp_path)])]
    folder = expand_inputs([str(tmp_path)], format="jsonl")
    assert ["a.jsonl", "b.NDJSON.gz", "c.json"] == [Path(file.path).name for file in folder]
    assert {FileFormat.JSON_LINES} == {file.format for file in folder}
    assert ["gzip"] == [file.compression for file in folder if file.compression]
    assert FileFormat.JSON_LINES is expand_inputs([str(tmp_path / "d.txt")], format="jsonl")[0].format
    with pytest.raises(InputMissing, match="no input file"):
        expand_inputs([str(tmp_path)], format="parquet")
