"""Classes and tasks that a person tells, against those that the model shows."""

import pytest

from scoring.core.binding import Task
from scoring.core.columns import Dtype
from scoring.core.errors import ErrorCode, InputRefused, ModelRefused, UsageError
from scoring.core.gates import Requirement
from scoring.core.options import JobOptions
from scoring.core.source import ColumnKind as K
from scoring.model.bind import bind
from scoring.model.signature import Signature, TensorInfo
from scoring.model.spec import ModelSpec

NO_SPEC = ModelSpec()
A = TensorInfo(name="a", dtype=Dtype.FLOAT32, dims=(None, 1))
LABEL = TensorInfo(name="label", dtype=Dtype.INT64, dims=(None,))


def floats(name, width, producer=""):
    return TensorInfo(name=name, dtype=Dtype.FLOAT32, dims=(None, width), producer=producer)


TABLE2, TABLE3 = floats("p", 2), floats("p", 3)
SIGMOID, NUMBER, EMBEDDING = floats("s", 1, "Sigmoid"), floats("y", 1), floats("e", 64)


def predicted(schema, outputs, spec=NO_SPEC, task="auto", graph=()):
    wanted = Signature(inputs=(A,), outputs=outputs, classes=graph)
    return bind(wanted, spec, schema(a=K.FLOAT), JobOptions(task=task)).prediction


@pytest.mark.parametrize(
    ("outputs", "graph", "names", "counts"),
    [
        ((LABEL, TABLE2), (), "abc", "expected 2 classes; got 3: 'a', 'b', 'c'"),
        ((LABEL, TABLE3), ("x", "y", "z"), "ab", "expected 3 classes; got 2"),
        ((floats("e", 5),), (), "abc", "expected 5 classes; got 3"),
        ((SIGMOID,), (), "abc", "expected 2 classes; got 3"),
        ((LABEL,), ("x", "y"), "abc", "expected 2 classes; got 3"),
        ((NUMBER,), (), "abc", "expected none: it is a regression model; got 3"),
        ((NUMBER,), (), "ab", r"`task: binary` beside them if the model's number is P\(b\)"),
    ],
)
def test_another_number_of_classes_than_the_model_has_is_refused(schema, outputs, graph, names, counts):
    """Names that name nothing are a mistake, whether or not anything is measured; both counts are said."""
    with pytest.raises(ModelRefused, match=counts) as refused:
        predicted(schema, outputs, ModelSpec(classes=tuple(names)), graph=graph)
    assert (ErrorCode.MODEL_REFUSED, 4) == (refused.value.code, refused.value.exit_code)


@pytest.mark.parametrize(
    ("outputs", "task", "names"),
    [
        ((LABEL, TABLE3), "auto", "abc"),
        ((LABEL, TABLE3), "regression", "abc"),  # they still name the columns
        ((NUMBER,), "binary", "ab"),
        ((SIGMOID, EMBEDDING), "auto", "ab"),
        ((LABEL,), "auto", "abcd"),  # nothing tells otherwise
        ((LABEL, EMBEDDING, TABLE2), "auto", "ab"),
    ],
)
def test_classes_that_fit_an_output_are_taken(schema, outputs, task, names):
    """They are the classes of the prediction, and the output that they fit is the probability."""
    found = predicted(schema, outputs, ModelSpec(classes=tuple(names)), task)
    assert found.classes == (() if found.task is Task.REGRESSION else tuple(names))


@pytest.mark.parametrize("how", ["--task", "model.yaml"])
@pytest.mark.parametrize(
    ("outputs", "graph", "task", "words"),
    [
        ((LABEL, TABLE3), (), "binary", "expected a model of 2 classes; got one of 3 classes"),
        ((floats("p", 4, "Softmax"),), (), "binary", "got one of 4 classes"),
        ((LABEL,), ("x", "y", "z"), "binary", "got one of 3 classes"),
        ((LABEL, SIGMOID), (), "multiclass", "expected a probability per class; got one number per row"),
    ],
)
def test_a_task_for_another_number_of_classes_is_refused(schema, outputs, graph, task, words, how):
    """No class is invented and no probability is left out."""
    spec = ModelSpec(task=Task(task)) if how == "model.yaml" else NO_SPEC
    with pytest.raises(InputRefused, match=words) as refused:
        predicted(schema, outputs, spec, task if how == "--task" else "auto", graph)
    assert 4 == refused.value.exit_code


@pytest.mark.parametrize(
    ("outputs", "task", "probability"),
    [((LABEL, TABLE2), "multiclass", "p"), ((NUMBER, EMBEDDING), "binary", "y"), ((LABEL,), "binary", None)],
)
def test_a_task_that_the_outputs_allow_is_taken(schema, outputs, task, probability):
    """Two classes may be measured as many are, and a number that nothing is known of may be P(positive)."""
    found = predicted(schema, outputs, task=task)
    assert (task, probability, ("0", "1")) == (found.task, found.probability_output, found.classes)


def test_a_gate_on_a_metric_of_another_task_is_refused_before_anything_is_scored(schema):
    """The task is known once the outputs are bound; with the task that has the metric it binds."""
    wanted, source = Signature(inputs=(A,), outputs=(NUMBER,)), schema(a=K.FLOAT, t=K.INTEGER)
    gate = {"label": "t", "require": (Requirement.parse("accuracy>=0.9"),)}
    with pytest.raises(UsageError, match="metric of its task, regression: mae, rmse, r2, mape, bias"):
        bind(wanted, NO_SPEC, source, JobOptions(**gate))
    assert Task.BINARY is bind(wanted, NO_SPEC, source, JobOptions(**gate, task="binary")).prediction.task
