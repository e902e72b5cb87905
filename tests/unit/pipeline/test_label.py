"""Attaching labels to a scored batch: which row gets which label, and what is said of the rest."""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

import scoring
from scoring.cli.errors import run_command
from scoring.cli.main import cli
from scoring.core.errors import InputMissing, InputRefused, UsageError
from tests.acceptance.conftest import customers
from tests.place import Place
from tests.small_models import churn_model

ROWS = 1_000
CHUNK_ROWS = 300
Facts = dict[str, Any]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A working folder with a model, an input, and a home where they were scored once: `night`."""
    made = Place(tmp_path_factory.mktemp("label"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCORING_HOME", str(made.folder / "home"))
        patch.chdir(made.folder)
        churn_model(Path("churn.onnx"))
        write(Path("rows.csv"), customers(ROWS))
        scored()
    made.keep()
    return made


@pytest.fixture(autouse=True)
def folder(place: Place, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCORING_HOME", str(place.folder / "home"))
    monkeypatch.chdir(place.put_back())
    return place.folder


def write(path: Path, table: pa.Table) -> None:
    if path.suffix == ".parquet":
        pq.write_table(table, path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    else:
        pc.write_csv(table, path)


def scored(**options: Any) -> scoring.Job:
    return scoring.run("churn.onnx", "rows.csv", workers=1, chunk_rows=CHUNK_ROWS, **({"key": "id"} | options))


def night() -> scoring.Job:
    """The job that is there already: rows.csv with its key, without labels."""
    return scoring.Job("last")


def truth(first: int = 0, stop: int = ROWS) -> pa.Table:
    return customers(ROWS).select(["id", "churned"]).slice(first, stop - first)


def lines(name: str, *rows: str) -> str:
    Path(name).write_text("\n".join(rows) + "\n")
    return name


def attach(job: scoring.Job, file: str, key: str = "id", label: str = "churned", **csv: Any) -> Facts:
    return job.labels(file, key=key, label=label, **csv)


def figures(job: scoring.Job) -> list[Facts]:
    return job.accuracy()


def chunk_figures(job: scoring.Job) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect("home/ledger.db")) as ledger:
        query = "SELECT chunk, metric, value, rows, reason FROM chunk_accuracy WHERE job_id = ? ORDER BY chunk, metric"
        return ledger.execute(query, [job.id]).fetchall()


@pytest.mark.parametrize(("name", "key"), [("truth.csv", "id"), ("truth.parquet", "_row"), ("truth.jsonl", "id")])
def test_late_labels_give_the_figures_of_labels_in_the_input(name: str, key: str) -> None:
    """To the last bit: of the job with its matrix, and of each of its chunks."""
    late, early = night(), scored(label="churned")
    table = customers(ROWS).append_column("_row", pa.array(range(ROWS))).select([key, "churned"])
    write(Path(name), table.take(pa.array([(row * 7) % ROWS for row in range(ROWS)])))
    found = attach(late, name, key)
    assert (1, ROWS, ROWS, 1.0, "complete") == tuple(
        found[fact] for fact in ("revision", "labels", "rows_labelled", "coverage", "status")
    )
    assert figures(early) == figures(late)
    assert chunk_figures(early) == chunk_figures(late) != []


def test_an_area_that_needs_ranking_is_ranked_anew() -> None:
    """Scores that lie in one bin are read back from the parts, beside the labels that came."""
    table = customers(ROWS)
    ages = pa.array([45 + row * 1e-5 for row in range(ROWS)], pa.float32())
    write(Path("rows.csv"), table.set_column(1, "age", ages).set_column(2, "plan", pa.array(["pro"] * ROWS)))
    early, late = scored(label="churned"), scored()
    write(Path("truth.csv"), truth())
    attach(late, "truth.csv")
    [bound] = [figure["bound"] for figure in figures(late) if figure["metric"] == "roc_auc"]
    assert 0 == bound
    assert figures(early) == figures(late)


def test_labels_come_in_parts_and_the_latest_wins() -> None:
    """A late label beats that of the input and of every earlier file; replaced keys are counted."""
    wrong = customers(ROWS).set_column(3, "churned", pa.array([9] * 500 + [None] * (ROWS - 500), pa.int64()))
    write(Path("rows.csv"), wrong)
    job = scored(label="churned")
    write(Path("a.parquet"), truth(400, 800))
    write(Path("b.csv"), pa.table({"id": truth(600, 900)["id"], "churned": pa.array([1] * 300)}))
    write(Path("c.jsonl"), truth(0, 1_000))
    assert 100 == attach(job, "a.parquet")["replaced"]
    assert 200 == attach(job, "b.csv")["replaced"]
    found = attach(job, "c.jsonl")
    assert (3, 900, "complete") == (found["revision"], found["replaced"], found["status"])
    write(Path("rows.csv"), customers(ROWS))
    right = scored(label="churned")
    assert figures(right) == figures(job)


def test_the_same_file_again_changes_nothing() -> None:
    """It is said which revision it is."""
    job = night()
    write(Path("truth.csv"), truth(0, 100))
    first, before = attach(job, "truth.csv"), Path("home/ledger.db").read_bytes()
    assert first == attach(job, "truth.csv")
    assert before == Path("home/ledger.db").read_bytes()
    assert 1 == len(list(Path("home/store/labels", job.id).iterdir()))


def test_counts_are_those_of_the_file_at_hand() -> None:
    """Another file with the same labels changes nothing, and its own keys are counted all the same."""
    job = night()
    attach(job, lines("a.csv", "_row,churned", "0,1", "5000,1", "6000,1"), "_row")
    same = attach(job, lines("b.csv", "_row,churned", "0,1"), "_row")
    assert (1, 1, 0) == (same["revision"], same["labels"], same["unknown"]["count"])


def test_standard_input_is_not_read() -> None:
    """It is said, and not that there is no such file."""
    job = night()
    with pytest.raises(InputRefused, match="not read from standard input"):
        attach(job, "-")


def test_rows_that_cannot_be_read_are_counted_behind_the_first() -> None:
    """The first by its line; one alone is not "1 such rows"."""
    job = night()
    for more, said in (((), "long_row"), (("c0000002,1,2",), "long_row, and 1 more such in this stretch")):
        with pytest.raises(InputRefused, match="line 2") as refused:
            attach(job, lines("truth.csv", "id,churned", "c0000001,1,2", *more))
        assert said == refused.value.got


def test_no_batch_is_another_thing_than_no_label(capfd: pytest.CaptureFixture[str]) -> None:
    """Of a time without a batch nobody is told to label one."""
    for since, said in (("2927-01-01", "no batch of the model since 2927-01-01"), ("1d", "has a label yet")):
        assert 0 == run_command(cli, "scoring", ["accuracy", "--model", "churn", "--since", since])
        assert said in "".join(capfd.readouterr())


def test_unknown_and_doubled_keys_are_counted_and_listed() -> None:
    """And take nothing from the others."""
    rows = lines("truth.csv", "id,churned", "c0000001,1", "c0000001,1.0", "nobody,0", "c0000002,0", "c0000003,", ",1")
    found = attach(night(), rows)
    assert (4, 2, {"count": 2, "examples": ["", "nobody"]}, {"count": 1, "examples": ["c0000001"]}) == tuple(
        found[fact] for fact in ("labels", "rows_labelled", "unknown", "doubled")
    )


def test_a_key_that_several_rows_carry_labels_them_all() -> None:
    """Counted as shared."""
    lines("rows.csv", "id,age,plan", "a,31,free", "b,60,pro", "a,44,basic", ",50,pro")
    found = attach(scored(), lines("truth.csv", "id,churned", "a,1", "b,0"))
    assert (3, 0.75, 1) == (found["rows_labelled"], found["coverage"], found["shared"])


def test_rejected_rows_keep_their_place() -> None:
    """`_row` counts them, and nobody can label them."""
    lines("rows.csv", "id,age,plan", "a,31,free", "b,old,pro", "c,44,basic")
    job = scored(max_rejected=1)
    found = attach(job, lines("truth.csv", "_row,churned", "0,1", "1,0", "2,0", "3,1"), "_row")
    assert (2, 1.0, ["1", "3"]) == (found["rows_labelled"], found["coverage"], found["unknown"]["examples"])


@pytest.mark.parametrize(
    ("rows", "key", "label", "said"),
    [
        (["id,churned", "c0000001,1", "c0000001,0"], "id", "churned", "twice with different labels"),
        (["id,churned", "c0000001,1"], "ID", "churned", "has no key 'ID'"),
        (["id,churned", "c0000001,1"], "age", "churned", "has no key 'age'"),
        (["key,churned", "c0000001,1"], "id", "churned", "no column 'id'"),
        (["id,churned", "c0000001,1"], "id", "churn", "did you mean 'churned'"),
        (["id,churned,churned", "c0000001,1,1"], "id", "churned", "several columns 'churned'"),
        (["id,churned", "c0000001,1,2"], "id", "churned", "line 2"),
        ([""], "id", "churned", "is empty"),
    ],
)
def test_what_does_not_fit_is_refused_whole(rows: Sequence[str], key: str, label: str, said: str) -> None:
    """Nothing of the file is kept."""
    job = night()
    with pytest.raises(InputRefused, match=said):
        attach(job, lines("truth.csv", *rows), key, label)
    assert [] == figures(job)
    assert not list(Path("home/store").glob("labels/*/*"))
    assert not list(Path("home").glob("spill/*"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"id": "c0000001", "churned": 1}\n[1, 2]\n', "cannot be read as JSON lines"),
        ('{"id": "c0000001", "churned": 1}\n{"id": \n', "cannot be read as JSON lines"),
        ('{"id": "c0000001"}\n', "no column 'churned'"),
        ('{"id": "c0000001", "churned": {"a": 1}}\n', "neither key nor label"),
    ],
)
def test_json_lines_that_are_none_are_refused(text: str, said: str) -> None:
    """With the line."""
    Path("truth.jsonl").write_text(text)
    with pytest.raises(InputRefused, match=said):
        attach(night(), "truth.jsonl")


def test_json_values_mean_what_they_mean_in_parquet() -> None:
    """true and false are the classes 1 and 0; null, NaN and blanks are no label, and take nothing away."""
    job = scored()
    attach(job, lines("truth.csv", "_row,churned", "0,1", "1,1", "2,1"), "_row")
    none = [f'{{"_row": {row}, "churned": {text}}}' for row, text in enumerate(("NaN", "null", '" "'))]
    found = attach(job, lines("none.jsonl", *none), "_row")
    assert (0, 3, 0) == (found["labels"], found["rows_labelled"], found["replaced"])
    pq.write_table(pa.table({"_row": [0, 1], "churned": [True, False]}), "truth.parquet")
    of_parquet, of_json = scored(), scored()
    attach(of_parquet, "truth.parquet", "_row")
    truths = lines("truth.jsonl", '{"_row": 0, "churned": true}', '{"_row": 1, "churned": false}')
    assert 2 == attach(of_json, truths, "_row")["rows_labelled"]
    assert figures(of_parquet) == figures(of_json)


def test_json_members_may_be_missing_here_and_there() -> None:
    """A label that stands in no line of the beginning is found; numbers and texts may be mixed."""
    late = "".join(json.dumps({"id": f"c{row:07}"}) + "\n" for row in range(600))
    Path("truth.jsonl").write_text(late + '{"churned": "1", "id": "c0000700"}\n{"id": "c0000701", "churned": 0}\n')
    assert 2 == attach(night(), "truth.jsonl")["rows_labelled"]


@pytest.mark.parametrize(("ending", "compression"), [("csv", "zst"), ("jsonl", "gz"), ("jsonl", "bz2")])
def test_compressed_files_are_read(ending: str, compression: str) -> None:
    """As they are for inputs."""
    write(Path(f"truth.{ending}"), truth(0, 50))
    codec = {"gz": "gzip", "zst": "zstd", "bz2": "bz2"}[compression]
    with pa.output_stream(f"truth.{ending}.{compression}", compression=codec) as stream:
        stream.write(Path(f"truth.{ending}").read_bytes())
    assert 50 == attach(night(), f"truth.{ending}.{compression}")["rows_labelled"]


def test_a_csv_file_is_read_as_it_was_written() -> None:
    """Delimiter, encoding and the cells that mean null."""
    Path("truth.csv").write_text("id;größe\nc0000001;1\nc0000002;?\n", encoding="latin-1")
    found = attach(night(), "truth.csv", label="größe", delimiter=";", encoding="latin-1", na="?")
    assert (1, 1) == (found["labels"], found["rows_labelled"])


def test_label_files_lie_under_the_input_roots(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever their format."""
    job = night()
    (folder / "in").mkdir()
    monkeypatch.setenv("SCORING_INPUT_ROOTS", str(folder / "in"))
    for name in ("truth.csv", "truth.jsonl", "truth.parquet"):
        write(Path(name), truth(0, 5))
        with pytest.raises(InputRefused, match="outside the allowed folders"):
            attach(job, name)


def test_a_job_without_its_result_cannot_be_labelled() -> None:
    """A missing part is named before anything is read."""
    job = scored(output="out")
    write(Path("truth.csv"), truth())
    Path("out/part-000001.parquet").unlink()
    with pytest.raises(InputMissing, match="not whole"):
        attach(job, "truth.csv")


def test_a_job_that_has_not_succeeded_cannot_be_labelled() -> None:
    """What to do is said."""
    job = scoring.submit("churn.onnx", "rows.csv", key="id")
    write(Path("truth.csv"), truth())
    with pytest.raises(UsageError, match="accepted"):
        attach(job, "truth.csv")


def test_what_a_killed_call_left_is_made_good() -> None:
    """A revision without figures is measured by the next call, before its own."""
    job, untouched = night(), scored()
    for name, table in (("a.csv", truth(0, 400)), ("b.csv", truth(200, 700))):
        write(Path(name), table)
        attach(job, name)
        attach(untouched, name)
    with closing(sqlite3.connect("home/ledger.db")) as ledger, ledger:
        ledger.execute("UPDATE label_files SET measured_at = NULL WHERE job_id = ?", [job.id])
        for table in ("past_metrics", "job_metrics", "chunk_metrics"):
            ledger.execute(f"DELETE FROM {table} WHERE job_id = ?", [job.id])
    assert attach(untouched, "b.csv")["metrics"] == attach(job, "b.csv")["metrics"]
    assert figures(untouched) == figures(job)
    assert chunk_figures(untouched) == chunk_figures(job)
    with closing(sqlite3.connect("home/ledger.db")) as ledger:
        query = "SELECT revision, metric, value, coverage FROM accuracy_history WHERE job_id = ? ORDER BY 1, 2"
        both = [ledger.execute(query, [one.id]).fetchall() for one in (job, untouched)]
    assert both[0] == both[1] != []


def test_a_damaged_revision_is_named(folder: Path) -> None:
    """Figures over the others alone would be wrong in silence."""
    job = night()
    for name, table in (("a.csv", truth(0, 400)), ("b.csv", truth(200, 700))):
        write(Path(name), table)
        if name == "b.csv":
            next((folder / "home/store/labels" / job.id).iterdir()).write_bytes(b"torn")
            with pytest.raises(scoring.core.errors.ChunkCorrupt, match="gone or damaged"):
                attach(job, name)
        else:
            attach(job, name)


def test_a_result_without_rows_is_complete_in_nothing() -> None:
    """No row, no coverage, no error."""
    lines("rows.csv", "id,age,plan")
    found = attach(scored(), lines("truth.csv", "id,churned", "a,1"))
    assert (0, None, "partial", 1) == (
        found["rows_labelled"],
        found["coverage"],
        found["status"],
        found["unknown"]["count"],
    )
