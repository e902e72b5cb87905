"""Outputs as columns of a part, and a chunk's accuracy from both."""

import numpy as np
import pyarrow as pa
import pytest

from scoring.core.accuracy.sums import to_bytes
from scoring.core.binding import Binding, Layout, OutputBinding, Prediction, Task
from scoring.core.columns import Dtype
from scoring.core.errors import BadOutput
from scoring.core.limits import MAX_OUTPUT_TEXT_BYTES
from scoring.core.options import JobOptions
from scoring.model.arrays import to_arrow
from scoring.model.columns import outputs_of, part_batch
from scoring.model.measure import chunk_metrics, labelled_pairs, measure_chunk, pair_columns
from scoring.model.results import Results, empty_outputs


def output(name, dtype, layout, columns, width=1):
    return OutputBinding(output=name, dtype=dtype, layout=layout, columns=columns, width=width)


BINDING = Binding(
    columns=(),
    inputs=(),
    outputs=(
        output("label", Dtype.STRING, Layout.SCALAR, ("label",)),
        output("p", Dtype.FLOAT32, Layout.WIDE, ("p_a", "p_b"), 2),
        output("v", Dtype.FLOAT64, Layout.LIST, ("v",), 40),
        output("flag", Dtype.BOOL, Layout.SCALAR, ("flag",)),
    ),
    carried=(("id", "c.id"), ("t", "c.t")),
    label_slot="c.t",
    prediction=Prediction(task=Task.BINARY, label_output="label", probability_output="p", classes=("a", "b")),
)
BATCH = pa.RecordBatch.from_pydict({"c.id": pa.array(["k1", None, "k3"]), "c.t": pa.array(["a", " b", None])})
OUTPUTS = {
    "label": np.array(["a", "größer", ""], object),
    "p": np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]], np.float32),
    "v": np.arange(120, dtype=np.float64).reshape(3, 40),
    "flag": np.array([True, False, True]),
}


def test_a_part_holds_row_numbers_carried_columns_and_outputs():
    """In this order, with the outputs' own types; nulls of carried columns travel."""
    part = part_batch(np.array([4, 6, 7]), BATCH, OUTPUTS, BINDING)
    assert ["_row", "id", "t", "label", "p_a", "p_b", "v", "flag"] == part.schema.names
    types = [pa.int64(), pa.string(), pa.string(), pa.string(), pa.float32(), pa.float32()]
    assert [*types, pa.list_(pa.float64(), 40), pa.bool_()] == part.schema.types
    assert {"_row": 6, "id": None, "t": " b", "label": "größer"}.items() <= part.to_pylist()[1].items()
    assert [True, False, True] == part["flag"].to_pylist()
    assert OUTPUTS["p"][:, 1].tolist() == part["p_b"].to_pylist()
    assert OUTPUTS["v"][2].tolist() == part["v"].to_pylist()[2]


@pytest.mark.parametrize("dtype", Dtype)
@pytest.mark.parametrize(
    ("layout", "width"), [(Layout.SCALAR, 1), (Layout.WIDE, 1), (Layout.WIDE, 3), (Layout.LIST, 12)]
)
def test_outputs_of_every_type_stand_in_the_part_as_they_are(dtype, layout, width):
    """In the type of the model, one column, a column per value or a flat list; and come back bit for bit."""
    cells = np.arange(2 * width) % 2
    values = cells.astype(str).astype(object) if dtype is Dtype.STRING else cells.astype(dtype.value)
    values = values if layout is Layout.SCALAR else values.reshape(2, width)
    names = tuple(f"y_{i}" for i in range(width)) if layout is Layout.WIDE else ("y",)
    binding = Binding(columns=(), inputs=(), outputs=(output("y", dtype, layout, names, width),))
    part = part_batch(np.arange(2), BATCH.slice(0, 2), {"y": values}, binding)
    kind = pa.type_for_alias(dtype.value)
    assert [pa.list_(kind, width) if layout is Layout.LIST else kind] * len(names) == part.schema.types[1:]
    back = outputs_of(part, binding.outputs)["y"]
    assert (values.shape, values.tolist(), values.dtype) == (back.shape, back.tolist(), back.dtype)
    assert part.schema == part_batch(np.arange(0), BATCH.slice(0, 0), empty_outputs(binding.outputs), binding).schema


def test_a_chunk_without_rows_has_the_same_schema():
    """A part without rows reads beside the others."""
    empty = part_batch(np.array([], np.int64), BATCH.slice(0, 0), empty_outputs(BINDING.outputs), BINDING)
    assert part_batch(np.array([4, 6, 7]), BATCH, OUTPUTS, BINDING).schema == empty.schema


def test_a_chunk_is_measured_on_its_labelled_rows():
    """Labels and probabilities meet; the row without a label lowers the coverage."""
    sums = measure_chunk(BATCH, OUTPUTS, BINDING, JobOptions(label="t"))
    found = {figure.metric: figure for figure in chunk_metrics(to_bytes(sums), 3)}
    assert (1.0, 2) == (found["accuracy"].value, found["accuracy"].rows)
    assert found["accuracy"].coverage == pytest.approx(2 / 3)
    assert "confusion_matrix" not in found


def test_a_job_without_a_label_measures_nothing():
    """No label, no sums, no figures."""
    binding = Binding(columns=(), inputs=(), outputs=(), prediction=BINDING.prediction)
    assert measure_chunk(BATCH, OUTPUTS, binding, JobOptions()) is None
    assert () == chunk_metrics(None, 3)


def test_a_part_gives_back_the_pairs_that_were_measured():
    """The area is ranked from the part file's own columns."""
    part = part_batch(np.array([4, 6, 7]), BATCH, OUTPUTS, BINDING)
    assert ("t", "p_a", "p_b") == pair_columns(BINDING)
    scores, positive = labelled_pairs(part.select(pair_columns(BINDING)), BINDING)
    assert [np.float32(0.1), np.float32(0.8)] == scores.tolist()
    assert [False, True] == positive.tolist()


def test_text_of_any_length_reaches_the_part():
    """More rows than are joined at once, long ones and letters of several bytes among them."""
    texts = ["a", "", "größer", "x" * 3_000] * 700
    made = to_arrow(np.array(texts, object))
    made.validate(full=True)
    assert texts == made.to_pylist()


def test_a_model_that_answers_too_much_text_is_stopped_by_number():
    """Run by run, before the chunk's memory is spent: what was held is the bound and one run more."""
    word, most = "x" * 2**20, MAX_OUTPUT_TEXT_BYTES // 2**20
    results = Results([output("label", Dtype.STRING, Layout.SCALAR, ("label",))], most + 1)
    for row in range(most):
        results.put(row, 1, [np.array([word], object)])
    with pytest.raises(BadOutput, match=f"'label'.*at most {MAX_OUTPUT_TEXT_BYTES:,} characters.*--chunk-rows"):
        results.put(most, 1, [np.array(["a"], object)])
