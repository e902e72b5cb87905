"""Sentences about columns that are not there."""

import difflib
from collections.abc import Iterable, Sequence

from scoring.core.errors import InputRefused
from scoring.core.source import SourceSchema

SHOWN = 12


def require_columns(names: Iterable[str], source: SourceSchema, *, what: str) -> None:
    """InputRefused naming all of `names` that the input lacks, with a hint for each that has a near neighbour."""
    missing = [name for name in dict.fromkeys(names) if source.column(name) is None]
    if missing:
        raise InputRefused(
            f"the input lacks {what}: {listed(missing)}",
            expected=f"{'columns' if len(missing) > 1 else 'a column'} of exactly that name",
            got=f"columns {listed([column.name for column in source.columns])}",
            remedy=_remedy(missing, source),
        )


def listed(names: Sequence[str]) -> str:
    """Names in quotes, the first dozen of them."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(repr(name) for name in names[:SHOWN]) + more


def delimiter_hint(names: Sequence[str]) -> str:
    """What to do where all columns of a file stand in one; "" where they do not seem to."""
    only = names[0] if len(names) == 1 else ""
    sign = next((sign for sign in (";", "\t", "|", ",") if sign in only), None)
    return "" if sign is None else f"the file seems to be delimited by {sign!r}: give --delimiter {sign!r}"


def _remedy(missing: Sequence[str], source: SourceSchema) -> str:
    names = [column.name for column in source.columns]
    if delimiter := delimiter_hint(names):
        return delimiter
    hints = (_hint(name, names) for name in missing[:SHOWN])
    return "; ".join(hint for hint in hints if hint) or "check the input, or map the columns in model.yaml"


def _hint(name: str, present: Sequence[str]) -> str:
    plain = {_plain(other): other for other in present}
    if _plain(name) in plain:
        return f"{plain[_plain(name)]!r} differs from {name!r} only in blanks, case or punctuation"
    near = difflib.get_close_matches(name, present, n=1)
    return f"did you mean {near[0]!r} for {name!r}?" if near else ""


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())
