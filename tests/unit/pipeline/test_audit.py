"""An audit finds what somebody did to the files of a job, and says which check, which file and what came."""

import base64
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scoring.core.audit import CheckStatus
from scoring.data.digests import digest_of
from tests.unit.pipeline.audited import ROWS, Audited, make

PART, OTHER = "part-000001.parquet", "part-000002.parquet"
REJECTS = f"_rejects/{PART}"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Audited:
    return make(tmp_path_factory.mktemp("audited"))


@pytest.fixture
def job(made: Audited) -> Audited:
    made.put_back()
    return made


def test_a_sound_job_is_whole(job: Audited) -> None:
    """Every check holds; the counts are those of the files."""
    found = job.audit()
    assert found.ok, found.checks
    assert (ROWS, 24, 6) == (found.rows_total, found.rows_scored, found.rows_rejected)
    assert {"table"} == {check.name for check in found.checks if check.status is CheckStatus.SKIPPED}
    assert job.audit(digest=str(found.digest).upper()).ok


def test_another_digest_than_expected_fails(job: Audited) -> None:
    """Both digests are said."""
    (check,) = [check for check in job.audit(digest="ab" * 32).checks if check.name == "digest"]
    assert CheckStatus.FAILED is check.status
    assert "ab" * 32 in check.message
    assert str(job.audit().digest) in check.message


def flip(name: str) -> Callable[[Audited], None]:
    def harm(job: Audited) -> None:
        data = bytearray((job.out / name).read_bytes())
        data[len(data) // 3] ^= 1
        (job.out / name).write_bytes(data)

    return harm


def cut(job: Audited) -> None:
    (job.out / PART).write_bytes((job.out / PART).read_bytes()[:-100])


def remove(name: str) -> Callable[[Audited], None]:
    return lambda job: (job.out / name).unlink()


def swap(job: Audited) -> None:
    (job.out / PART).rename(job.out / "between")
    (job.out / OTHER).rename(job.out / PART)
    (job.out / "between").rename(job.out / OTHER)


def copy(source: str, target: str) -> Callable[[Audited], object]:
    return lambda job: shutil.copy(job.out / source, job.out / target)


def link(job: Audited) -> None:
    (job.out / PART).rename(job.out / "elsewhere")
    (job.out / PART).symlink_to(job.out / "elsewhere")


def pipe(name: str) -> Callable[[Audited], None]:
    def harm(job: Audited) -> None:
        (job.out / name).unlink()
        os.mkfifo(job.out / name)

    return harm


def write(name: str, data: bytes) -> Callable[[Audited], object]:
    return lambda job: (job.out / name).write_bytes(data)


def copy_below(job: Audited) -> None:
    (job.out / "below").mkdir()
    shutil.copy(job.out / PART, job.out / "below" / "part-000000.parquet")


def link_rejects(job: Audited) -> None:
    (job.out / "_rejects").rename(job.out.parent / "_elsewhere")
    (job.out / "_rejects").symlink_to(job.out.parent / "_elsewhere")


def leave_staging(job: Audited) -> None:
    (job.out / "_staging" / job.job_id).mkdir(parents=True)


FILES: dict[str, tuple[Callable[[Audited], object], dict[str, str]]] = {
    "a flipped bit": (flip(PART), {"files": PART}),
    "a flipped bit in rejects": (flip(REJECTS), {"files": REJECTS}),
    "a truncated part": (cut, {"files": f"{PART}: expected "}),
    "a missing part": (remove(PART), {"files": f"{PART}: expected a file", "folder": f"{PART} is missing"}),
    "missing rejects": (remove(REJECTS), {"files": REJECTS, "folder": f"{REJECTS} is missing"}),
    "swapped parts": (swap, {"files": PART}),
    "a doubled part": (copy(PART, "part-000007.parquet"), {"folder": "part-000007.parquet is no file of the job"}),
    "a copy beside": (copy(PART, "copy.parquet"), {"folder": "copy.parquet"}),
    "a stray file of rejects": (copy(REJECTS, "_rejects/part-000009.parquet"), {"folder": "part-000009"}),
    "a copy below": (copy_below, {"folder": "below/part-000000.parquet is no file of the job"}),
    "rejects elsewhere": (link_rejects, {"folder": "_rejects is a link"}),
    "a link": (link, {"files": "a link"}),
    "a pipe": (pipe(PART), {"files": "a link, or no file at all"}),
    "no success": (remove("_SUCCESS"), {"folder": "_SUCCESS is missing"}),
    "a partial manifest": (copy("_manifest.json", "_partial.json"), {"folder": "_partial.json is there"}),
    "staging left": (leave_staging, {"folder": "is left over"}),
    "no manifest": (remove("_manifest.json"), {"folder": "_manifest.json is missing", "manifest": "expected a file"}),
    "a manifest that is a pipe": (pipe("_manifest.json"), {"manifest": "expected a file"}),
    "no JSON": (write("_manifest.json", b"{"), {"manifest": "expected JSON"}),
    "a list": (write("_manifest.json", b"[]"), {"manifest": "expected a JSON object"}),
    "nested without end": (write("_manifest.json", b"[" * 100_000), {"manifest": "expected JSON"}),
    "an empty object": (write("_manifest.json", b"{}"), {"manifest": "parts: an entry"}),
}


@pytest.mark.parametrize("case", FILES)
def test_a_harmed_file_is_found_and_named(job: Audited, case: str) -> None:
    """Those checks fail that look at it, and no other; each names the file and what came."""
    harm, expected = FILES[case]
    harm(job)
    failed = job.failed()
    assert set(expected) == set(failed), failed
    assert [] == [(name, failed[name]) for name, words in expected.items() if words not in failed[name]]
    assert (job.audit().digest is None) == ("files" in expected)


OTHER_COLUMNS = [{"name": "_row", "type": "int64"}, {"name": "k", "type": "string"}, {"name": "y", "type": "int8"}]
OTHER_SCHEMA = base64.b64encode(
    pa.schema([("_row", pa.int64()), ("k", pa.string()), ("y", pa.int8())]).serialize()
).decode()


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda m: m.update(rows_scored=25), "rows_scored of the _manifest.json: expected 24, got 25"),
        (lambda m: m.update(job_id="0" * 16), "job_id of the _manifest.json"),
        (lambda m: m["model"].update(version=9), "model of the _manifest.json"),
        (lambda m: m["parts"][1].update(sha256="0" * 64), "sha256 of the part of chunk 1"),
        (lambda m: m["parts"].pop(0), "part of chunk 0 is committed, and not listed"),
        (lambda m: m["parts"].append(m["parts"][0]), "an entry is there twice"),
        (lambda m: m["parts"].append({"chunk": 7}), "part of chunk 7 is listed, and was not committed"),
        (lambda m: m["rejects"].pop(), "rejects of chunk 2 is committed, and not listed"),
        (lambda m: m["rejects"][0].update(rows=3), "rows of the rejects of chunk 0: expected 2, got 3"),
        (lambda m: m["columns"].pop(), "columns: expected"),
        (lambda m: m["columns"][1].update(type="binary"), "arrow_schema is not that of the columns"),
        (lambda m: m.update(arrow_schema=OTHER_SCHEMA, columns=OTHER_COLUMNS), "arrow_schema is not that of the parts"),
        (lambda m: m["parts"].reverse(), "parts are not in the order of their chunks"),
        (lambda m: m.update(parts="none"), "an entry is there twice, or is none"),
        (lambda m: m.update(parts=None, rejects=7, columns=0), "an entry is there twice, or is none"),
    ],
)
def test_an_edited_manifest_is_found(job: Audited, edit: Callable[[dict[str, object]], object], words: str) -> None:
    """Whatever its form: the manifest's check alone fails, and names the entry."""
    job.edit_manifest(edit)
    failed = job.failed()
    assert ["manifest"] == list(failed)
    assert words in failed["manifest"]


def forge(job: Audited, change: Callable[[pa.Table], pa.Table]) -> None:
    """Another part with everything that vouches for it: digest and size in the ledger and in the manifest."""
    path = job.out / PART
    table = pq.read_table(path, partitioning=None)
    pq.write_table(change(table).replace_schema_metadata(table.schema.metadata), path)
    size, digest = path.stat().st_size, digest_of(path)
    job.sql(f"UPDATE parts SET part_bytes = {size}, part_sha256 = '{digest}' WHERE chunk = 1")
    job.edit_manifest(lambda manifest: manifest["parts"][1].update(bytes=size, sha256=digest))


def other_rows(table: pa.Table, rows: list[int]) -> pa.Table:
    return table.set_column(0, "_row", pa.array(rows, pa.int64()))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.take([0, 0, 2, 3, 4, 5, 6, 7]), {"rows": "that are there twice: expected 0, got 1"}),
        (lambda t: t.slice(1), {"rows": "rows of chunk 1: expected 10, got 9", "files": "expected 8, got 7"}),
        (lambda t: other_rows(t, [99, *range(13, 20)]), {"rows": "from elsewhere: expected 0, got 1"}),
        (lambda t: t.take([1, 0, 2, 3, 4, 5, 6, 7]), {"rows": "not in input order"}),
        (lambda t: t.rename_columns(["_row", "k", "z"]), {"files": "columns of part-000001.parquet"}),
        (lambda t: t.drop_columns(["_row"]), {"files": "a column _row of int64"}),
    ],
)
def test_rows_are_counted_in_the_files_themselves(
    job: Audited, change: Callable[[pa.Table], pa.Table], words: dict[str, str]
) -> None:
    """A part that everybody vouches for is found by its rows all the same."""
    forge(job, change)
    failed = job.failed()
    assert set(words) == set(failed), failed
    assert [] == [failed[name] for name, said in words.items() if said not in failed[name]]


def test_a_part_of_another_job_is_found(job: Audited, tmp_path: Path) -> None:
    """Its footer says whose it is."""
    stranger = {"scoring.job_id": "0" * 16, "scoring.chunk": "1", "scoring.model_sha256": "m"}
    forge(job, lambda table: table)
    path = job.out / PART
    pq.write_table(pq.read_table(path, partitioning=None).replace_schema_metadata(stranger), path)
    size, digest = path.stat().st_size, digest_of(path)
    job.sql(f"UPDATE parts SET part_bytes = {size}, part_sha256 = '{digest}' WHERE chunk = 1")
    assert f"scoring.job_id of {PART}" in job.failed()["files"]
