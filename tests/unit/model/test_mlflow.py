"""Model folders of MLflow, read without mlflow."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from scoring.core.errors import InputMissing, InputRefused, ModelRefused, ScoringError
from scoring.model.mlflow import read_folder
from tests.small_models import linear_model

COLUMNS = [{"name": "age", "type": "double", "required": True}, {"name": "net income", "type": "double"}]
TENSOR = [{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 2]}}]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As mlflow.onnx.save_model writes it."""
    made = tmp_path / "model"
    made.mkdir()
    linear_model(made / "model.onnx", weights=[1.0, 2.0])
    describe(made)
    return made


def describe(folder: Path, inputs: Any = COLUMNS, **changes: Any) -> None:
    onnx_flavour = {"code": None, "data": "model.onnx", "onnx_version": "1.19.0", "providers": ["CUDA"]}
    document = {
        "flavors": {"onnx": onnx_flavour, "python_function": {"loader_module": "mlflow.onnx"}},
        "mlflow_version": "3.1.0",
        "signature": {"inputs": inputs if isinstance(inputs, str) else json.dumps(inputs), "outputs": None},
    }
    (folder / "MLmodel").write_text(yaml.safe_dump(document | changes))


def test_the_model_and_its_columns_are_found(folder: Path) -> None:
    """The onnx flavour names the file, the signature the columns in order."""
    found = read_folder(folder)
    assert (folder / "model.onnx", ("age", "net income")) == (found.file, found.columns)


@pytest.mark.parametrize("inputs", [TENSOR, [], [{"type": "double"}]], ids=["tensor", "none", "nameless"])
def test_what_is_no_list_of_columns_names_none(folder: Path, inputs: Any) -> None:
    """Names are a help, not a condition."""
    describe(folder, inputs)
    assert () == read_folder(folder).columns


@pytest.mark.parametrize("inputs", ["[{", "7", [7]], ids=["torn", "7", "[7]"])
def test_a_signature_that_cannot_be_read_is_refused(folder: Path, inputs: Any) -> None:
    """The columns that it names would be passed over in silence."""
    describe(folder, inputs)
    with pytest.raises(ModelRefused, match=r"the signature in .*MLmodel cannot be read"):
        read_folder(folder)


def test_without_data_or_signature_the_usual_file_is_meant(folder: Path) -> None:
    """Older versions of MLflow write neither."""
    describe(folder, flavors={"onnx": {}}, signature=None)
    found = read_folder(folder)
    assert (folder / "model.onnx", ()) == (found.file, found.columns)


@pytest.mark.parametrize(
    ("flavors", "error", "words"),
    [
        ({"sklearn": {}, "python_function": {}}, ModelRefused, "flavours python_function, sklearn"),
        ({}, ModelRefused, "flavours none"),
        ("onnx", ModelRefused, "flavours none"),
        ({"onnx": {"data": "../secret.onnx"}}, ModelRefused, "outside of its folder"),
        ({"onnx": {"data": "/etc/passwd"}}, ModelRefused, "outside of its folder"),
        ({"onnx": {"data": "away.onnx"}}, ModelRefused, "outside of its folder"),
        ({"onnx": {"data": 7}}, ModelRefused, "outside of its folder"),
        ({"onnx": {"data": "a\0b"}}, InputRefused, "names no file|no model at"),
        ({"onnx": {"data": "a" * 300}}, InputRefused, "names no file|no model at"),
        ({"onnx": {"data": "loop.onnx"}}, InputRefused, "names no file|no model at"),
        ({"onnx": {"data": "gone.onnx"}}, InputMissing, "no model at"),
        ({"onnx": {"data": "."}}, InputMissing, "no model at"),
    ],
    ids=[
        "other flavours",
        "none",
        "a text",
        "upwards",
        "absolute",
        "link",
        "number",
        "NUL",
        "too long",
        "a loop",
        "missing",
        "the folder",
    ],
)
def test_what_cannot_be_served_is_refused(folder: Path, flavors: object, error: type[ScoringError], words: str) -> None:
    """The flavours found are named; a path leads nowhere but into the folder."""
    shutil.copy(folder / "model.onnx", folder.parent / "secret.onnx")
    (folder / "away.onnx").symlink_to(folder.parent / "secret.onnx")
    (folder / "loop.onnx").symlink_to("loop.onnx")
    describe(folder, flavors=flavors)
    with pytest.raises(error, match=words) as refused:
        read_folder(folder)
    assert 4 == refused.value.exit_code


@pytest.mark.parametrize(
    "text", ["flavors: [", "!!python/object/apply:os.system ['true']", "just text", "a: \xff".encode("latin-1"), ""]
)
def test_a_description_that_cannot_be_read_is_refused(folder: Path, text: str | bytes) -> None:
    """It is data: nothing in it is carried out."""
    (folder / "MLmodel").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ModelRefused, match="MLmodel cannot be read"):
        read_folder(folder)


def test_a_folder_without_a_description_is_none_of_mlflow(folder: Path) -> None:
    """The message says what such a folder has."""
    (folder / "MLmodel").unlink()
    with pytest.raises(InputMissing, match="a folder without MLmodel"):
        read_folder(folder)
