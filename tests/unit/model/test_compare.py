"""Whether answers are those that were expected."""

from typing import Any

import pyarrow as pa
import pytest

from scoring.core.binding import Layout, OutputBinding
from scoring.core.columns import Dtype
from scoring.core.errors import InputRefused
from scoring.model.compare import compare
from scoring.model.expected import find_expected, refuse_strays, typed

NAN, INF = float("nan"), float("inf")


def output(dtype: Dtype = Dtype.FLOAT32, width: int = 1) -> OutputBinding:
    layout = Layout.SCALAR if width == 1 else Layout.LIST
    return OutputBinding(output="score", dtype=dtype, layout=layout, columns=("score",), width=width)


@pytest.mark.parametrize(
    ("got", "expected", "tolerance", "passed", "largest"),
    [
        (0.5, 0.5, 0.0, True, 0.0),
        (0.5, 0.75, 0.25, True, 0.25),  # exactly the tolerance is allowed
        (0.5, 0.75, 0.24, False, 0.25),
        (1000.0, 1000.5, 0.001, True, 0.5),  # relative to what is large
        (0.0, 0.002, 0.001, False, 0.002),  # absolute below 1
        (NAN, NAN, 0.0, True, 0.0),
        (NAN, None, 0.0, True, 0.0),
        (NAN, 0.5, 1.0, False, None),
        (0.5, None, 1.0, False, None),
        (INF, INF, 0.0, True, 0.0),
        (INF, -INF, 1.0, False, None),
        (0.5, INF, 1.0, False, None),
        (3.0e38, -3.0e38, 1.0, False, 6.0e38),
    ],
)
def test_floats_may_differ_by_the_tolerance(
    got: float, expected: float | None, tolerance: float, passed: bool, largest: float | None
) -> None:
    """|got − expected| ≤ T · max(1, |expected|); NaN, and null for it, equals NaN alone."""
    found = compare({"score": pa.array([got], pa.float32())}, {"score": pa.array([expected], pa.float64())}, tolerance)
    assert passed is found.passed
    assert (None if largest is None else pytest.approx(largest, rel=1e-6)) == found.max_difference


@pytest.mark.parametrize(
    ("got", "expected", "passed"),
    [
        (pa.array([2, 3]), pa.array([2, 3]), True),
        (pa.array([2, 3]), pa.array([2, 4]), False),
        (pa.array([2**53]), pa.array([2**53 + 1]), False),
        (pa.array([2**64 - 1], pa.uint64()), pa.array([2**64 - 1], pa.uint64()), True),
        (pa.array(["a", "b"]), pa.array(["a", "B"]), False),
        (pa.array(["a", "a"]).dictionary_encode(), pa.array(["a", "a"]), True),
        (pa.array([True]), pa.array([False]), False),
        (pa.array([True]), pa.array([None], pa.bool_()), False),
    ],
)
def test_all_else_must_be_equal(got: pa.Array, expected: pa.Array, passed: bool) -> None:
    """Whatever the tolerance."""
    assert passed is compare({"score": got}, {"score": expected}, 1.0).passed


def test_the_worst_answer_is_named() -> None:
    """By what the tolerance allows it, over all columns; in lists with its place."""
    lists = [pa.FixedSizeListArray.from_arrays(pa.array(values), 2) for values in ([1.0, 2, 3, 4], [1.0, 2, 3, 4.5])]
    got = {"score": pa.array([100.0, 1.0]), "embedding": lists[0]}
    found = compare(got, {"score": pa.array([101.0, 1.0]), "embedding": lists[1]}, 0.2)
    assert found.worst is not None
    assert (1, "embedding[1]", "4.5", "4", 0.5) == (
        found.worst.row,
        found.worst.column,
        found.worst.expected,
        found.worst.got,
        found.worst.difference,
    )
    assert (1.0, 0) == (found.max_difference, found.rows_beyond)
    assert 1 == compare({"score": got["score"]}, {"score": pa.array([101.0, 1.0])}, 0.001).rows_beyond


def test_of_answers_that_are_allowed_no_difference_the_farthest_off_is_the_worst() -> None:
    """Any is infinitely too much then, in one column and over several; one that is no number is the farthest."""
    got = {"a": pa.array([0.0, 0.0, 0.0]), "n": pa.array([0, 0, 0])}
    near, far = pa.array([0.1, 0.3, 0.2]), pa.array([0, 0, 7])
    alone = compare(got, {"a": near}, 0.0).worst
    both = compare(got, {"a": near, "n": far}, 0.0).worst
    lost = compare(got, {"a": pa.array([0.1, 0.3, NAN]), "n": far}, 0.0).worst
    assert [(1, "a"), (2, "n"), (2, "a")] == [(worst.row, worst.column) for worst in (alone, both, lost) if worst]


@pytest.mark.parametrize(
    ("cells", "wanted", "values"),
    [
        (pa.array(["0.1", " 2 ", "", "NaN", "-inf"]), output(Dtype.FLOAT32), [0.1, 2.0, None, None, -INF]),
        (pa.array([1, None], pa.int32()), output(Dtype.FLOAT64), [1.0, None]),
        (pa.array(["1", "2.0", ""]), output(Dtype.INT64), [1, 2, None]),
        (pa.array([1.0, 2.0]), output(Dtype.INT32), [1, 2]),
        (pa.array([str(2**64 - 1)]), output(Dtype.UINT64), [2**64 - 1]),
        (pa.array(["true", "0"]), output(Dtype.BOOL), [True, False]),
        (pa.array([1, 0]), output(Dtype.BOOL), [True, False]),
        (pa.array([7, 8]), output(Dtype.STRING), ["7", "8"]),
        (pa.array(["", "x"]), output(Dtype.STRING), ["", "x"]),
        (pa.array(["[1, [2.5, null]]"]), output(width=3), [[1.0, 2.5, None]]),
        (pa.array([[[1, 2], [3, 4]]]), output(width=4), [[1.0, 2.0, 3.0, 4.0]]),
    ],
)
def test_answers_are_typed_by_the_output(cells: pa.Array, wanted: OutputBinding, values: list[Any]) -> None:
    """CSV and JSON write them as text, Parquet in types of its own."""
    assert values == typed(cells, wanted, "score").to_pylist()


@pytest.mark.parametrize(
    ("cells", "wanted", "said"),
    [
        (pa.array(["1", "high"]), output(), "in row 2; expected a number; got 'high'"),
        (pa.array(["1.5"]), output(Dtype.INT64), "in row 1; expected a whole number; got '1.5'"),
        (pa.array([2]), output(Dtype.BOOL), "in row 1; expected true or false; got 2"),
        (pa.array(["[1, 2"]), output(width=2), "expected a list of values"),
        (pa.array(["[1, 2]"]), output(width=3), "expected 3 values in each row"),
    ],
)
def test_what_is_no_answer_is_refused(cells: pa.Array, wanted: OutputBinding, said: str) -> None:
    """The first bad row is named, with what stands there."""
    with pytest.raises(InputRefused, match="answer") as refused:
        typed(cells, wanted, "score")
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        (["age", "score"], "score"),
        (["age", "expected_score"], "expected_score"),
        (["age", "score", "expected_score"], "expected_score"),
        (["score", "expected_score"], "expected_score"),
    ],
)
def test_answers_are_found_by_the_name_of_the_result(columns: list[str], found: str) -> None:
    """With `expected_` before it that column is meant, whatever else is there."""
    assert found == find_expected([output()], columns, frozenset({"age"}))["score"][1]


def test_a_feature_is_no_answer() -> None:
    """A column that the model takes under this name says nothing of the output that bears it."""
    with pytest.raises(InputRefused, match="what to expect"):
        find_expected([output()], ["score"], frozenset({"score"}))


PROBABILITIES = OutputBinding(
    output="prob", dtype=Dtype.FLOAT32, layout=Layout.WIDE, columns=("prob_no", "s<=50K"), width=2
)


@pytest.mark.parametrize(
    ("idle", "said"),
    [
        ("expected_scor", "did you mean 'score'?"),
        ("expected_age", "correct the names"),
        ("scores", "did you mean 'score'?"),
        ("prob_2", "did you mean 'prob_no'?"),
        ("prob_<=50K", "did you mean 's<=50K'?"),  # what `rename` has made `s<=50K` of
        ("prob", "did you mean 'prob_no'?"),
    ],
)
def test_answers_to_no_output_are_refused(idle: str, said: str) -> None:
    """A column that feeds nothing, called as answers are, is never passed over."""
    with pytest.raises(
        InputRefused, match=f"no result column .*: '{idle}'; expected answers under the names"
    ) as refused:
        refuse_strays([output(), PROBABILITIES], {}, ["id", idle])
    assert said in str(refused.value.remedy)


def test_columns_of_other_names_are_no_answers() -> None:
    """Nor is one like a result column that has its answers."""
    refuse_strays([output(), PROBABILITIES], {"score"}, ["id", "score", "score_1", "scored_at", "probable", "s"])
