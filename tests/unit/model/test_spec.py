"""model.yaml: what it may hold, and what is refused in words."""

import json

import pytest

from scoring.core.binding import Task
from scoring.core.errors import InputMissing, ModelRefused
from scoring.model.spec import ModelSpec, load_spec

WHOLE = """
features: [age, income]
inputs: {x: [a, b], y: c}
classes: [0, "no"]
task: binary
rename: {label: predicted}
fill: {age: 0.5}
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
        ("zebra: 1", "unknown key 'zebra'"),
        ("prepare: m:f", "does not read yet"),
        ("classes: [no, yes]", "put the name in quotes"),  # YAML reads them as false and true
        ("features: [a, a]", "each name once"),
        ("task: clustering", "binary, multiclass or regression"),
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
    with pytest.raises(ModelRefused, match=words):
        load_spec(path)


def test_a_missing_spec_is_named(tmp_path):
    """The path stands in the message."""
    with pytest.raises(InputMissing, match="no spec at"):
        load_spec(tmp_path / "gone.yaml")
