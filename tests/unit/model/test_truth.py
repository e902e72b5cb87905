"""Labels and predictions of any type as codes or numbers, and texts and numbers through Arrow."""

import decimal

import numpy as np
import pyarrow as pa
import pytest

from scoring.model.arrays import text_array, to_arrow
from scoring.model.truth import labels_of, numbers_of, predicted_labels


@pytest.mark.parametrize(
    ("column", "names"),
    [
        (pa.array(["b", None, " ", "a"]), ["b", None, None, "a"]),
        (pa.array(["b", None, "a"]).slice(1), [None, "a"]),
        (pa.array(["x", None, "x"]).dictionary_encode(), ["x", None, "x"]),
        (pa.array(["x", "y", None, "z"]).dictionary_encode().slice(1), ["y", None, "z"]),
        (pa.array([1, None, 2], pa.int8()), ["1", None, "2"]),
        (pa.array([1.0, 2.5]), ["1", "2.5"]),
        (pa.array([decimal.Decimal("1.00")]), ["1.00"]),
        (pa.array(["a"], pa.large_string()), ["a"]),
        (pa.nulls(2), [None, None]),
        (pa.array([], pa.string()), []),
    ],
)
def test_labels_of_any_type_become_codes(column, names):
    """Nulls and blanks are no labels; everything else is compared as its text."""
    labels = labels_of(column)
    assert names == [labels.names[code] if code >= 0 else None for code in labels.codes]


@pytest.mark.parametrize(
    ("classes", "names"), [(("0", "1"), ["1", "0"]), (("False", "True"), ["True", "False"]), ((), ["true", "false"])]
)
def test_a_bool_column_speaks_the_model_s_language(classes, names):
    """A bool label is 0 or 1 where the classes are numbers."""
    labels = labels_of(pa.array([True, False]), classes)
    assert names == [labels.names[code] for code in labels.codes]


@pytest.mark.parametrize(
    ("column", "numbers"),
    [
        (pa.array([" 1.5", "2", "x", None, "", "1e3", "-.5", "nan"]), [1.5, 2, None, None, None, 1000, -0.5, None]),
        (pa.array([None, 1, 2]).slice(1), [1, 2]),
        (pa.array([9.5, 1.5, 2.5]).slice(1), [1.5, 2.5]),  # no cast: the slice's offset is still there
        (pa.array([1.5, None], pa.float32()), [1.5, None]),
        (pa.array([decimal.Decimal("1.25"), None]), [1.25, None]),
        (pa.array([True, None]), [1, None]),
        (pa.array([[1.0]]), [None]),
        (pa.nulls(1), [None]),
    ],
)
def test_numbers_of_any_type_become_floats(column, numbers):
    """What is no number is no label."""
    assert numbers == [None if np.isnan(value) else value for value in numbers_of(column)]


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (np.array(["b", "a", "b"], object), ["b", "a", "b"]),
        (np.array([3, 1, 3]), ["3", "1", "3"]),
        (np.array([1.0, 0.0]), ["1.0", "0.0"]),
        (np.array([], np.int64), []),
    ],
)
def test_predicted_labels_become_codes(values, names):
    """Whatever type the model gives its labels in."""
    labels = predicted_labels(values)
    assert names == [labels.names[code] for code in labels.codes]


@pytest.mark.parametrize("texts", [[], ["a", "", "bc"], ["ä", "b", "日本"], ["\0", "x\0y"]])
def test_texts_come_through_arrow(texts):
    """Every text is what it was, whatever its length in bytes."""
    assert texts == text_array(texts).to_pylist()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "uint64", "int64"])
def test_numbers_come_through_arrow(dtype):
    """The type and the values of numpy arrive, of a strided view too."""
    values = np.arange(10).astype(dtype)[::3]
    assert (dtype.replace("float16", "halffloat").replace("float32", "float").replace("float64", "double")) == str(
        to_arrow(values).type
    )
    assert values.tolist() == to_arrow(values).to_pylist()
