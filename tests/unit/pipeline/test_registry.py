"""Registering and removing models: what is checked, what lies in the store, what is loaded."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import onnx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from onnx import TensorProto as T
from onnx import helper as h
from sqlalchemy import update

from scoring.core.arguments import job_options
from scoring.core.errors import (
    InputChanged,
    InputMissing,
    InputRefused,
    ModelChanged,
    ModelRefused,
    NotFound,
    ScoringError,
    UsageError,
)
from scoring.ledger import jobs, models
from scoring.ledger.records import ModelVersion
from scoring.ledger.tables import model_versions
from scoring.pipeline.context import Context
from scoring.pipeline.model_files import find_file, find_model
from scoring.pipeline.model_store import write_if_kept
from scoring.pipeline.prepare import JobRequest
from scoring.pipeline.reference import ReferenceFiles
from scoring.pipeline.registry import add, register, remove
from scoring.pipeline.retention import sweep
from scoring.pipeline.submit import draft, record, submit
from tests.small_models import linear_model
from tests.unit.pipeline.test_lease import context_in

CLASSES = ["ham", "spam"]


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    opened = context_in(tmp_path / "home")
    yield opened
    opened.ledger.close()


def zipmap_model(path: Path) -> Path:
    """x float [N, 2] → odds, a dict of ham and spam per row."""
    odds = onnx.ValueInfoProto(name="odds")
    row = odds.type.sequence_type.elem_type.map_type
    row.key_type, row.value_type.tensor_type.elem_type = T.STRING, T.FLOAT
    node = h.make_node("ZipMap", ["x"], ["odds"], domain="ai.onnx.ml", classlabels_strings=CLASSES)
    graph = h.make_graph([node], "g", [h.make_tensor_value_info("x", T.FLOAT, [None, 2])], [odds])
    opsets = [h.make_opsetid("", 17), h.make_opsetid("ai.onnx.ml", 3)]
    path.write_bytes(h.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString())
    return path


def registered(context: Context, path: Path, name: str = "churn") -> ModelVersion:
    return register(context, replace(find_file(context, str(path), None), name=name))


def version_of(context: Context, reference: str) -> ModelVersion:
    return context.ledger.look(lambda tx: models.find_model(tx, reference))


def stored(context: Context) -> set[str]:
    """Folders of the store's models."""
    folder = context.settings.store / "models"
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def test_a_zipmap_lies_in_the_store_without_it(context: Context, tmp_path: Path) -> None:
    """Both files are kept; the one without it is loaded, and a change to it is seen."""
    version = registered(context, zipmap_model(tmp_path / "m.onnx"))
    assert {version.sha256, version.served_sha256} == stored(context)
    served = context.settings.store / str(version.served_path)
    assert ["Identity"] == [node.op_type for node in onnx.load(served).graph.node]
    served.chmod(0o644)
    served.write_bytes((tmp_path / "m.onnx").read_bytes())
    with pytest.raises(ModelChanged, match=str(version.served_sha256)):
        context.models.of(version)


def test_a_worker_reads_no_graph(context: Context, tmp_path: Path) -> None:
    """The copy in the store is loaded as it is: onnx, which would take longer than the load, stays out of it."""
    version = registered(context, zipmap_model(tmp_path / "m.onnx"))
    asked = (
        "import sys; from pathlib import Path; from scoring.ledger.database import Ledger;"
        "from scoring.ledger.models import find_model; from scoring.pipeline.models import ModelCache;"
        f"ledger = Ledger.open({context.settings.database_url!r});"
        f"version = ledger.look(lambda tx: find_model(tx, {version.name!r}));"
        f"ModelCache(Path({str(context.settings.store)!r})).of(version);"
        "print('onnxruntime' in sys.modules, 'onnx' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", asked], check=False, capture_output=True, text=True, timeout=60)
    assert "True False\n" == done.stdout, done.stderr


def test_a_loaded_model_stands_for_no_other_copy_of_its_file(context: Context, tmp_path: Path) -> None:
    """Two versions of one digest may name other bytes to load: each is held against its own."""
    version = registered(context, zipmap_model(tmp_path / "m.onnx"))
    context.models.of(version)
    with pytest.raises(ModelChanged):
        context.models.of(replace(version, served_sha256="0" * 64))


def test_a_version_of_an_earlier_revision_is_loaded_too(context: Context, tmp_path: Path) -> None:
    """It has no copy without ZipMap in the store; registered again, it gets one."""
    version = registered(context, zipmap_model(tmp_path / "m.onnx"))
    earlier = update(model_versions).values(served_path=None, served_sha256=None, about=None)
    context.ledger.run(lambda tx: tx.execute(earlier))
    bare = context.ledger.look(lambda tx: models.find_model(tx, "churn"))
    assert bare.served_path is None
    context.models.of(bare)
    assert version == registered(context, tmp_path / "m.onnx")


def test_a_known_digest_is_not_checked_again(context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under another name and with another spec the file is the same; once removed it is a stranger."""
    path = zipmap_model(tmp_path / "m.onnx")
    first = registered(context, path)
    (tmp_path / "model.yaml").write_text("classes: [no, yes_]\n")
    monkeypatch.setenv("PYTHONHOME", "/nowhere")  # no child process can start
    second = registered(context, path, "other")
    assert (first.served_sha256, first.signature) == (second.served_sha256, second.signature)
    remove(context, "churn")
    remove(context, "other")
    with pytest.raises(ModelRefused, match="brings the runtime down"):
        find_file(context, str(path), None)


def test_a_file_that_changed_since_it_was_checked_is_refused(context: Context, tmp_path: Path) -> None:
    """What is stored is what was checked."""
    found = find_file(context, str(linear_model(tmp_path / "m.onnx", weights=[1.0])), None)
    linear_model(tmp_path / "m.onnx", weights=[2.0])
    with pytest.raises(InputChanged, match="written to meanwhile"):
        register(context, found)
    with pytest.raises(NotFound):
        find_model(context, "m", None)


def test_a_removed_version_is_gone_until_it_comes_back(context: Context, tmp_path: Path) -> None:
    """Its files go, its number is kept, and the same content has it again."""
    first = registered(context, linear_model(tmp_path / "a.onnx", weights=[1.0]))
    second = registered(context, linear_model(tmp_path / "b.onnx", weights=[2.0]))
    assert [2] == [version.version for version in remove(context, "churn:2")]
    assert {first.sha256} == stored(context)
    with pytest.raises(NotFound, match="churn:2, which was removed"):
        find_model(context, "churn:2", None)
    assert 1 == version_of(context, "churn").version
    third = registered(context, linear_model(tmp_path / "c.onnx", weights=[3.0]))
    back = registered(context, linear_model(tmp_path / "d.onnx", weights=[2.0]))
    assert (3, 2, second.id, "d.onnx") == (third.version, back.version, back.id, Path(back.path).name)
    context.models.of(back)


def test_files_that_another_version_needs_stay(context: Context, tmp_path: Path) -> None:
    """The same file under two names lies in the store once."""
    path = zipmap_model(tmp_path / "m.onnx")
    one, two = registered(context, path, "one"), registered(context, path, "two")
    remove(context, "one")
    assert {one.sha256, one.served_sha256} == stored(context)
    context.models.of(two)
    remove(context, "two")
    assert set() == stored(context)


def test_a_copy_that_is_removed_meanwhile_is_made_again(context: Context, tmp_path: Path) -> None:
    """Between the check and the row, and between the copy and the row: no row names a file that is gone."""
    path = zipmap_model(tmp_path / "m.onnx")
    one = registered(context, path, "one")
    found = replace(find_file(context, str(path), None), name="two")
    remove(context, "one")
    assert set() == stored(context)
    two = register(context, found)
    assert {one.sha256, one.served_sha256} == stored(context)
    assert write_if_kept(context, two.files, lambda tx: "written") == "written"
    shutil.rmtree((context.settings.store / two.path).parent)
    assert write_if_kept(context, two.files, lambda tx: "written") is None
    assert {one.sha256, one.served_sha256} == {*stored(context), register(context, found).sha256}
    context.models.of(two)


def test_a_damaged_copy_is_no_proof_of_a_check(context: Context, tmp_path: Path) -> None:
    """The file is checked anew, and the copy without ZipMap is made again."""
    version = registered(context, zipmap_model(tmp_path / "m.onnx"))
    served = context.settings.store / str(version.served_path)
    served.chmod(0o644)
    served.write_bytes(b"damaged")
    again = registered(context, tmp_path / "m.onnx")
    assert (version.id, version.served_sha256) == (again.id, again.served_sha256)
    context.models.of(again)


def test_files_without_a_row_go_at_their_age(context: Context, tmp_path: Path) -> None:
    """Rows of a reference that was replaced, the copy of a process that was killed; what a version names stays."""
    path = str(linear_model(tmp_path / "m.onnx", weights=[1.0]))
    file = find_file(context, path, None)
    for value in (1.0, 2.0):
        pq.write_table(pa.table({"x": [value]}), tmp_path / "rows.parquet")
        version = add(context, file, ReferenceFiles(baseline=tmp_path / "rows.parquet"))
    folder = context.settings.store / "models"
    (folder / ".incoming-1").write_bytes(b"half")
    assert 4 == len(stored(context))
    assert [] == list(sweep(context, leftovers_seconds=3600))
    for entry in folder.rglob("*"):
        os.utime(entry, (0, 0))
    assert [2] == [swept.files for swept in sweep(context, leftovers_seconds=3600, dry_run=True)]
    assert [2] == [swept.files for swept in sweep(context, leftovers_seconds=3600)]
    assert {Path(file).parent.name for file in version.files} == stored(context)


def test_a_model_of_a_live_job_stays(context: Context, tmp_path: Path) -> None:
    """Of all versions, too; and a job that is made meanwhile is refused."""
    version = registered(context, linear_model(tmp_path / "m.onnx", weights=[1.0]))
    (tmp_path / "rows.csv").write_text("a\n1\n")
    request = JobRequest(model="churn", inputs=(str(tmp_path / "rows.csv"),), options=job_options())
    job = submit(context, request, runner="here:test").job
    late = draft(context, request, runner="here:test")
    for reference in ("churn", "churn:1"):
        with pytest.raises(UsageError, match=rf"job {job.id} \(accepted\)"):
            remove(context, reference)
    assert {version.sha256} == stored(context)
    context.ledger.run(lambda tx: jobs.cancel(tx, job.id))
    remove(context, "churn")
    with pytest.raises(NotFound, match="removed meanwhile"):
        context.ledger.run(lambda tx: record(tx, late))


def test_proofs_come_before_the_name(context: Context, tmp_path: Path) -> None:
    """A model that fails them is not registered, leaves no file, and the alias stays where it was."""
    old = registered(context, linear_model(tmp_path / "old.onnx", weights=[1.0, 1.0]))
    context.ledger.run(lambda tx: models.set_alias(tx, "churn", "champion", 1))
    found = replace(find_file(context, str(linear_model(tmp_path / "m.onnx", weights=[1.0, 2.0])), None), name="churn")
    table = {"a": pa.array([1.0, 2.0]), "b": pa.array([3.0, 4.0])}
    pq.write_table(pa.table(table | {"y": pa.array([7.0, 99.0])}), tmp_path / "wrong.parquet")
    with pytest.raises(ModelRefused, match="row 2"):
        add(context, found, ReferenceFiles(parity=tmp_path / "wrong.parquet"), "champion")
    with pytest.raises(ModelRefused, match="model fresh does not answer"):
        add(context, replace(found, name="fresh"), ReferenceFiles(parity=tmp_path / "wrong.parquet"))
    with pytest.raises(NotFound, match="got fresh; "):
        version_of(context, "fresh")
    assert "old" == Path(version_of(context, "churn@champion").path).stem
    assert [old.id] == [version.id for version in context.ledger.look(models.list_models)]
    assert {old.sha256} == stored(context)
    pq.write_table(pa.table(table | {"y": pa.array([7.0, 10.0])}), tmp_path / "right.parquet")
    added = add(context, found, ReferenceFiles(parity=tmp_path / "right.parquet"), "champion")
    assert (2, ("champion",)) == (added.version, added.aliases)
    assert added.parity is not None
    with pytest.raises(ModelRefused, match="row 2"):
        add(context, found, ReferenceFiles(parity=tmp_path / "wrong.parquet"))
    assert added.id == version_of(context, "churn").id
    assert added.sha256 in stored(context)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An MLflow folder whose model takes [N, 2]."""
    made = tmp_path / "night"
    made.mkdir()
    linear_model(made / "model.onnx", weights=[1.0, 10.0])
    columns = json.dumps([{"name": "b", "type": "double"}, {"name": "a", "type": "double"}])
    document = {"flavors": {"onnx": {"data": "model.onnx"}}, "signature": {"inputs": columns}}
    (made / "MLmodel").write_text(yaml.safe_dump(document))
    return made


def test_an_mlflow_folder_names_the_columns(context: Context, folder: Path) -> None:
    """Another order of them is another version; the file alone has no names."""
    found = find_file(context, str(folder), None)
    assert ("night", ("b", "a")) == (found.name, found.signature.feature_names)
    assert 1 == registered(context, folder).version
    assert 2 == registered(context, folder / "model.onnx").version
    assert 1 == registered(context, folder).version
    assert () == find_model(context, "churn:2", None).signature.feature_names
    assert ("b", "a") == find_model(context, "churn:1", None).signature.feature_names


def test_a_logged_signature_of_another_width_is_refused(context: Context, folder: Path) -> None:
    """With both numbers, unless a spec names the columns; one column alone may hold a list."""
    logged = (folder / "MLmodel").read_text()
    (folder / "MLmodel").write_text(logged.replace("]", ', {"name": "c"}]'))
    with pytest.raises(ModelRefused, match="expected 2 columns, as many as the input takes; got 3: 'b', 'a', 'c'"):
        find_file(context, str(folder), None)
    (folder / "model.yaml").write_text("features: [b, a]\n")
    assert ("b", "a") == find_file(context, str(folder), None).spec.features
    (folder / "model.yaml").write_text("")
    (folder / "MLmodel").write_text(re.sub(r"\[.*\]", '[{"name": "both"}]', logged, flags=re.DOTALL))
    assert () == find_file(context, str(folder), None).signature.feature_names


@pytest.mark.parametrize("place", ["inside", "beside"])
def test_the_spec_lies_in_the_folder_or_beside_it(context: Context, folder: Path, place: str) -> None:
    """Inside wins."""
    (folder.parent / "model.yaml").write_text("rename: {y: beside}\n")
    if place == "inside":
        (folder / "model.yaml").write_text("rename: {y: inside}\n")
    assert {"y": place} == find_file(context, str(folder), None).spec.rename


@pytest.mark.parametrize(("model", "error"), [("a" * 300, NotFound), ("a" * 300 + ".onnx", InputMissing)])
def test_a_name_that_no_disk_takes_is_no_file(context: Context, model: str, error: type[ScoringError]) -> None:
    """It is looked up, or missing, as any other is."""
    with pytest.raises(error):
        find_model(context, model, None)


@pytest.mark.parametrize("uri", ["models:/churn/3", "runs:/abc/model", "s3://bucket/m.onnx", "https://host/m.onnx"])
def test_a_uri_is_refused_in_words(context: Context, uri: str) -> None:
    """What is not here cannot be read, and is not taken for a name or a path."""
    with pytest.raises(InputRefused, match="download it first"):
        find_model(context, uri, None)


def test_a_model_outside_the_allowed_folders_is_refused(tmp_path: Path, folder: Path) -> None:
    """Also where a folder inside leads out."""
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    context = context_in(tmp_path / "home", SCORING_INPUT_ROOTS=str(allowed))
    (allowed / "night").symlink_to(folder)
    for path in (folder, allowed / "night"):
        with pytest.raises(InputRefused, match="outside the allowed folders"):
            find_file(context, str(path), None)
    context.ledger.close()
