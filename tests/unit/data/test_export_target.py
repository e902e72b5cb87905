"""Which file an export may write, and what it leaves where it was killed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scoring.core.errors import OutputRefused, UsageError
from scoring.data.export_target import ExportTarget, export_target
from scoring.data.parts import promote, stage_part, stage_rejects
from scoring.data.rejects import REJECT_SCHEMA
from tests.unit.data.test_outputs import ROWS, manifest, of, publish


def target(path: Path, *sources: Path) -> ExportTarget:
    return export_target(path, store=Path("/nowhere"), sources=[str(source) for source in sources])


def write(to: ExportTarget, text: bytes) -> None:
    with to.opened() as file:
        file.write(text)


def staged(out: Path) -> None:
    stage_part(out, 0, 1, ROWS, metadata=of("j1"))


def part(out: Path) -> None:
    publish(out)


def rejects(out: Path) -> None:
    promote(out, stage_rejects(out, 0, 1, REJECT_SCHEMA.empty_table(), metadata=of("j1")))


def listed(out: Path) -> None:
    (out / "_partial.json").write_text(json.dumps(manifest(publish(out)).to_json()))
    (out / "part-000000.parquet").unlink()


@pytest.mark.parametrize("left", [staged, part, rejects, listed])
@pytest.mark.parametrize("name", ["part-000000.parquet", "new.csv", "_rejects/part-000001.parquet", "deep/er/x.jsonl"])
def test_nothing_is_written_among_the_files_of_a_job(tmp_path: Path, left: object, name: str) -> None:
    """Whatever the job has left there by now; below the folder neither, nor through a link from elsewhere."""
    out = tmp_path / "out"
    left(out)  # type: ignore[operator]
    (out / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / f"link{Path(name).suffix}").symlink_to(out / name)
    for path in (out / name, tmp_path / f"link{Path(name).suffix}"):
        with pytest.raises(OutputRefused, match="among the files of a job") as refused:
            target(path)
        assert str(out) in refused.value.got
    assert tmp_path / "beside.csv" == target(tmp_path / "beside.csv").path


def test_the_folder_of_another_program_is_free(tmp_path: Path) -> None:
    """Spark leaves parts and a _SUCCESS too."""
    for name in ("_SUCCESS", "part-000000.parquet", "part-00000-c000.snappy.parquet"):
        (tmp_path / name).write_bytes(b"")
    assert tmp_path / "x.csv" == target(tmp_path / "x.csv").path


def test_the_store_is_not_written(tmp_path: Path) -> None:
    """Even where no job has left anything."""
    with pytest.raises(OutputRefused, match="in the store"):
        export_target(tmp_path / "x.csv", store=tmp_path, sources=())


def test_no_source_is_overwritten(tmp_path: Path) -> None:
    """By whatever way it is named."""
    source, link = tmp_path / "rows.csv", tmp_path / "link.csv"
    source.write_text("id\n1\n")
    link.symlink_to(source)
    for path, read in ((source, source), (link, source), (source, link), (tmp_path / "." / "rows.csv", source)):
        with pytest.raises(OutputRefused, match="these rows come from"):
            target(path, tmp_path / "gone.csv", read)


def test_a_link_is_written_through(tmp_path: Path) -> None:
    """It stays a link, also to a file that is not there yet."""
    (tmp_path / "data").mkdir()
    link = tmp_path / "latest.csv"
    link.symlink_to("data/today.csv")
    write(target(link), b"new")
    assert link.is_symlink()
    assert b"new" == (tmp_path / "data/today.csv").read_bytes()
    assert [tmp_path / "data/today.csv"] == list((tmp_path / "data").iterdir())


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """In words, and at once: nobody waits for a reader of a FIFO."""
    os.mkfifo(tmp_path / "fifo.csv")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "null.csv").symlink_to("/dev/null")
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    for name, got in (("fifo", "a FIFO"), ("folder", "a directory"), ("null", "a device"), ("loop", "symbolic links")):
        with pytest.raises(OutputRefused, match=f"cannot export to .*{name}") as refused:
            target(tmp_path / f"{name}.csv")
        assert got in refused.value.got


@pytest.mark.parametrize(("name", "said"), [("x.xlsx", r"or \.parquet"), ("no/x.csv", "make .*no first")])
def test_a_name_that_cannot_be_is_refused(tmp_path: Path, name: str, said: str) -> None:
    """The extension names the format, nothing is guessed; a folder is not made in passing."""
    with pytest.raises(UsageError, match=said):
        target(tmp_path / name)


DIES = """
import os, signal
from pathlib import Path
from scoring.data.export_target import export_target
with export_target(Path("x.csv"), store=Path("store"), sources=()).opened() as file:
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_export_left_is_cleared_by_the_next(tmp_path: Path) -> None:
    """To the same file; one that is at work keeps its own, and so does everybody else."""
    subprocess.run([sys.executable, "-c", DIES], cwd=tmp_path, timeout=60, check=False)
    [left] = tmp_path.iterdir()
    (tmp_path / ".x.csv.notes.tmp").write_text("mine")
    with target(tmp_path / "x.csv").opened() as first:
        assert not left.exists()
        first.write(b"first")
        write(target(tmp_path / "x.csv"), b"second")
    assert b"first" == (tmp_path / "x.csv").read_bytes()
    assert {".x.csv.notes.tmp", "x.csv"} == {path.name for path in tmp_path.iterdir()}
