"""The list of a campaign: what befalls whom and when, all of it drawn from one seed before anything runs."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from scoring.failpoints import POINTS

GAP_SECONDS = (0.4, 2.4)
STAY_SECONDS = (0.2, 5.0)
"""How long what passes by itself stays: up to two and a half leases."""

ACTIONS = ("kill", "segv", "term", "quit", "raise", "raise:memory", "raise:disk", "pause:1", "pause:5")


@dataclass(frozen=True, kw_only=True)
class Act:
    """One fault of the list."""

    # Seconds after the begin.
    at: float
    fault: str
    # Which of those that are there: a share from 0 to 1.
    target: float
    # Seconds that it stays, where it passes by itself.
    stay: float
    # A term of SCORING_FAILPOINTS, for a process that is replaced.
    failpoint: str


def draw(seed: int, count: int, weights: Mapping[str, int]) -> list[Act]:
    """The same list for the same arguments. weights: how often each fault is drawn."""
    dice = random.Random(seed)
    acts: list[Act] = []
    at = 0.0
    for _ in range(count):
        at += dice.uniform(*GAP_SECONDS)
        acts.append(
            Act(
                at=at,
                fault=dice.choices(list(weights), list(weights.values()))[0],
                target=dice.random(),
                # Most are short, some outlast a lease.
                stay=STAY_SECONDS[0] + (STAY_SECONDS[1] - STAY_SECONDS[0]) * dice.random() ** 2,
                failpoint=f"{dice.choice(list(POINTS))}@{dice.randint(1, 4)}={dice.choice(ACTIONS)}",
            )
        )
    return acts
