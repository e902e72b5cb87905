"""A line of blocks for a series of numbers, in letters where the terminal has no blocks."""

from collections.abc import Mapping, Sequence

from scoring.cli.output import can_print, cell

BLOCKS = "▁▂▃▄▅▆▇█"
LETTERS = "_.-:=+*#"
_ABSENT = " "


def chart(series: Mapping[str, Sequence[float | None]], width: int) -> list[str]:
    """One line per series: its name, the last values that fit into `width`, and its lowest, highest and last value.

    Each line has a scale of its own. A value that is None leaves a gap; a series without a value has no line.
    """
    levels = BLOCKS if can_print(BLOCKS) else LETTERS
    names = max(map(len, series), default=0)
    lines = []
    for name, values in series.items():
        known = [value for value in values if value is not None]
        if not known:
            continue
        facts = f"lowest {cell(min(known))}  highest {cell(max(known))}  last {cell(known[-1])}"
        room = max(1, width - names - len(facts) - 4)
        lines.append(f"{name.ljust(names)}  {_bars(values[-room:], known, levels)}  {facts}")
    return lines


def _bars(values: Sequence[float | None], known: Sequence[float], levels: str) -> str:
    low, span = min(known), max(known) - min(known)
    top = len(levels) - 1
    # A series that does not move lies in the middle.
    steps = (None if value is None else round((value - low) / span * top) if span else top // 2 for value in values)
    return "".join(_ABSENT if step is None else levels[step] for step in steps)
