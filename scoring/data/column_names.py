"""Are the columns of a file those that a job needs, and no more than any table has?"""

from collections import Counter
from collections.abc import Sequence

from scoring.core.columns import ColumnSpec
from scoring.core.errors import InputRefused
from scoring.core.limits import MAX_COLUMNS


def check_width(path: str, columns: int) -> None:
    """Raises InputRefused for a file of more columns than any table has."""
    if columns > MAX_COLUMNS:
        raise InputRefused(
            f"{path} is too wide",
            expected=f"at most {MAX_COLUMNS:,} columns",
            got=f"{columns:,}",
            remedy="export fewer columns, or vectors as lists",
        )


def check_columns(path: str, names: Sequence[str], columns: Sequence[ColumnSpec], delimiter: str) -> None:
    """Raises InputRefused where a needed column is missing (all of them named) or stands twice."""
    counts = Counter(names)
    needed = list(dict.fromkeys(spec.name for spec in columns))
    missing = [name for name in needed if not counts[name]]
    if missing:
        raise InputRefused(
            f"{path} lacks columns that the model or the options need",
            expected=", ".join(missing),
            got=", ".join(names[:20]) + (", …" if len(names) > 20 else ""),
            remedy=_hint(missing, names, delimiter),
        )
    twice = [name for name in needed if counts[name] > 1]
    if twice:
        raise InputRefused(
            f"{path} has columns of the same name",
            expected="each once",
            got=", ".join(twice),
            remedy="rename one of them",
        )


def _hint(missing: Sequence[str], names: Sequence[str], delimiter: str) -> str:
    for other in (";", "\t", "|", ","):
        if len(names) == 1 and other != delimiter and other in names[0]:
            return f"the header holds {other!r}: say --delimiter {'tab' if other == chr(9) else repr(other)}"
    tidy = {name.strip().lower(): name for name in names}
    near = [(name, tidy[name.strip().lower()]) for name in missing if name.strip().lower() in tidy]
    if near:
        pairs = ", ".join(f"{wanted!r} and {found!r}" for wanted, found in near)
        return f"names must match exactly; only blanks or case differ between {pairs}"
    return "add the columns, or name them in model.yaml"
