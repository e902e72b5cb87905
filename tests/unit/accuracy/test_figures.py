"""What is NULL and why, what is covered, and what a merge keeps."""

import numpy as np
import pytest

from scoring.core.accuracy.figure import Figure
from scoring.core.accuracy.labels import Labels, canonical, match
from scoring.core.accuracy.measure import Observed, measure
from scoring.core.accuracy.sums import Sums, exact_auc, figures, from_bytes, merge, to_bytes
from scoring.core.binding import Prediction, Task

BINARY = Prediction(task=Task.BINARY, label_output="label", probability_output="p", classes=("no", "yes"))
LABELLED = Prediction(task=Task.MULTICLASS, label_output="label")
NUMBER = Prediction(task=Task.REGRESSION, label_output="y")


def labels(*names: str) -> Labels:
    distinct = sorted({name for name in names if name})
    codes = np.array([distinct.index(name) if name else -1 for name in names], np.int64)
    return Labels(codes=codes, names=tuple(distinct))


def binary(truth: Labels, scores: list[float], threshold: float = 0.5) -> Sums:
    return measure(BINARY, threshold, Observed(labels=truth, probability=np.array(scores, np.float32)))


def number(truth: list[float], value: list[float]) -> Sums:
    return measure(NUMBER, 0.5, Observed(truth=np.array(truth), value=np.array(value)))


def named(sums: Sums, rows: int) -> dict[str, Figure]:
    return {figure.metric: figure for figure in figures(sums, rows)}


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("1.0", "1"),  # the CSV of a float column
        ("1.", "1"),
        ("-3.000", "-3"),
        (" yes ", "yes"),  # blanks after the comma
        ("1.5", "1.5"),
        ("01", "01"),  # a code, not a number
        ("1.0.0", "1.0.0"),
        (">50K", ">50K"),
    ],
)
def test_labels_are_compared_as_trimmed_text(written, compared):
    """Blanks go, a whole number loses its zeros, and nothing else is touched."""
    assert compared == canonical(written)


def test_a_label_finds_its_class_however_either_is_written():
    """1.0 in the file is class 1, and class 1.0 is label 1."""
    found = match(labels("1.0", " 0", ""), ("0", "1.0"))
    assert [1, 0, -1] == found.codes.tolist()


def test_an_unknown_class_is_not_covered():
    """A label that the model does not know counts for no metric and lowers the coverage."""
    figure = named(binary(labels("yes", "no", "maybe", ""), [0.9, 0.1, 0.9, 0.9]), 4)["accuracy"]
    assert (1.0, 2, 0.5) == (figure.value, figure.rows, figure.coverage)


def test_strangers_alone_are_named():
    """Where no label is a class, every metric is NULL and the reason shows both vocabularies."""
    reasons = {figure.reason for figure in figures(binary(labels("ja", "nein"), [0.9, 0.1]), 2)}
    assert reasons == {"no label is a class of the model: classes no, yes; labels such as ja, nein"}


@pytest.mark.parametrize(
    ("truth", "scores", "metric", "reason"),
    [
        (("yes", "no"), [0.1, 0.2], "precision", "no row was predicted positive"),
        (("no", "no"), [0.1, 0.9], "recall", "no label is positive"),
        (("no", "no"), [0.1, 0.2], "f1", "no row is positive, by label or by prediction"),
        (("yes", "yes"), [0.1, 0.9], "roc_auc", "all labels are of one class"),
        (("", ""), [0.1, 0.9], "accuracy", "no scored row has a label"),
        (("yes",), [float("nan")], "brier", "no scored row has a label"),
    ],
)
def test_what_cannot_be_computed_is_null_with_its_reason(truth, scores, metric, reason):
    """Where a formula divides by nothing there is no value, and one sentence says why."""
    figure = named(binary(labels(*truth), scores), len(truth))[metric]
    assert (None, reason) == (figure.value, figure.reason)


def test_labels_alone_give_no_losses():
    """A model without probabilities has accuracy, and a reason in place of log_loss."""
    sums = measure(BINARY, 0.5, Observed(labels=labels("yes", "no"), predicted=labels("yes", "yes")))
    found = named(sums, 2)
    assert 0.5 == found["accuracy"].value
    assert {"the model gives no probability"} == {found[m].reason for m in ("roc_auc", "log_loss", "brier")}


def test_margins_are_ranked_but_have_no_losses():
    """Scores outside 0 to 1 have a roc_auc, and a reason in place of log_loss; one chunk of them is enough."""
    margins = binary(labels("yes", "no"), [3.0, -2.0])
    for sums in (margins, merge(margins, binary(labels("yes", "no"), [0.9, 0.1]))):
        found = named(sums, 4)
        assert found["roc_auc"].value == 1
        assert {"the model's scores lie outside 0 to 1: they are no probabilities"} == {
            found[metric].reason for metric in ("log_loss", "brier")
        }


def test_a_rounding_error_above_one_is_still_a_probability():
    """The largest float32 that a softmax may end at is clipped, not refused."""
    assert named(binary(labels("yes", "no"), [1.0000001, 0.2]), 2)["log_loss"].value is not None


def test_scores_of_many_classes_need_not_be_probabilities():
    """Distances have a best and a third best class, but no log-loss."""
    prediction = Prediction(task=Task.MULTICLASS, probability_output="p", classes=("a", "b"))
    sums = measure(prediction, 0.5, Observed(labels=labels("a", "b"), probability=np.array([[4.0, 1.0], [0.0, -1.0]])))
    found = named(sums, 2)
    assert (0.5, 1.0, None) == tuple(found[metric].value for metric in ("accuracy", "top3_accuracy", "log_loss"))


@pytest.mark.parametrize(("threshold", "accuracy"), [(0.5, 0.5), (0.7, 1.0), (0.70001, 0.5)])
def test_a_row_at_the_threshold_is_positive(threshold, accuracy):
    """Predicted = P ≥ threshold, compared in the type of P."""
    figure = named(binary(labels("yes", "no"), [0.7, 0.6], threshold), 2)["accuracy"]
    assert accuracy == figure.value


def test_classes_that_the_model_does_not_tell_are_those_seen():
    """With predicted labels alone every label is covered, and macro F1 runs over all that occur."""
    sums = measure(LABELLED, 0.5, Observed(labels=labels("a", "b", "c"), predicted=labels("a", "a", "d")))
    found = named(sums, 3)
    assert found["accuracy"].value == pytest.approx(1 / 3)
    assert found["macro_f1"].value == pytest.approx((2 / 3) / 4)
    assert ["a", "b", "c", "d"] == found["confusion_matrix"].detail["labels"]
    assert "the model gives no probabilities" == found["top3_accuracy"].reason


@pytest.mark.parametrize(
    ("truth", "value", "metric", "reason"),
    [
        ([0.0, 1.0], [1.0, 1.0], "mape", "the truth is 0 in 1 rows: nothing to divide by"),
        ([2.0, 2.0], [1.0, 3.0], "r2", "the truth does not vary"),
        ([float("nan")], [1.0], "mae", "no scored row has a label that is a number"),
        ([1e200, -1e200], [-1e200, 1e200], "rmse", "the sums left the range of a 64-bit number"),
    ],
)
def test_a_regression_figure_without_a_value_says_why(truth, value, metric, reason):
    """NULL, never NaN, never infinity."""
    figure = named(number(truth, value), len(truth))[metric]
    assert (None, reason) == (figure.value, figure.reason)


def test_of_many_rows_the_area_is_ranked_only_where_the_bins_are_too_coarse():
    """Above a million rows a narrow bound never begins to read them again."""

    def untouched():
        raise AssertionError("read the parts again")
        yield

    rng = np.random.default_rng(3)
    scores = rng.random(1_000_001).astype(np.float32)
    truth = Labels(codes=(rng.random(1_000_001) < scores).astype(np.int64), names=("no", "yes"))
    sums = merge(measure(BINARY, 0.5, Observed(labels=truth, probability=scores)), binary(labels("yes"), [0.5]))
    assert exact_auc(sums, untouched()) is sums


def test_a_job_of_one_small_chunk_has_its_exact_area():
    """Two scores that share a bin are told apart, without a second look at the rows."""
    auc = named(binary(labels("no", "yes"), [0.7, 0.7000001]), 2)["roc_auc"]
    assert (1.0, 0.0) == (auc.value, auc.bound)


def test_merged_areas_forget_the_ranks_of_their_chunks():
    """Two chunks that were ranked exactly need not be so together: the bound comes back."""
    half = binary(labels("yes", "no"), [0.5, 0.5])
    assert 0 == named(half, 2)["roc_auc"].bound
    assert 0.5 == named(merge(half, half), 4)["roc_auc"].bound


@pytest.mark.parametrize(
    "sums",
    [
        binary(labels("yes", "no", "ja"), [0.9, 0.3, 0.2]),
        binary(labels(), []),
        measure(BINARY, 0.5, Observed(labels=labels("yes"), predicted=labels("yes"))),
        measure(LABELLED, 0.5, Observed(labels=labels("a", "b"), predicted=labels("a", "a"))),
        number([1.0, 2.0], [1.5, 2.5]),
        number([], []),
    ],
    ids=["binary", "no rows", "no probability", "multiclass", "regression", "no numbers"],
)
def test_sums_come_back_from_bytes_as_they_were(sums):
    """What is stored in the ledger gives the same figures to the last bit, and adds nothing to others."""
    again = from_bytes(to_bytes(sums))
    assert figures(sums, 3) == figures(again, 3)
    assert figures(merge(sums, sums), 6) == figures(merge(again, again), 6)


def test_a_chunk_without_rows_changes_nothing():
    """Merging with the sums of an empty chunk leaves every figure as it was."""
    some = binary(labels("yes", "no"), [0.9, 0.3])
    merged = named(merge(binary(labels(), []), some), 2)
    assert {name: figure.value for name, figure in named(some, 2).items()} == {
        name: figure.value for name, figure in merged.items()
    }


def test_sums_of_two_tasks_do_not_merge():
    """A mix-up is an error at once, not a strange figure."""
    with pytest.raises(ValueError, match="one task"):
        merge(number([1.0], [1.0]), binary(labels("yes"), [0.5]))
