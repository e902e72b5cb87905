"""Log-loss per row, and whether there are probabilities to take it of."""

import numpy as np
from numpy.typing import NDArray

from scoring.core.accuracy.auc import Floats

NO_PROBABILITY = "the model's scores lie outside 0 to 1: they are no probabilities"


def are_probabilities(scores: Floats) -> bool:
    """True where all scores lie within 0 and 1: margins and distances can be ranked, but have no log-loss."""
    # A softmax in 32 bits may end a rounding error above 1.
    slack = 4 * np.finfo(scores.dtype).eps
    return bool(((scores >= -slack) & (scores <= 1 + slack)).all())


def log_losses(labels: NDArray[np.int64], probability: Floats) -> NDArray[np.float64]:
    """−ln P(true class), float64 [n].

    labels: int64 [n], class codes; probability: float [n] of class 1, or [n, K].
    Clipped as scikit-learn does: to [eps, 1 − eps] of the probabilities' own type, so that a certain and wrong float32
    costs 15.9 and not 36.
    """
    epsilon = np.finfo(probability.dtype).eps
    certain = np.clip(probability, epsilon, 1 - epsilon)
    if certain.ndim == 1:
        # 1 − P in 64 bits: in 32 it would lose the digits that a small P has.
        wide = certain.astype(np.float64)
        of_truth = np.where(labels == 1, wide, 1 - wide)
    else:
        of_truth = np.take_along_axis(certain, labels[:, None], axis=1)[:, 0].astype(np.float64)
    losses: NDArray[np.float64] = -np.log(of_truth)
    return losses
