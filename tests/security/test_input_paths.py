"""S15: no path leads a job out of SCORING_INPUT_ROOTS, however it is written and whenever it is turned."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from scoring.core.errors import InputRefused, ScoringError
from scoring.data.fingerprints import fingerprint
from scoring.data.inputs import expand_inputs
from scoring.data.roots import opener_within
from scoring.pipeline.context import Context
from scoring.pipeline.model_files import find_model
from scoring.settings import load_settings
from tests.acceptance.program import Program
from tests.small_models import churn_model
from workers.process import open_context

SECRET = "s3cret-column"


@pytest.fixture
def walled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Context]:
    """An embedded home whose inputs must lie in `in`; a model, rows and a secret lie beside it."""
    inside, outside = tmp_path / "in", tmp_path / "out"
    for folder in (inside, outside):
        folder.mkdir()
        churn_model(folder / "churn.onnx")
        (folder / "model.yaml").write_text(f"{SECRET}: 1\n" if folder is outside else "task: binary\n")
        (folder / "rows.csv").write_text(f"{SECRET}\n1\n" if folder is outside else "age,plan\n31,free\n")
    monkeypatch.chdir(inside)
    monkeypatch.setenv("SCORING_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SCORING_INPUT_ROOTS", str(inside))
    context = open_context(load_settings())
    yield context
    context.ledger.close()


def linked_model(inside: Path) -> str:
    (inside / "linked.onnx").symlink_to(inside.parent / "out" / "churn.onnx")
    return "linked.onnx"


def linked_spec(inside: Path) -> str:
    (inside / "model.yaml").unlink()
    (inside / "model.yaml").symlink_to(inside.parent / "out" / "model.yaml")
    return "churn.onnx"


def model_above(inside: Path) -> str:
    return "../out/churn.onnx"


def model_elsewhere(inside: Path) -> str:
    return str(inside.parent / "out" / "churn.onnx")


def linked_folder(inside: Path) -> str:
    """An MLflow folder whose description is a link."""
    (inside / "logged").mkdir()
    (inside.parent / "out" / "MLmodel").write_text(f"{SECRET}: 1\n")
    (inside / "logged" / "MLmodel").symlink_to(inside.parent / "out" / "MLmodel")
    return "./logged"


def folder_that_names_a_file_above(inside: Path) -> str:
    (inside / "logged").mkdir()
    (inside / "logged" / "MLmodel").write_text("flavors: {onnx: {data: ../../out/churn.onnx}}\n")
    return "./logged"


@pytest.mark.parametrize(
    "make",
    [linked_model, linked_spec, model_above, model_elsewhere, linked_folder, folder_that_names_a_file_above],
    ids=lambda make: make.__name__,
)
def test_no_model_is_read_from_outside(walled: Context, make: object) -> None:
    """Neither the file nor what stands beside it, and no message tells a word of what lies there."""
    assert callable(make)
    with pytest.raises(InputRefused) as refused:
        find_model(walled, make(Path.cwd()), None)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("spec", ["../out/model.yaml", "linked.yaml", "/proc/self/environ"])
def test_no_spec_is_read_from_outside(walled: Context, spec: str) -> None:
    """`--spec` is a path as any other: it would tell a schedule's owner what another file holds."""
    Path("linked.yaml").symlink_to("../out/model.yaml")
    with pytest.raises(InputRefused, match="allowed folders") as refused:
        find_model(walled, "churn.onnx", spec)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("spec", ["pipe.yaml", "/dev/zero", "large.yaml"])
def test_a_spec_that_is_no_small_file_is_refused_at_once(
    walled: Context, spec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where any folder is allowed: a FIFO does not block, a device and a large file do not fill the memory."""
    os.mkfifo("pipe.yaml")
    with Path("large.yaml").open("wb") as file:
        file.truncate(2**33)
    monkeypatch.delenv("SCORING_INPUT_ROOTS")
    anywhere = open_context(load_settings())
    with pytest.raises(ScoringError, match=r"regular file|at most"):
        find_model(anywhere, "churn.onnx", spec)
    anywhere.ledger.close()


def test_a_link_that_is_turned_while_it_is_checked_leads_nowhere(tmp_path: Path) -> None:
    """Another process turns a link to and fro all the time: no file outside is ever taken for one inside."""
    inside, outside = tmp_path / "in" / "rows.csv", tmp_path / "out" / "rows.csv"
    for path in (inside, outside):
        path.parent.mkdir()
        path.write_text("a\n1\n")
    link, spare, ended = inside.with_name("link.csv"), inside.with_name("spare"), threading.Event()

    def turn() -> None:
        while not ended.is_set():
            for target in (inside, outside):
                spare.unlink(missing_ok=True)
                spare.symlink_to(target)
                spare.replace(link)

    link.symlink_to(inside)
    turner = threading.Thread(target=turn)
    turner.start()
    taken, refused = 0, 0
    try:
        while not (taken > 50 and refused > 50):
            try:
                seen = fingerprint(str(link), [str(inside.parent)])
            except InputRefused:
                refused += 1
                continue
            taken += 1
            assert inside.stat().st_ino == seen.inode
    finally:
        ended.set()
        turner.join()


def test_the_open_file_decides(tmp_path: Path) -> None:
    """A folder above that is moved away after the check takes the file with it, out of the roots."""
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "deep" / "rows.csv").write_text("a\n")
    (tmp_path / "in" / "way").symlink_to("deep")
    path, roots = str(tmp_path / "in" / "way" / "rows.csv"), [str(tmp_path / "in")]
    os.close(opener_within(roots)(path, os.O_RDONLY))
    (tmp_path / "in" / "deep").rename(tmp_path / "gone")
    (tmp_path / "in" / "way").unlink()
    (tmp_path / "in" / "way").symlink_to(tmp_path / "gone")
    with pytest.raises(InputRefused, match="allowed folders"):
        opener_within(roots)(path, os.O_RDONLY)


@pytest.mark.parametrize(
    "argument", ["..", "../*/rows.csv", "./../out/rows.csv", "in.csv/../../out/rows.csv", "@up.txt"]
)
def test_no_way_of_writing_a_path_leads_out(walled: Context, argument: str) -> None:
    """Folders, globs, dots and lists; more of them stand in tests/unit/data/test_inputs.py."""
    Path("up.txt").write_text("../out/rows.csv\n")
    Path("in.csv").mkdir()
    with pytest.raises(InputRefused, match="allowed folders"):
        expand_inputs([argument], format="csv", roots=walled.settings.input_roots)


@pytest.mark.parametrize(
    ("setting", "left"),
    [
        pytest.param("SCORING_INPUT_ROOTS", ["_partial.json"], marks=pytest.mark.exhaustive),
        ("SCORING_OUTPUT_ROOTS", []),
    ],
)
def test_a_worker_keeps_to_its_own_roots(tmp_path: Path, setting: str, left: list[str]) -> None:
    """Whoever can write a job into the ledger makes no worker read or write where that worker may not."""
    churn_model(tmp_path / "churn.onnx")
    (tmp_path / "rows.csv").write_text("age,plan\n31,free\n")
    program = Program(tmp_path)
    job = program("submit", "churn.onnx", "rows.csv", "-o", "out").stdout.strip()
    refused = program.with_settings(**{setting: str(tmp_path / "elsewhere")})("resume", job, code=4)
    assert "allowed folders" in refused.stderr
    assert left == [path.name for path in (tmp_path / "out").rglob("*")]
