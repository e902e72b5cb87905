"""Failpoints: each place is in the code once, and the setting says exactly what it does."""

import re
from pathlib import Path

import pytest

from scoring.failpoints import POINTS, Failpoint, Failure, arm, parse, reach

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _disarmed() -> None:
    arm(())


def test_every_point_is_reached_at_one_place() -> None:
    """A name without a place, or a place without a name, would be a test of nothing."""
    sources = [path for room in ("scoring", "workers") for path in (ROOT / room).rglob("*.py")]
    reached = [name for path in sources for name in re.findall(r'\breach\("([^"]+)"', path.read_text("utf-8"))]
    assert sorted(POINTS) == sorted(reached)


def test_a_term_reads_back_whole() -> None:
    """Every part of a term has its place."""
    expected = Failpoint(
        point="score.read",
        chunk=3,
        count=2,
        action="hold",
        argument="there/x",
        once=Path("there/once"),
    )
    assert (expected,) == parse(" score.read#3@2=hold:there/x!there/once ; ")


@pytest.mark.parametrize(
    "term",
    [
        "score.red=kill",
        "score.read",
        "score.read=explode",
        "score.read=pause:long",
        "score.read=kill:9",
        "score.read=hold",
    ],
)
def test_a_wrong_term_is_refused(term: str) -> None:
    """A fault that never comes would prove nothing."""
    with pytest.raises(ValueError, match=re.escape(term)):
        parse(f"claim.commit=kill;{term}")


def test_only_what_is_meant_is_struck(tmp_path: Path) -> None:
    """The second time, for chunk 1, for the first process that comes."""
    arm(parse(f"score.read#1@2=raise!{tmp_path / 'once'}"))
    reach("score.read", 2)
    reach("score.read", 1)
    with pytest.raises(Failure):
        reach("score.read", 1)
    arm(parse(f"score.read=raise!{tmp_path / 'once'}"))
    reach("score.read", 1)


@pytest.mark.parametrize(("argument", "error"), [("", Failure), (":memory", MemoryError), (":disk", OSError)])
def test_each_error_is_its_own(argument: str, error: type[Exception]) -> None:
    """What is raised is what the real fault raises."""
    arm(parse(f"score.read=raise{argument}"))
    with pytest.raises(error):
        reach("score.read")
