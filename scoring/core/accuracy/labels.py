"""Labels as codes, and how a label in a file is found to be a class of the model."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_WHOLE_NUMBER = re.compile(r"([+-]?\d+)\.0*")
STRANGERS = 3
STRANGER_CHARACTERS = 40


@dataclass(frozen=True, kw_only=True)
class Labels:
    """A column of labels: one code per row, one name per distinct label."""

    # int64 [n]: position in `names`; −1 where the row has no label.
    codes: NDArray[np.int64]
    names: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Matched:
    """Labels in the model's own codes."""

    # int64 [n]: position in the classes; −1 where there is no label, or one that the model does not know.
    codes: NDArray[np.int64]
    # Some labels that the model does not know, for the message.
    strangers: tuple[str, ...]


def canonical(text: str) -> str:
    """Labels and classes are compared as text after trimming, and ``1.0`` is ``1``."""
    trimmed = text.strip()
    whole = _WHOLE_NUMBER.fullmatch(trimmed)
    return whole[1] if whole else trimmed


def match(labels: Labels, classes: Sequence[str]) -> Matched:
    """Find each label among the classes; works on the distinct names only."""
    position = {canonical(name): code for code, name in enumerate(classes)}
    names = [canonical(name) for name in labels.names]
    # One more entry at the end: code −1 picks it, and stays −1.
    table = np.array([position.get(name, -1) for name in names] + [-1], np.int64)
    unknown = [code for code, name in enumerate(names) if name and name not in position]
    # A dictionary may hold names that no row bears.
    present = np.isin(np.array(unknown, np.int64), labels.codes)
    strangers = (names[code] for code, found in zip(unknown, present, strict=True) if found)
    return Matched(codes=table[labels.codes], strangers=few(strangers))


def few(names: Iterable[str]) -> tuple[str, ...]:
    """The first of them in alphabetical order, cut: the same whatever order the chunks came in."""
    return tuple(sorted({name[:STRANGER_CHARACTERS] for name in names})[:STRANGERS])


def no_rows(classes: Sequence[str], strangers: Sequence[str]) -> str:
    """Why nothing could be measured."""
    if not strangers:
        return "no scored row has a label"
    known = ", ".join(classes[:10]) + (", …" if len(classes) > 10 else "")
    return f"no label is a class of the model: classes {known}; labels such as {', '.join(strangers)}"
