"""The area under the ROC curve: its bins, its bound, its ranks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.core.accuracy.auc import Bins, ranked
from scoring.core.errors import AccountingBroken


def by_pairs(scores, positive):
    """The definition: the share of pairs that the score puts in the right order, a tie counting one half."""
    higher, lower = scores[positive][:, None], scores[~positive][None, :]
    return ((higher > lower) + 0.5 * (higher == lower)).mean()


rows = st.lists(st.tuples(st.floats(-2, 3, width=32), st.booleans()), min_size=2, max_size=60).filter(
    lambda pairs: len({side for _, side in pairs}) == 2
)


@given(rows)
@settings(max_examples=200, deadline=None)
def test_the_true_area_lies_within_the_bound(pairs):
    """Whatever the scores, outside 0 to 1 too, the binned area is off by no more than the bound beside it."""
    scores = np.array([score for score, _ in pairs], np.float32)
    positive = np.array([side for _, side in pairs])
    area = Bins.of(scores, positive).area()
    assert abs(by_pairs(scores, positive) - area.value) <= area.bound + 1e-12


@given(rows, st.integers(1, 5))
@settings(max_examples=200, deadline=None)
def test_ranked_scores_give_the_true_area(pairs, batches):
    """Ranking the bins that hold both classes leaves no error, however the rows come in."""
    scores = np.array([score for score, _ in pairs], np.float32)
    positive = np.array([side for _, side in pairs])
    parts = [(scores[i::batches], positive[i::batches]) for i in range(batches)]
    area = ranked(Bins.of(scores, positive), parts)
    assert by_pairs(scores, positive) == pytest.approx(area.value, abs=1e-12)
    assert area.bound == 0


def test_bins_merge_to_those_of_all_rows():
    """Bins of two halves merged are the bins of the whole."""
    rng = np.random.default_rng(1)
    scores, positive = rng.random(1000).astype(np.float32), rng.random(1000) < 0.3
    whole = Bins.of(scores, positive)
    merged = Bins.of(scores[:400], positive[:400]).merged(Bins.of(scores[400:], positive[400:]))
    assert (whole.keys.tolist(), whole.positive.tolist(), whole.negative.tolist()) == (
        merged.keys.tolist(),
        merged.positive.tolist(),
        merged.negative.tolist(),
    )


@pytest.mark.parametrize(
    ("shift", "reason"), [(-9.0, "rare events crowd at 0"), (9.0, "frequent ones at 1"), (0.0, "spread evenly")]
)
def test_the_bound_is_narrow_at_both_ends(shift, reason):
    """Bins of relative width keep the bound below 0.001 where equal widths would lump all rows together."""
    rng = np.random.default_rng(2)
    logits = rng.normal(shift, 3, 50_000)
    positive = rng.random(50_000) < 1 / (1 + np.exp(-logits))
    area = Bins.of(1 / (1 + np.exp(-logits)), positive).area()
    assert area.bound < 0.001, reason


def test_minus_zero_ranks_with_zero():
    """−0 and 0 are one score."""
    positive = np.array([True, False])
    assert len(Bins.of(np.array([-0.0, 0.0]), positive).keys) == 1


def test_other_rows_than_measured_are_refused():
    """Part files that were changed since are told, not ranked."""
    scores, positive = np.array([0.5, 0.5, 0.1]), np.array([True, False, False])
    with pytest.raises(AccountingBroken, match="read again"):
        ranked(Bins.of(scores, positive), [(scores[:1], positive[:1])])
