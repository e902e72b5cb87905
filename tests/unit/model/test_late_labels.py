"""Labels that come later are measured to the last bit as they would have been in the input."""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from scoring.core.accuracy.sums import from_bytes, to_bytes
from scoring.core.binding import Binding, Layout, OutputBinding, Prediction, Task
from scoring.core.columns import Dtype
from scoring.core.options import JobOptions
from scoring.model.columns import outputs_of, part_batch
from scoring.model.measure import labelled_pairs, late_pairs, measure_chunk, measure_late, prediction_columns
from scoring.model.truth import LabelForm, label_texts

ROWS = 500


def output(name: str, dtype: Dtype, layout: Layout, columns: tuple[str, ...], width: int = 1) -> OutputBinding:
    return OutputBinding(output=name, dtype=dtype, layout=layout, columns=columns, width=width)


def binding(task: Task, *outputs: OutputBinding, classes: tuple[str, ...] = ()) -> Binding:
    named = {bound.output for bound in outputs}
    prediction = Prediction(
        task=task,
        label_output="said" if "said" in named else None,
        probability_output="p" if "p" in named else None,
        classes=classes,
    )
    return Binding(
        columns=(), inputs=(), outputs=outputs, carried=(("t", "c.t"),), label_slot="c.t", prediction=prediction
    )


RANDOM = np.random.default_rng(5)
SAID = output("said", Dtype.INT64, Layout.SCALAR, ("said",))
TEXT = output("said", Dtype.STRING, Layout.SCALAR, ("said",))
NUMBER = output("said", Dtype.FLOAT32, Layout.SCALAR, ("said",))
LONE = output("p", Dtype.FLOAT32, Layout.SCALAR, ("p",))
TWO = output("p", Dtype.FLOAT64, Layout.WIDE, ("p_0", "p_1"), 2)
MANY = output("p", Dtype.FLOAT32, Layout.LIST, ("p",), 40)

P = RANDOM.random(ROWS).astype(np.float32)
WIDE = np.stack([1 - P, P], axis=1).astype(np.float64)
FORTY = RANDOM.dirichlet(np.ones(40), ROWS).astype(np.float32)
CODES = RANDOM.integers(0, 2, ROWS)
ANIMALS = RANDOM.choice(["cat", "größer", "dog"], ROWS).astype(object)
NUMBERS = RANDOM.normal(3, 2, ROWS)

BINARY = binding(Task.BINARY, SAID, LONE, classes=("0", "1"))
SPELT = binding(Task.BINARY, TWO, classes=("False", "True"))
CLASSES = binding(Task.MULTICLASS, TEXT)
LISTED = binding(Task.MULTICLASS, MANY, classes=tuple(str(code) for code in range(40)))
REGRESSION = binding(Task.REGRESSION, NUMBER)
SOME = RANDOM.random(ROWS) < 0.3

CASES = {
    "integers": (BINARY, {"said": CODES, "p": P}, pa.array(CODES, mask=SOME)),
    "floats for classes": (BINARY, {"said": CODES, "p": P}, pa.array(CODES.astype(np.float32), mask=SOME)),
    "texts with blanks": (BINARY, {"said": CODES, "p": P}, pa.array([f" {code}.0 " for code in CODES])),
    "booleans for numerals": (BINARY, {"said": CODES, "p": P}, pa.array(CODES == 1, mask=SOME)),
    "booleans for words": (SPELT, {"p": WIDE}, pa.array(CODES == 1)),
    "a dictionary": (SPELT, {"p": WIDE}, pa.array(np.where(CODES == 1, "True", "False")).dictionary_encode()),
    "words": (CLASSES, {"said": ANIMALS}, pa.array(RANDOM.permutation(ANIMALS), mask=SOME)),
    "forty classes": (LISTED, {"p": FORTY}, pa.array(RANDOM.integers(0, 40, ROWS).astype(np.int8))),
    "doubles": (REGRESSION, {"said": NUMBERS.astype(np.float32)}, pa.array(NUMBERS * 1.1, mask=SOME)),
    "singles": (REGRESSION, {"said": NUMBERS.astype(np.float32)}, pa.array((NUMBERS * 1.1).astype(np.float32))),
    "huge integers": (
        REGRESSION,
        {"said": NUMBERS.astype(np.float32)},
        pa.array(RANDOM.integers(2**60, 2**62, ROWS)),
    ),
    "decimals": (
        REGRESSION,
        {"said": NUMBERS.astype(np.float32)},
        pa.array([Decimal(f"{number:.17f}") for number in NUMBERS]),
    ),
    "numbers in texts": (REGRESSION, {"said": NUMBERS.astype(np.float32)}, pa.array([f" {n!r}\t" for n in CODES / 3])),
    "words for numbers": (REGRESSION, {"said": NUMBERS.astype(np.float32)}, pa.array(ANIMALS)),
}


@pytest.mark.parametrize("case", CASES)
def test_late_labels_give_the_sums_of_labels_in_the_input(case: str) -> None:
    """Whatever the type of the label, the task and the shape of the outputs: byte for byte the same sums."""
    bound, outputs, labels = CASES[case]
    clean = pa.RecordBatch.from_arrays([labels], names=["c.t"])
    in_input = measure_chunk(clean, outputs, bound, JobOptions(label="t"))
    part = part_batch(np.arange(ROWS), clean, outputs, bound)
    prediction = bound.prediction
    assert prediction is not None
    assert in_input is not None
    read = part.select(list(prediction_columns(bound, prediction)))
    texts = label_texts(labels, LabelForm.of(prediction))
    late = measure_late(read, texts, bound, prediction, 0.5)
    assert to_bytes(in_input) == to_bytes(late)
    assert from_bytes(to_bytes(late)).covered == in_input.covered


@pytest.mark.parametrize("case", ["integers", "booleans for words"])
def test_late_labels_give_the_pairs_of_labels_in_the_input(case: str) -> None:
    """An exact area is ranked over the same scores and truths."""
    bound, outputs, labels = CASES[case]
    part = part_batch(np.arange(ROWS), pa.RecordBatch.from_arrays([labels], names=["c.t"]), outputs, bound)
    assert bound.prediction is not None
    texts = label_texts(labels, LabelForm.of(bound.prediction))
    for mine, theirs in zip(late_pairs(part, texts, bound, bound.prediction), labelled_pairs(part, bound), strict=True):
        assert np.array_equal(mine, theirs)


@pytest.mark.parametrize("case", CASES)
def test_outputs_come_back_from_a_part_as_they_were(case: str) -> None:
    """Values, types, shapes and the order in memory: sums over rows depend on it."""
    bound, outputs, labels = CASES[case]
    part = part_batch(np.arange(ROWS), pa.RecordBatch.from_arrays([labels], names=["c.t"]), outputs, bound)
    for name, values in outputs_of(part, bound.outputs).items():
        assert (outputs[name].dtype, outputs[name].shape) == (values.dtype, values.shape)
        assert values.flags.c_contiguous
        assert np.array_equal(outputs[name], values)


@pytest.mark.parametrize(
    ("labels", "texts"),
    [
        (pa.array([None, "", "  ", " a "]), [None, None, None, "a"]),
        (pa.array([1.5, float("nan"), None]), ["1.5", None, None]),
        (pa.array([True, None, False]), ["1", None, "0"]),
        (pa.nulls(2), [None, None]),
    ],
)
def test_what_is_no_label_is_null(labels: pa.Array, texts: list[str | None]) -> None:
    """Blank texts and NaN are the absence of a label, not one that no class bears."""
    form = LabelForm.of(Prediction(task=Task.BINARY, probability_output="p", classes=("0", "1")))
    assert texts == label_texts(labels, form).to_pylist()
