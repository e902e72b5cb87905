"""Columns → tensors, outputs → columns: what binds, and what is refused."""

import json

import pytest

from scoring.core.binding import Binding, Layout, Shape, Task
from scoring.core.columns import Dtype, NullAction
from scoring.core.errors import InputRefused, ModelRefused, UsageError
from scoring.core.options import JobOptions, NullRule
from scoring.core.source import ColumnKind as K
from scoring.model.bind import bind
from scoring.model.signature import Signature, TensorInfo
from scoring.model.spec import ModelSpec

F32, I64, TEXT = Dtype.FLOAT32, Dtype.INT64, Dtype.STRING


def tensor(name, dtype=F32, width=None, **more):
    """[N] where width is None, else [N, width]."""
    return TensorInfo(name=name, dtype=dtype, dims=(None,) if width is None else (None, width), **more)


def signature(*inputs, outputs=None, **more):
    return Signature(inputs=inputs, outputs=outputs or (tensor("y", F32, 1),), **more)


MATRIX = signature(tensor("x", F32, 2))


def slots(binding):
    return [bound.slots for bound in binding.inputs]


def test_several_inputs_bind_by_name(schema):
    """Each named input takes the column of its name, in its own type and shape; other columns are not read."""
    wanted = signature(tensor("age", F32, 1), tensor("plan", TEXT), tensor("visits", I64, 1))
    source = schema(other=K.OTHER, plan=K.STRING, visits=K.INTEGER, age=K.FLOAT)
    binding = bind(wanted, ModelSpec(), source, JobOptions())
    assert [("x.age",), ("x.plan",), ("x.visits",)] == slots(binding)
    assert [Shape.COLUMN, Shape.VECTOR, Shape.COLUMN] == [bound.shape for bound in binding.inputs]
    assert [("age", F32), ("plan", TEXT), ("visits", I64)] == [(c.name, c.dtype) for c in binding.columns]


def test_a_matrix_takes_the_feature_names_of_the_metadata(schema):
    """In the order of the metadata, not of the file."""
    wanted = signature(tensor("x", F32, 2), feature_names=("b", "a"))
    assert [("x.b", "x.a")] == slots(bind(wanted, ModelSpec(), schema(a=K.FLOAT, b=K.FLOAT, c=K.FLOAT), JobOptions()))


def test_a_spec_beats_the_metadata(schema):
    """What the user writes comes first."""
    wanted = signature(tensor("x", F32, 2), feature_names=("b", "a"))
    spec = ModelSpec(features=("c", "a"))
    assert [("x.c", "x.a")] == slots(bind(wanted, spec, schema(a=K.FLOAT, b=K.FLOAT, c=K.FLOAT), JobOptions()))


@pytest.mark.parametrize(
    ("kinds", "options", "reason"),
    [
        ({"a": K.FLOAT, "b": K.INTEGER}, {}, "exactly two"),
        ({"id": K.INTEGER, "a": K.FLOAT, "b": K.FLOAT}, {"key": ("id",)}, "a key is no feature"),
        ({"a": K.FLOAT, "y2": K.INTEGER, "b": K.FLOAT}, {"label": "y2", "task": "regression"}, "nor is the label"),
        ({"a": K.FLOAT, "k": K.FLOAT, "b": K.FLOAT}, {"keep": ("k",)}, "nor a kept column"),
        ({"a": K.FLOAT, "b": K.FLOAT}, {"keep_all": True}, "--keep-all keeps features too"),
        ({"a": K.TEXT, "text": K.TEXT, "b": K.TEXT}, {}, "CSV columns that look numeric"),
    ],
)
def test_a_matrix_without_names_takes_the_numeric_columns_that_are_left(schema, kinds, options, reason):
    """If there are exactly as many as the model wants, in file order."""
    assert [("x.a", "x.b")] == slots(bind(MATRIX, ModelSpec(), schema(**kinds), JobOptions(**options))), reason


@pytest.mark.parametrize("kinds", [{"a": K.FLOAT}, {"a": K.FLOAT, "b": K.FLOAT, "c": K.FLOAT}])
def test_another_number_of_columns_is_refused_with_the_spec_to_write(schema, kinds):
    """What is ambiguous is never guessed: the message shows model.yaml."""
    with pytest.raises(InputRefused, match=r"exactly 2 numeric columns.*features: \[a"):
        bind(MATRIX, ModelSpec(), schema(**kinds), JobOptions())


def test_two_matrices_need_a_spec(schema):
    """Nobody can tell which columns go where; with `inputs` it binds."""
    wanted = signature(tensor("num", F32, 2), tensor("cat", I64, 1))
    source = schema(a=K.FLOAT, b=K.FLOAT, cat=K.INTEGER)
    with pytest.raises(InputRefused, match=r"inputs: \{num: \[a, b"):
        bind(wanted, ModelSpec(), source, JobOptions())
    assert [("x.a", "x.b"), ("x.cat",)] == slots(
        bind(wanted, ModelSpec(inputs={"num": ("a", "b")}), source, JobOptions())
    )


def test_a_list_column_feeds_a_matrix(schema):
    """A fixed-size list of the right size is the matrix, whatever its name when it is the only one."""
    binding = bind(signature(tensor("x", F32, 8)), ModelSpec(), schema({"vector": 8}), JobOptions())
    assert ([("x.vector",)], Shape.MATRIX, 8) == (slots(binding), binding.inputs[0].shape, binding.columns[0].list_size)


def test_all_missing_columns_are_named_with_hints(schema):
    """One message for all of them; a name that differs only in case or punctuation is pointed out."""
    wanted = signature(tensor("age", F32, 1), tensor("capital_gain", F32, 1), tensor("zzz", F32, 1))
    with pytest.raises(InputRefused) as refused:
        bind(wanted, ModelSpec(), schema(**{"Age ": K.FLOAT, "capital-gain": K.FLOAT}), JobOptions())
    text = str(refused.value)
    assert all(name in text for name in ("'age'", "'capital_gain'", "'zzz'", "differs from 'age' only in blanks"))


@pytest.mark.parametrize(
    "inputs",
    [
        [tensor("a"), tensor("b")],
        [tensor("x", F32, 1)],
        [tensor("x", F32, 2)],
        [tensor("x", F32, None)],
        [tensor("x", TEXT, 2)],
        [tensor("a", F32, 2), tensor("b", F32, 2)],
    ],
)
def test_one_column_full_of_semicolons_hints_at_the_delimiter(schema, inputs):
    """A file of another delimiter is one strange column, whatever the model wants; its name is shown."""
    with pytest.raises(InputRefused, match="--delimiter ';'") as refused:
        bind(signature(*inputs), ModelSpec(), schema(**{"text;b": K.TEXT}), JobOptions())
    assert "'text;b'" in refused.value.got


@pytest.mark.parametrize(
    ("kind", "dtype", "binds", "reason"),
    [
        (K.TEXT, F32, True, "a CSV cell is what the model wants it to be"),
        (K.TEXT, TEXT, True, "a CSV cell is what the model wants it to be"),
        (K.STRING, F32, False, "text of a Parquet file is not a number"),
        (K.INTEGER, TEXT, True, "an integer has one spelling"),
        (K.FLOAT, TEXT, False, "a fraction has many"),
        (K.DECIMAL, F32, True, "rounded, with a note"),
        (K.BOOL, F32, True, "0 and 1"),
        (K.OTHER, F32, False, "nested types feed nothing"),
        (K.LIST, F32, False, "a list is not one number"),
    ],
)
def test_which_kinds_feed_which_tensors(schema, kind, dtype, binds, reason):
    """Types come from the model; a column that would have to be guessed at is refused at submit."""
    source = schema({"a": 3}) if kind is K.LIST else schema(a=kind)
    try:
        bind(signature(tensor("a", dtype, 1)), ModelSpec(), source, JobOptions())
        bound = True
    except InputRefused:
        bound = False
    assert binds == bound, reason


@pytest.mark.parametrize(
    ("rule", "dtype", "expected"),
    [
        (None, F32, (NullAction.NAN, None)),
        (None, I64, (NullAction.REJECT, None)),
        ("nan", TEXT, (NullAction.REJECT, None)),  # text has no NaN
        ("reject", F32, (NullAction.REJECT, None)),
        ("fill=7", I64, (NullAction.FILL, "7")),
    ],
)
def test_what_a_null_does(schema, rule, dtype, expected):
    """NaN for floats and a reject for the rest, unless --nulls says otherwise."""
    options = JobOptions(nulls=NullRule.parse(rule))
    column = bind(signature(tensor("a", dtype, 1)), ModelSpec(), schema(a=K.TEXT), options).columns[0]
    assert expected == (column.nulls, column.fill)


def test_a_fill_must_be_a_value_of_the_column(schema):
    """`--nulls fill=none` for a number is wrong usage, told at submit; in model.yaml it is refused input."""
    wanted, source, nulls = signature(tensor("a", I64, 1)), schema(a=K.TEXT), NullRule.parse("fill=none")
    with pytest.raises(UsageError, match="fill for nulls in 'a'"):
        bind(wanted, ModelSpec(), source, JobOptions(nulls=nulls))
    with pytest.raises(ModelRefused, match=r"fill for nulls in 'a'.*correct `fill` in model.yaml"):
        bind(wanted, ModelSpec(fill={"a": "none"}), source, JobOptions(nulls=nulls))


def test_carried_columns_stand_in_order_each_once(schema):
    """Keys, kept columns, then the label; a feature that is kept is read for both."""
    source = schema(t=K.INTEGER, a=K.FLOAT, b=K.FLOAT, k=K.STRING)
    options = JobOptions(key=("k",), keep=("a", "k"), label="t", task="regression")
    binding = bind(signature(tensor("a", F32, 1), tensor("b", F32, 1)), ModelSpec(), source, options)
    assert (("k", "c.k"), ("a", "c.a"), ("t", "c.t")) == binding.carried
    assert "c.t" == binding.label_slot
    assert ["x.a", "x.b", "c.k", "c.a", "c.t"] == [column.slot for column in binding.columns]


def test_a_column_read_as_two_types_has_two_slots(schema):
    """One file column may feed a float and an integer input."""
    wanted = signature(tensor("p", F32, 1), tensor("q", I64, 1))
    spec = ModelSpec(inputs={"p": ("a",), "q": ("a",)})
    assert [("x.a",), ("x.a:int64",)] == slots(bind(wanted, spec, schema(a=K.INTEGER), JobOptions()))


def test_a_name_for_two_columns_of_the_result_is_refused(schema):
    """A kept column named as an output shows the rename to write, and with it binds."""
    wanted = signature(tensor("a", F32, 1), outputs=(tensor("label", I64),))
    source, options = schema(a=K.FLOAT, label=K.INTEGER), JobOptions(label="label")
    with pytest.raises(InputRefused, match=r"rename: \{label: model_label\}"):
        bind(wanted, ModelSpec(), source, options)
    spec = ModelSpec(rename={"label": "model_label"})
    assert ("model_label",) == bind(wanted, spec, source, options).outputs[0].columns


@pytest.mark.parametrize("options", [{"key": ("_row",)}, {"keep_all": True}, {"label": "_row", "task": "regression"}])
def test_an_input_column_named_as_the_row_number_is_refused_if_it_is_carried(schema, options):
    """No rename of an output can help: the message says what does. As a feature alone the column is welcome."""
    wanted, source = signature(tensor("a", F32, 1)), schema(a=K.FLOAT, _row=K.INTEGER)
    with pytest.raises(InputRefused, match="rename the column in the input, or do not keep it") as refused:
        bind(wanted, ModelSpec(), source, JobOptions(**options))
    assert "rename: {" not in str(refused.value)
    assert [("x._row",)] == slots(bind(signature(tensor("_row", F32, 1)), ModelSpec(), source, JobOptions()))


def test_an_output_named_as_the_row_number_can_be_renamed(schema):
    """There the rename of model.yaml helps."""
    wanted, source = signature(tensor("a", F32, 1), outputs=(tensor("_row"),)), schema(a=K.FLOAT)
    with pytest.raises(InputRefused, match=r"rename: \{_row: model__row\}"):
        bind(wanted, ModelSpec(), source, JobOptions())
    assert bind(wanted, ModelSpec(rename={"_row": "model__row"}), source, JobOptions())


@pytest.mark.parametrize(
    ("width", "zipmap", "classes", "layout", "columns"),
    [
        (None, (), (), Layout.SCALAR, ("p",)),
        (1, (), (), Layout.SCALAR, ("p",)),
        (2, (), (), Layout.WIDE, ("p_0", "p_1")),
        (2, ("no", "yes"), (), Layout.WIDE, ("p_no", "p_yes")),
        (2, (), ("low", "high"), Layout.WIDE, ("p_low", "p_high")),
        (32, (), (), Layout.WIDE, tuple(f"p_{i}" for i in range(32))),
        (33, (), (), Layout.LIST, ("p",)),
    ],
)
def test_outputs_become_columns(schema, width, zipmap, classes, layout, columns):
    """One column, a column per class, or one list column (CONTRACT section 6)."""
    wanted = signature(tensor("a", F32, 1), outputs=(tensor("p", F32, width, zipmap=zipmap),))
    bound = bind(wanted, ModelSpec(classes=classes), schema(a=K.FLOAT), JobOptions()).outputs[0]
    assert (layout, columns) == (bound.layout, bound.columns)


LABEL = tensor("label", I64)


@pytest.mark.parametrize(
    ("outputs", "graph", "options", "expected"),
    [
        ((LABEL, tensor("p", F32, 2)), (), "auto", (Task.BINARY, "label", "p", ("0", "1"))),
        ((LABEL, tensor("p", F32, 2)), ("no", "yes"), "auto", (Task.BINARY, "label", "p", ("no", "yes"))),
        ((LABEL, tensor("p", F32, 3)), (), "auto", (Task.MULTICLASS, "label", "p", ("0", "1", "2"))),
        ((tensor("p", F32, 1, producer="Sigmoid"),), (), "auto", (Task.BINARY, None, "p", ("0", "1"))),
        ((tensor("p", F32, 4, producer="Softmax"),), (), "auto", (Task.MULTICLASS, None, "p", tuple("0123"))),
        ((tensor("y", F32, 1),), (), "auto", (Task.REGRESSION, "y", None, ())),
        ((tensor("y", F32, 1),), (), "binary", (Task.BINARY, None, "y", ("0", "1"))),
        ((LABEL,), (), "auto", (Task.MULTICLASS, "label", None, ())),
        ((LABEL,), ("a", "b"), "auto", (Task.BINARY, "label", None, ("a", "b"))),
        ((LABEL,), (), "regression", (Task.REGRESSION, "label", None, ())),
    ],
)
def test_what_the_prediction_is(schema, outputs, graph, options, expected):
    """The task follows from the outputs, unless --task says it; the last class is the positive one."""
    wanted = signature(tensor("a", F32, 1), outputs=outputs, classes=graph)
    found = bind(wanted, ModelSpec(), schema(a=K.FLOAT), JobOptions(task=options)).prediction
    assert expected == (found.task, found.label_output, found.probability_output, found.classes)


def test_a_label_for_an_unclear_model_is_refused(schema):
    """Five numbers per row of no known kind are scored, but not measured."""
    wanted = signature(tensor("a", F32, 1), outputs=(tensor("e", F32, 5),))
    source = schema(a=K.FLOAT, t=K.INTEGER)
    assert bind(wanted, ModelSpec(), source, JobOptions()).prediction is None
    with pytest.raises(InputRefused, match="--task"):
        bind(wanted, ModelSpec(), source, JobOptions(label="t"))


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (ModelSpec(inputs={"nope": ("a",)}), "inputs that the model does not have"),
        (ModelSpec(rename={"nope": "b"}), "renames columns that the result does not have"),
    ],
)
def test_a_spec_for_another_model_is_refused(schema, spec, words):
    """A name that the model does not know is a mistake, not a wish."""
    with pytest.raises(ModelRefused, match=words):
        bind(signature(tensor("a", F32, 1)), spec, schema(a=K.FLOAT), JobOptions())


def test_an_image_is_fed_by_a_list_of_its_size(schema):
    """Lists in C order, or as many number columns; with anything else the refusal says how many values it takes."""
    image = signature(TensorInfo(name="i", dtype=F32, dims=(None, 3, 8, 8)))
    bound = bind(image, ModelSpec(), schema({"pixels": 192}), JobOptions()).inputs[0]
    assert (Shape.TENSOR, (3, 8, 8), ("x.pixels",)) == (bound.shape, bound.dims, bound.slots)
    with pytest.raises(InputRefused, match="exactly 192 numeric columns"):
        bind(image, ModelSpec(), schema(a=K.FLOAT), JobOptions())


def test_a_binding_survives_json(schema):
    """What is stored with the job is what was bound."""
    source = schema(k=K.STRING, a=K.INTEGER, t=K.TEXT)
    options = JobOptions(key=("k",), label="t", task="binary", nulls=NullRule.parse("fill=1"))
    binding = bind(signature(tensor("a", F32, 1)), ModelSpec(), source, options)
    assert binding == Binding.from_json(json.loads(json.dumps(binding.to_json())))
    assert ("integer → float32, exact up to 2^24, rounded up to 2^53, rejected beyond: 'a'",) == binding.notes


def test_a_binding_of_an_older_job_is_read(schema):
    """Jobs of the time before tensors, conversions and hooks go on after an upgrade."""
    binding = bind(MATRIX, ModelSpec(), schema(a=K.FLOAT, b=K.FLOAT), JobOptions())
    stored = binding.to_json()
    del stored["hook"]
    for column in stored["columns"]:
        for later in ("list_dims", "conversion", "lossy"):
            del column[later]
    for bound in stored["inputs"]:
        del bound["dims"]
    assert binding == Binding.from_json(json.loads(json.dumps(stored)))
