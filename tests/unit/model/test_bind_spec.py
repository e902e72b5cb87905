"""Conversions, shapes and hooks of model.yaml in a binding, and what is refused in words."""

import json
import time

import pytest

from scoring.core.binding import Binding, Shape
from scoring.core.columns import ColumnSpec, Dtype, Lossy, NullAction
from scoring.core.conversions import Categories, DatePart, Moment, Scale, TimeUnit
from scoring.core.errors import InputRefused, ModelRefused
from scoring.core.options import JobOptions
from scoring.core.source import ColumnKind as K
from scoring.core.source import FileColumn, SourceSchema
from scoring.model.bind import bind
from scoring.model.signature import Signature, TensorInfo
from scoring.model.spec import ModelSpec
from scoring.model.spec_conversions import Derived
from scoring.model.spec_prepare import Prepare

F32, I64, TEXT, BOOL = Dtype.FLOAT32, Dtype.INT64, Dtype.STRING, Dtype.BOOL
PLANS = Categories(codes={"free": "0", "pro": "1"}, unknown="-1")
MONTH = Derived(column="born", conversion=Moment(part=DatePart.MONTH))
DAYS = Derived(column="born", conversion=Moment(unit=TimeUnit.DAYS, since="2020-01-01"))
CENTS = Derived(column="price", conversion=Scale(factor=0.01))


def wants(*inputs):
    """A model of inputs (name, type, width)."""
    tensors = tuple(TensorInfo(name=name, dtype=dtype, dims=(None, width)) for name, dtype, width in inputs)
    return Signature(inputs=tensors, outputs=(TensorInfo(name="y", dtype=F32, dims=(None, 1)),))


def source(**types):
    columns = (FileColumn(name=name, kind=kind, type=type) for name, (kind, type) in types.items())
    return SourceSchema(columns=tuple(columns), rows=0, rows_exact=True, bytes=0, sample={})


def csv(*names):
    return source(**dict.fromkeys(names, (K.TEXT, "text")))


def test_a_converted_column_is_read_with_its_conversion():
    """Under the name of its feature; the column is read as its kind, and cast to the tensor after."""
    spec = ModelSpec(
        features=("plan", "month", "days", "cents"),
        categories={"plan": PLANS},
        derive={"month": MONTH, "days": DAYS, "cents": CENTS},
    )
    binding = bind(wants(("x", F32, 4)), spec, csv("plan", "born", "price", "other"), JobOptions())
    expected = [
        ("plan", "x.plan", PLANS),
        ("born", "x.month", MONTH.conversion),
        ("born", "x.days", DAYS.conversion),
        ("price", "x.cents", CENTS.conversion),
    ]
    assert expected == [(c.name, c.slot, c.conversion) for c in binding.columns]
    assert binding == Binding.from_json(json.loads(json.dumps(binding.to_json())))


def test_a_column_used_in_two_ways_is_read_in_two_slots():
    """As it is, converted, as another type, and carried."""
    spec = ModelSpec(
        inputs={"a": ("price",), "b": ("price",), "c": ("price100",), "d": ("price100",)},
        derive={"price100": CENTS},
    )
    inputs = [(name, dtype, 1) for name, dtype in zip("abcd", (F32, I64, F32, F32), strict=True)]
    binding = bind(wants(*inputs), spec, csv("price"), JobOptions(keep=("price",)))
    assert [("x.price",), ("x.price:int64",), ("x.price100",), ("x.price100",)] == [i.slots for i in binding.inputs]
    assert ["x.price", "x.price:int64", "x.price100", "c.price"] == [c.slot for c in binding.columns]


def test_a_derived_feature_may_bear_the_name_of_its_column():
    """Then the column itself feeds nothing, and where columns are taken in file order it stands in its place."""
    spec = ModelSpec(derive={"born": Derived(column="born", conversion=DAYS.conversion)}, categories={"plan": PLANS})
    file = source(born=(K.MOMENT, "date32[day]"), plan=(K.STRING, "string"), a=(K.FLOAT, "float"))
    binding = bind(wants(("x", F32, 3)), spec, file, JobOptions())
    assert [("x.born", "x.plan", "x.a")] == [i.slots for i in binding.inputs]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (ModelSpec(fill={"agge": "1"}), "did you mean 'age'"),
        (ModelSpec(categories={"agee": PLANS}), "did you mean 'age'"),
        (ModelSpec(derive={"month": MONTH}), "list it in `features` or `inputs`"),
        (ModelSpec(categories={"age": Categories(codes={"old": "x"})}), "codes of type float32.*'x' for 'old'"),
        (ModelSpec(categories={"age": Categories(codes={"old": "1"}, unknown="x")}), "'x' for 'unknown'"),
        (ModelSpec(derive={"age": MONTH}, categories={"age": PLANS}), "one of the two"),
        (ModelSpec(prepare=Prepare(function="m:f", columns={}), categories={"age": PLANS}), "`prepare` alone"),
        (ModelSpec(features=("age",), inputs={"age": ("age",)}), "twice"),
    ],
)
def test_a_spec_that_would_be_ignored_in_part_is_refused(spec, words):
    """Nothing that a person wrote is dropped."""
    with pytest.raises(ModelRefused, match=words):
        bind(wants(("age", F32, 1)), spec, csv("age", "born"), JobOptions())


def test_features_for_several_inputs_are_those_of_the_only_matrix():
    """With two matrices it is not clear whose they are."""
    spec = ModelSpec(features=("a", "b"))
    binding = bind(wants(("num", F32, 2), ("plan", TEXT, 1)), spec, csv("plan", "b", "a"), JobOptions())
    assert [("x.a", "x.b"), ("x.plan",)] == [i.slots for i in binding.inputs]
    with pytest.raises(ModelRefused, match="not clear for which input"):
        bind(wants(("num", F32, 2), ("more", F32, 2)), spec, csv("b", "a"), JobOptions())


@pytest.mark.parametrize(
    ("kind", "type", "conversion", "dtype", "words"),
    [
        (K.FLOAT, "double", PLANS, F32, "text, whole numbers or bool"),
        (K.MOMENT, "date32[day]", PLANS, F32, "text, whole numbers or bool"),
        (K.STRING, "string", CENTS, F32, "numbers, one per row"),
        (K.INTEGER, "int64", MONTH, F32, "dates, times, or text"),
        (K.TEXT, "text", CENTS, TEXT, "an input of numbers"),
        (K.TEXT, "text", MONTH, BOOL, "an input of numbers"),
        (K.MOMENT, "time64[us]", MONTH, F32, "part hour, minute or second"),
        (K.MOMENT, "time64[us]", DAYS, F32, "part hour, minute or second"),
        (K.MOMENT, "date32[day]", Moment(part=DatePart.HOUR), F32, "a date without a time"),
        (K.MOMENT, "timestamp[us]", Moment(part=DatePart.DAY, format="%Y"), F32, "no `format`"),
        (K.MOMENT, "timestamp[us, tz=UTC]", DAYS, F32, "with a zone"),
        (K.MOMENT, "timestamp[us]", Moment(unit=TimeUnit.DAYS, since="2020-01-01T00:00Z"), F32, "without a zone"),
    ],
)
def test_a_conversion_of_a_column_that_it_is_not_for_is_refused(kind, type, conversion, dtype, words):
    """At submit, with the type of the column."""
    conversion = conversion.conversion if isinstance(conversion, Derived) else conversion
    spec = ModelSpec(derive={"a": Derived(column="a", conversion=conversion)})
    if isinstance(conversion, Categories):
        spec = ModelSpec(categories={"a": conversion})
    with pytest.raises((ModelRefused, InputRefused), match=words):
        bind(wants(("a", dtype, 1)), spec, source(a=(kind, type)), JobOptions())


def test_a_missing_column_of_a_derived_feature_is_named():
    """The column that the file lacks, not the feature."""
    spec = ModelSpec(features=("month",), derive={"month": MONTH})
    with pytest.raises(InputRefused, match=r"lacks features of the model: 'born'.*did you mean 'borne'"):
        bind(wants(("x", F32, 1)), spec, csv("borne"), JobOptions())


@pytest.mark.parametrize(
    ("kind", "type", "dtype", "lossy"),
    [
        (K.INTEGER, "int64", F32, Lossy.REJECT),
        (K.TEXT, "text", F32, Lossy.REJECT),
        (K.JSON, "json", F32, Lossy.REJECT),
        (K.FLOAT, "double", F32, None),
        (K.INTEGER, "int64", I64, None),
    ],
)
def test_the_policy_for_lossy_casts_goes_with_columns_of_whole_numbers(kind, type, dtype, lossy):
    """Where they feed a float tensor."""
    options = JobOptions(lossy=Lossy.REJECT)
    assert lossy == bind(wants(("a", dtype, 1)), ModelSpec(), source(a=(kind, type)), options).columns[0].lossy


@pytest.mark.parametrize(
    ("lossy", "words"),
    [(None, "rounded up to 2^53, rejected beyond"), (Lossy.ROUND, "rounded beyond"), (Lossy.REJECT, "rejected beyond")],
)
def test_the_note_on_a_cast_says_what_the_policy_does(lossy, words):
    """Nobody has to look the policy up."""
    binding = bind(wants(("a", F32, 1)), ModelSpec(), source(a=(K.INTEGER, "int64")), JobOptions(lossy=lossy))
    assert (f"int64 → float32, exact up to 2^24, {words}: 'a'",) == binding.notes


@pytest.mark.parametrize(
    ("type", "kind", "dtype", "noted"),
    [
        ("int64", K.INTEGER, Dtype.FLOAT64, True),
        ("uint32", K.INTEGER, Dtype.FLOAT64, False),
        ("dictionary<values=int64, indices=int32, ordered=0>", K.INTEGER, Dtype.FLOAT64, True),
        ("double", K.FLOAT, F32, True),
        ("float", K.FLOAT, F32, False),
        ("double", K.FLOAT, Dtype.FLOAT64, False),
        ("decimal128(9, 2)", K.DECIMAL, F32, True),
        ("double", K.FLOAT, I64, True),
    ],
)
def test_casts_that_may_lose_something_are_noted(type, kind, dtype, noted):
    """Those that cannot are not: a note on every column would be read by nobody."""
    column = FileColumn(name="a", kind=kind, type=type)
    wide = FileColumn(name="a", kind=K.LIST, type=f"list<element: {type}>", element=kind, dims=(3,))
    for file, width in ((column, 1), (wide, 3)):
        found = SourceSchema(columns=(file,), rows=0, rows_exact=True, bytes=0, sample={})
        assert noted == bool(bind(wants(("a", dtype, width)), ModelSpec(), found, JobOptions()).notes)


JSON = source(**dict.fromkeys(("ids", "image", "age", "word"), (K.JSON, "json")))


def test_members_of_json_lines_feed_what_the_inputs_want():
    """Values for inputs of one value per row, lists of its axes for the others, also where the spec tells the size."""
    inputs = (
        TensorInfo(name="ids", dtype=I64, dims=(None, None)),
        TensorInfo(name="image", dtype=F32, dims=(None, 3, 2, 2)),
        TensorInfo(name="age", dtype=F32, dims=(None, 1)),
        TensorInfo(name="word", dtype=TEXT, dims=(None,)),
    )
    signature = Signature(inputs=inputs, outputs=wants().outputs)
    with pytest.raises(InputRefused, match=r"shapes: \{ids: \[SIZE\]\}"):
        bind(signature, ModelSpec(), JSON, JobOptions())
    binding = bind(signature, ModelSpec(shapes={"ids": (5,)}), JSON, JobOptions())
    assert [(5, ()), (12, (3, 2, 2)), (None, ()), (None, ())] == [(c.list_size, c.list_dims) for c in binding.columns]
    assert [Shape.MATRIX, Shape.TENSOR, Shape.COLUMN, Shape.VECTOR] == [i.shape for i in binding.inputs]


def test_a_hook_gets_columns_and_gives_features():
    """Its columns are read with their nulls; the policies for nulls hold for what it gives."""
    spec = ModelSpec(
        features=("a", "b"),
        fill={"b": "3"},
        prepare=Prepare(function="m:f", columns={"born": TEXT, "age": Dtype.FLOAT64}),
    )
    file = csv("age", "born", "k", "more")
    binding = bind(wants(("x", F32, 2)), spec, file, JobOptions(key=("k",)))
    reads = [("born", "r.born", TEXT), ("age", "r.age", Dtype.FLOAT64), ("k", "c.k", None)]
    assert reads == [(c.name, c.slot, c.dtype) for c in binding.columns]
    assert {NullAction.KEEP} == {c.nulls for c in binding.columns}
    assert ("m:f", (("r.born", "born"), ("r.age", "age"))) == (binding.hook.function, binding.hook.arguments)
    given = (
        ColumnSpec(name="a", slot="x.a", dtype=F32, nulls=NullAction.NAN),
        ColumnSpec(name="b", slot="x.b", dtype=F32, nulls=NullAction.FILL, fill="3"),
    )
    assert given == binding.hook.columns
    assert [("x.a", "x.b")] == [i.slots for i in binding.inputs]
    assert binding == Binding.from_json(json.loads(json.dumps(binding.to_json())))


def test_a_hook_without_columns_gets_what_nothing_else_is_asked_of():
    """All columns that are neither key, label nor kept, as the file has them."""
    spec = ModelSpec(features=("a", "b"), prepare=Prepare(function="m:f", columns={}))
    options = JobOptions(key=("k",), keep=("s",), label="t", task="regression")
    binding = bind(wants(("x", F32, 2)), spec, csv("k", "p", "s", "t", "q"), options)
    assert (("r.p", "p"), ("r.q", "q")) == binding.hook.arguments
    assert {None} == {c.dtype for c in binding.columns}


def test_a_hook_may_give_lists():
    """One column for an input of several values per row is a column of lists of its shape."""
    spec = ModelSpec(inputs={"x": ("vector",)}, prepare=Prepare(function="m:f", columns={}))
    binding = bind(wants(("x", F32, 8)), spec, csv("p"), JobOptions())
    assert [("vector", 8)] == [(c.name, c.list_size) for c in binding.hook.columns]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (ModelSpec(prepare=Prepare(function="m:f", columns={})), r"features: \[COLUMN"),
        (ModelSpec(features=("a", "b"), prepare=Prepare(function="m:f", columns={"pp": F32})), "did you mean 'p'"),
        (ModelSpec(features=("a", "b"), prepare=Prepare(function="m:f", columns={"s": F32})), "cannot feed `prepare`"),
    ],
)
def test_a_hook_that_cannot_be_bound_is_refused(spec, words):
    """Features without names, columns that are missing, and text as numbers."""
    file = source(p=(K.TEXT, "text"), s=(K.STRING, "string"))
    with pytest.raises(InputRefused, match=words):
        bind(wants(("x", F32, 2)), spec, file, JobOptions())


def test_inputs_with_other_numbers_of_rows_are_refused():
    """A fixed batch axis holds for all inputs."""
    inputs = (TensorInfo(name="a", dtype=F32, dims=(8, 1)), TensorInfo(name="b", dtype=F32, dims=(4, 1)))
    with pytest.raises(ModelRefused, match=r"a \[8, 1\], b \[4, 1\]"):
        bind(Signature(inputs=inputs, outputs=wants().outputs), ModelSpec(), csv("a", "b"), JobOptions())


@pytest.mark.parametrize("dims", [(), (None, 0), (None, 2, None)])
def test_an_output_without_values_per_row_is_refused(dims):
    """It would be no column of the result."""
    signature = Signature(inputs=wants(("a", F32, 1)).inputs, outputs=(TensorInfo(name="e", dtype=F32, dims=dims),))
    with pytest.raises(ModelRefused, match="output 'e' is no column"):
        bind(signature, ModelSpec(), csv("a"), JobOptions())


def test_thousands_of_features_are_bound_at_once():
    """In a fifth of a second on an idle core: nothing is looked up by walking over all columns."""
    names = [f"c{number}" for number in range(5_000)]
    begun = time.monotonic()
    binding = bind(wants(("x", F32, 5_000)), ModelSpec(features=tuple(names)), csv(*names), JobOptions(keep_all=True))
    assert 10_000 == len(binding.columns)
    assert time.monotonic() - begun < 4  # by walking it is 15 seconds
