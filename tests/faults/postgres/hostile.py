"""A prepare function whose errors no database and no terminal takes as they are; the worker alone is told to raise."""

import itertools
import os
from typing import Any

TEXTS = ("a NUL \0 in the middle", "half a pair \ud800 of surrogates", "ten megabytes " + "x" * 10_000_000)
ASKED_FOR = "HOSTILE_PREPARE"

_texts = itertools.cycle(TEXTS)


def prepare(frame: Any) -> Any:
    if ASKED_FOR in os.environ:
        raise ValueError(next(_texts))
    return frame
