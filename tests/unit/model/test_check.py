"""What is found out about a model file before anything trusts it."""

import os
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto as T
from onnx import helper as h

from scoring.core.errors import ErrorCode, ModelRefused
from scoring.model import graph
from scoring.model.check import check_model, read_model
from scoring.model.signature import read_signature
from scoring.model.trial import GIB, Limits, warm_up
from tests.small_models import inspect
from tests.unit.model import hostile
from tests.unit.model.hostile import Change

IN_OTHER_FILES = "weights in other files"
CUSTOM = "custom operators are not supported"
SHORT = Limits(memory_bytes=2 * GIB, cpu_seconds=1, wall_seconds=20.0)


def changed(change: Change) -> bytes:
    model = hostile.base_model()
    change(model)
    return model.SerializeToString()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(hostile.weights_elsewhere(hostile.WEIGHTS), IN_OTHER_FILES, id="file beside it"),
        pytest.param(hostile.weights_elsewhere("sub/weights.bin"), IN_OTHER_FILES, id="file in a folder"),
        pytest.param(hostile.weights_elsewhere("../secret"), IN_OTHER_FILES, id="upwards"),
        pytest.param(hostile.weights_elsewhere("sub/../../secret"), IN_OTHER_FILES, id="upwards inside"),
        pytest.param(hostile.weights_elsewhere("/etc/passwd"), IN_OTHER_FILES, id="absolute"),
        pytest.param(hostile.weights_elsewhere("link.bin"), IN_OTHER_FILES, id="symbolic link"),
        pytest.param(hostile.weights_elsewhere("hard.bin"), IN_OTHER_FILES, id="hard link, which the runtime reads"),
        pytest.param(hostile.weights_elsewhere("pipe.bin"), IN_OTHER_FILES, id="pipe: opening it would hang"),
        pytest.param(hostile.weights_elsewhere(""), IN_OTHER_FILES, id="no name"),
        pytest.param(hostile.names_a_file_but_holds_data, IN_OTHER_FILES, id="a name beside data"),
        pytest.param(hostile.constant_elsewhere, IN_OTHER_FILES, id="attribute of a node"),
        pytest.param(hostile.sparse_weights_elsewhere, IN_OTHER_FILES, id="sparse tensor"),
        pytest.param(hostile.branch_elsewhere, IN_OTHER_FILES, id="graph inside a graph"),
        pytest.param(hostile.function_elsewhere, IN_OTHER_FILES, id="function"),
        pytest.param(hostile.training_elsewhere, IN_OTHER_FILES, id="training graph"),
        pytest.param(hostile.custom_operator, CUSTOM, id="custom operator"),
        pytest.param(hostile.custom_operator_in_a_branch, CUSTOM, id="custom operator in a branch"),
        pytest.param(hostile.custom_operator_in_a_function, CUSTOM, id="custom operator in a function"),
        pytest.param(hostile.unknown_operator, CUSTOM, id="operator that nobody knows"),
        pytest.param(hostile.no_form, "not valid ONNX.*nobody", id="a value that nothing makes"),
        pytest.param(hostile.memory_bomb, "too much memory.*buffer of size 4398046511104", id="4 TB of zeros"),
    ],
)
def test_a_hostile_model_is_refused_in_words(
    change: Change, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that it names is opened, whether it lies beside the model or in the working folder."""
    for folder in (tmp_path / "model", tmp_path / "here"):
        folder.mkdir()
        hostile.hostile_neighbours(folder)
    monkeypatch.chdir(tmp_path / "here")
    path = tmp_path / "model" / "m.onnx"
    path.write_bytes(changed(change))
    with pytest.raises(ModelRefused, match=words) as refused:
        inspect(path)
    assert (ErrorCode.MODEL_REFUSED, 4) == (refused.value.code, refused.value.exit_code)
    assert str(path) in refused.value.message


def test_a_model_that_never_ends_is_refused() -> None:
    """The trial run has an end of its own, and says how long that took."""
    data = changed(hostile.endless_loop)
    signature = read_signature(graph.parse(data))
    with pytest.raises(ModelRefused, match=r"takes too long.*1 seconds"):
        warm_up(data, signature, {}, SHORT)
    waiting = Limits(memory_bytes=2 * GIB, cpu_seconds=100, wall_seconds=0.5)
    with pytest.raises(ModelRefused, match=r"takes too long.*no answer after 0\.5 seconds"):
        warm_up(data, signature, {}, waiting)


def test_a_runtime_that_is_brought_down_takes_nobody_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The signal is named; here the child process sends it to itself before it has read the model."""
    data = changed(lambda model: None)
    (tmp_path / "sitecustomize.py").write_text("import os\nos.kill(os.getpid(), 11)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ModelRefused, match=r"brings the runtime down.*signal SIGSEGV"):
        warm_up(data, read_signature(graph.parse(data)), {}, SHORT)


def test_the_child_is_told_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It knows where Python is, and no name of the environment beside; one that ends without a word is refused."""
    for name in ("PGPASSWORD", "AWS_SECRET_ACCESS_KEY", "SCORING_DATABASE_URL"):
        monkeypatch.setenv(name, "s3cret")
    code = "import os\nprint('s3cret' in os.environ.values(), file=os.fdopen(2, 'w'), flush=True)\nos._exit(0)\n"
    (tmp_path / "sitecustomize.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    data = changed(lambda model: None)
    with pytest.raises(ModelRefused, match=r"brings the runtime down.*exit code 0; False"):
        warm_up(data, read_signature(graph.parse(data)), {}, SHORT)


def test_a_model_that_does_not_fit_into_memory_is_refused() -> None:
    """However little it asks for, the limit is the limit."""
    data = changed(lambda model: None)
    tiny = Limits(memory_bytes=0, cpu_seconds=10, wall_seconds=20.0)
    with pytest.raises(ModelRefused, match=r"too much memory; expected a run on two rows within 0\.0 GiB"):
        warm_up(data, read_signature(graph.parse(data)), {}, tiny)


def test_large_models_may_take_more() -> None:
    """Memory and time grow with the file."""
    small, large = Limits.of(0), Limits.of(GIB)
    assert (2 * GIB, 20, 60) == (small.memory_bytes, small.cpu_seconds, small.wall_seconds)
    assert (8 * GIB, 148, 444) == (large.memory_bytes, large.cpu_seconds, large.wall_seconds)


def test_functions_of_the_model_itself_are_no_custom_operators() -> None:
    """PyTorch exports such."""
    model = hostile.base_model()
    body = [h.make_node("Add", ["a", "a"], ["b"])]
    model.functions.append(h.make_function("own", "Twice", ["a"], ["b"], body, [h.make_opsetid("", 17)]))
    model.opset_import.append(h.make_opsetid("own", 1))
    model.graph.node[0].CopyFrom(h.make_node("Twice", ["x"], ["y"], domain="own"))
    assert check_model(model.SerializeToString(), Path("m.onnx"), {}).signature.outputs


def test_a_model_that_fails_on_zeros_is_served(write_model) -> None:
    """Zeros may be outside of what it knows; where its shapes are declared, nothing else is needed."""
    nodes = [h.make_node("Sub", ["x", "one"], ["place"]), h.make_node("Gather", ["table", "place"], ["y"])]
    weights = [h.make_tensor("one", T.INT64, [1], [9]), h.make_tensor("table", T.FLOAT, [2], [2.0, 3.0])]
    declared = write_model(nodes, [("x", T.INT64, [None])], [("y", T.FLOAT, [None])], weights)
    assert [(None,)] == [output.dims for output in inspect(declared).outputs]
    bare = write_model(nodes, [("x", T.INT64, [None])], [("y", T.FLOAT, None)], weights)
    with pytest.raises(ModelRefused, match=r"width of output 'y' is not known.*indices element out of data bounds"):
        inspect(bare)


def test_an_open_axis_is_as_long_as_the_spec_says(write_model) -> None:
    """An output that follows it has that width then."""
    path = write_model([h.make_node("Relu", ["x"], ["y"])], [("x", T.FLOAT, [None, None])], [("y", T.FLOAT, None)])
    data, _ = read_model(path)
    signature = check_model(data, path, {"x": (4,)}).signature
    assert ((None, 4), (None, None)) == (signature.outputs[0].dims, signature.inputs[0].dims)


def test_an_open_axis_that_no_output_follows_needs_no_size(write_model) -> None:
    """The same width for two sizes is the width."""
    nodes = [h.make_node("ReduceSum", ["x", "axes"], ["y"], keepdims=1)]
    axes = h.make_tensor("axes", T.INT64, [1], [1])
    path = write_model(nodes, [("x", T.FLOAT, [None, None])], [("y", T.FLOAT, None)], [axes])
    assert (None, 1) == inspect(path).outputs[0].dims


def test_the_file_says_what_it_is(classifier: Path) -> None:
    """Long texts are cut to one line, and a NUL, which Postgres does not hold, is left out."""
    model = onnx.load(classifier)
    model.producer_name, model.producer_version, model.doc_string = "skl2onnx", "1.19\n", "a\x00" + "b" * 300
    model.metadata_props.add(key="licence", value="c" * 300)
    about = check_model(model.SerializeToString(), classifier, {}).about
    assert ("skl2onnx 1.19", 8, {"ai.onnx": 15, "ai.onnx.ml": 2}) == (
        about["producer"],
        about["ir_version"],
        about["opset"],
    )
    assert ("a" + "b" * 198 + "…", {"licence": "c" * 199 + "…"}) == (about["doc"], about["metadata"])


@pytest.mark.parametrize("behind", [False, True], ids=["output", "behind an Identity"])
@pytest.mark.parametrize("classes", [["ham", "spam"], [7, 11]], ids=["texts", "integers"])
def test_the_served_copy_has_no_zipmap_and_the_same_scores(
    classifier: Path, classes: list[str | int], behind: bool
) -> None:
    """It is loaded in place of the file, and gives the numbers that the dicts held."""
    model = onnx.load(classifier)
    texts = isinstance(classes[0], str)
    zipmap = {"classlabels_strings" if texts else "classlabels_int64s": classes}
    model.graph.node[1].CopyFrom(h.make_node("ZipMap", ["scores"], ["odds"], domain="ai.onnx.ml", **zipmap))
    model.graph.output[1].type.sequence_type.elem_type.map_type.key_type = T.STRING if texts else T.INT64
    data = model.SerializeToString()
    if behind:  # which the runtime itself does not load
        model.graph.node[1].output[0] = "dicts"
        model.graph.node.append(h.make_node("Identity", ["dicts"], ["odds"]))
    checked = check_model(model.SerializeToString(), classifier, {})
    assert checked.served is not None
    assert b"ZipMap" not in checked.served
    assert tuple(map(str, classes)) == checked.signature.outputs[1].zipmap
    rows = {"x": np.array([[0.5, 1.0], [-3.0, 0.25]], np.float32)}
    dicts = ort.InferenceSession(data).run(["odds"], rows)[0]
    table = ort.InferenceSession(checked.served).run(["odds"], rows)[0]
    assert [[row[name] for name in classes] for row in dicts] == table.tolist()


def test_a_model_without_a_zipmap_is_served_as_it_is(sum_model: Path) -> None:
    """There is no second copy of it."""
    data, _ = read_model(sum_model)
    assert check_model(data, sum_model, {}).served is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(lambda node: node.ClearField("attribute"), "ZipMap of output 'odds' names no class", id="none"),
        pytest.param(lambda node: node.attribute[0].strings.append(b"egg"), "3 numbers a row.*2", id="one too many"),
    ],
)
def test_a_zipmap_that_does_not_fit_is_refused(classifier: Path, change, words: str) -> None:
    """Its classes name the columns of the result."""
    model = onnx.load(classifier)
    change(model.graph.node[1])
    with pytest.raises(ModelRefused, match=words):
        check_model(model.SerializeToString(), classifier, {})


def test_dicts_that_the_graph_works_on_are_refused(classifier: Path) -> None:
    """Only those of a ZipMap at an output can be taken out."""
    model = onnx.load(classifier)
    model.graph.initializer.append(h.make_tensor("first", T.INT64, [], [0]))
    model.graph.node.append(h.make_node("SequenceAt", ["odds", "first"], ["one"]))
    with pytest.raises(ModelRefused, match="the operator SequenceAt behind it"):
        check_model(model.SerializeToString(), classifier, {})


def test_lists_that_no_zipmap_makes_are_refused(write_model) -> None:
    """There is no column for them."""
    listed = onnx.ValueInfoProto(name="s")
    listed.type.sequence_type.elem_type.tensor_type.elem_type = T.FLOAT
    listed.type.sequence_type.elem_type.tensor_type.shape.SetInParent()
    path = write_model([h.make_node("SequenceConstruct", ["x"], ["s"])], [("x", T.FLOAT, [None, 1])], [listed])
    with pytest.raises(ModelRefused, match="'s' is a list, not a tensor"):
        inspect(path)


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    """A pipe would be waited for until somebody writes to it."""
    os.mkfifo(tmp_path / "m.onnx")
    with pytest.raises(ModelRefused, match="no regular file"):
        inspect(tmp_path / "m.onnx")
