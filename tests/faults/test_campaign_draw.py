"""A campaign can be repeated."""

from tests.faults.campaign_draw import draw
from tests.faults.campaign_faults import FAULTS

WEIGHTS = {name: weight for name, (weight, _) in FAULTS.items()}


def test_a_seed_gives_its_list_again() -> None:
    """The same faults at the same moments on the same targets; another seed gives others."""
    assert draw(7, 300, WEIGHTS) == draw(7, 300, WEIGHTS)
    assert draw(7, 300, WEIGHTS) != draw(8, 300, WEIGHTS)


def test_a_campaign_leaves_out_no_kind_of_fault() -> None:
    """With as many as `make campaign` draws, each kind comes."""
    assert set(FAULTS) == {act.fault for act in draw(3, 320, WEIGHTS)}
