"""model.yaml: what it may hold, and what is refused in words."""

import json

import pytest

from scoring.core.binding import Task
from scoring.core.columns import Dtype
from scoring.core.conversions import Categories, DatePart, Moment, Scale, TimeUnit
from scoring.core.errors import InputMissing, ModelRefused
from scoring.model.spec import ModelSpec, load_spec
from scoring.model.spec_conversions import Derived
from scoring.model.spec_prepare import Prepare

WHOLE = """
features: [age, income]
inputs: {x: [a, b], y: c}
classes: [0, "no"]
task: binary
rename: {label: predicted}
fill: {age: 0.5}
"""

LATER = """
categories:
  plan: {free: 0, pro: 1}
  area: {codes: {02139: 7, no: 8, 2020-01-01: 9}, unknown: -1}
derive:
  month: {column: born, part: month}
  age: {column: born, unit: days, since: 2020-01-01, format: "%d.%m.%Y"}
  share: {column: percent, scale: 0.01, offset: -1}
shapes: {image: [3, 8, 8], ids: 16}
prepare: {function: "pkg.features:make", columns: {age: float64, city: string}}
"""


def test_a_whole_spec_is_read(tmp_path):
    """Every key arrives, a single column counts as a list, numbers become text, and JSON brings it back."""
    path = tmp_path / "model.yaml"
    path.write_text(WHOLE)
    spec = ModelSpec(
        features=("age", "income"),
        inputs={"x": ("a", "b"), "y": ("c",)},
        classes=("0", "no"),
        task=Task.BINARY,
        rename={"label": "predicted"},
        fill={"age": "0.5"},
    )
    assert spec == load_spec(path)
    assert spec == ModelSpec.from_json(json.loads(json.dumps(spec.to_json())))


def test_the_keys_of_conversions_shapes_and_hooks_are_read(tmp_path):
    """Each of them arrives as what it means, and JSON brings it back."""
    path = tmp_path / "model.yaml"
    path.write_text(LATER)
    spec = ModelSpec(
        categories={
            "plan": Categories(codes={"free": "0", "pro": "1"}),
            "area": Categories(codes={"02139": "7", "no": "8", "2020-01-01": "9"}, unknown="-1"),
        },
        derive={
            "month": Derived(column="born", conversion=Moment(part=DatePart.MONTH)),
            "age": Derived(column="born", conversion=Moment(unit=TimeUnit.DAYS, since="2020-01-01", format="%d.%m.%Y")),
            "share": Derived(column="percent", conversion=Scale(factor=0.01, offset=-1.0)),
        },
        shapes={"image": (3, 8, 8), "ids": (16,)},
        prepare=Prepare(function="pkg.features:make", columns={"age": Dtype.FLOAT64, "city": Dtype.STRING}),
    )
    assert spec == load_spec(path)
    assert spec == ModelSpec.from_json(json.loads(json.dumps(spec.to_json())))


def test_a_hook_may_stand_alone(tmp_path):
    """Without columns it gets all that are neither key, label nor kept."""
    path = tmp_path / "model.yaml"
    path.write_text("prepare: pkg:make")
    assert Prepare(function="pkg:make", columns={}) == load_spec(path).prepare


def test_a_spec_without_the_later_keys_is_stored_as_it_always_was():
    """The digest of a version is reckoned over it: the same model is not registered anew."""
    assert ["features", "inputs", "classes", "task", "rename", "fill"] == list(ModelSpec(fill={"a": "1"}).to_json())


def test_names_are_text_as_they_are_written(tmp_path):
    """YAML of other readers makes false of no, 1 of 01 and a date of a date."""
    path = tmp_path / "model.yaml"
    path.write_text("features: [no, 01, 1e3, 2020-01-01, 'null', 0x10]\nfill: {off: 1_000}")
    assert ("no", "01", "1e3", "2020-01-01", "null", "0x10") == load_spec(path).features
    assert {"off": "1_000"} == load_spec(path).fill


@pytest.mark.parametrize("text", ["", "# nothing\n"])
def test_an_empty_spec_says_nothing(tmp_path, text):
    """An empty file is as good as none."""
    path = tmp_path / "model.yaml"
    path.write_text(text)
    assert load_spec(None) == load_spec(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("feature: [a]", "did you mean 'features'"),
        ("rename: {y_0: ''}", "rename: y_0; expected a name; got ''"),
        ("zebra: 1", "unknown key 'zebra'"),
        ("classes: [a, null]", "in quotes, such as 'null'"),
        ("features: [a, a]", "each name once"),
        ("task: clustering", "binary, multiclass or regression"),
        ("fill: {a: 1}\nfill: {b: 2}", "'fill' stands twice"),
        ("categories: {plan: {free: 0, free: 1}}", "'free' stands twice"),
        ("categories: {plan: [free]}", "name: value pairs"),
        ("categories: {plan: {}}", "value: code pairs"),
        ("categories: {plan: {free: [0]}}", "text or a number"),
        ("categories: {plan: {free: 0, unknown: 9}}", "write the long form"),
        ("categories: {plan: {codes: {free: 0}, unkown: 9}}", "did you mean 'unknown'"),
        ("derive: {m: {part: month}}", "the column that it is reckoned from"),
        ("derive: {m: {column: d}}", "one of `part`"),
        ("derive: {m: {column: d, part: month, unit: days}}", "one of `part`"),
        ("derive: {m: {column: d, part: mont}}", "did you mean 'month'"),
        ("derive: {m: {column: d, part: month, since: 2020-01-01}}", "unknown key 'since'"),
        ("derive: {m: {column: d, unit: days, since: soon}}", "ISO 8601"),
        ("derive: {m: {column: d, part: month, format: dmy}}", "codes of strptime"),
        ("derive: {m: {column: d, part: month, format: '%d.%q'}}", "%q is none of"),
        ("derive: {m: {column: d, scale: nan}}", "a number"),
        ("shapes: {x: [3, 0]}", "sizes of the axes"),
        ("shapes: {x: [3, x]}", "sizes of the axes"),
        ("shapes: {x: " + "9" * 5000 + "}", "sizes of the axes"),
        ("prepare: features", "module:function"),
        ("prepare: 'os; rm:f'", "module:function"),
        ("prepare: {function: 'm:f', columns: {age: float}}", "did you mean 'float"),
        ("prepare: {columns: {age: float64}}", "prepare: function"),
        ("inputs: [a]", "name: value pairs"),
        ("- a", "keys and values"),
        ("a: [", "YAML"),
        ("!!python/object/apply:os.system [ls]", "YAML"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, text, words):
    """One sentence says what was expected."""
    path = tmp_path / "model.yaml"
    path.write_text(text)
    with pytest.raises(ModelRefused, match=words) as refused:
        load_spec(path)
    assert refused.value.message.startswith(f"{path}: ")


def test_a_missing_spec_is_named(tmp_path):
    """The path stands in the message."""
    with pytest.raises(InputMissing, match="no spec at"):
        load_spec(tmp_path / "gone.yaml")
