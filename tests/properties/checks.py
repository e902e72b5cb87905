"""What was scored and rejected, held against the verdicts on the rows."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tests.properties.linear import DTYPES, answers
from tests.properties.tables import Row
from tests.properties.verdicts import SILENT, Reject, Verdict, after_null_rule
from tests.rooms import Scored


def check_rows(rows: Sequence[Row], nulls: str, scored: Scored) -> None:
    """Each row is one of the two; it is rejected for one of its faults, or its scores are those of its values."""
    results = {row["_row"]: row for row in scored.table.to_pylist()}
    rejects = {row["_row"]: row for row in scored.rejects}
    assert list(range(len(rows))) == sorted([*results, *rejects])
    for number, row in enumerate(rows):
        cells = {name: after_null_rule(row.cells[name], dtype, nulls) for name, dtype in DTYPES.items()}
        if number in rejects:
            _check_reject(rejects[number], row, cells)
        else:
            _check_scored(results[number], row, cells)


def rows_from(scored: Scored, first: int) -> tuple[list[str], list[dict[str, Any]]]:
    """Results and rejects of the rows from `first` on; as text, where NaN equals itself."""
    rows = [repr(row) for row in scored.table.to_pylist() if row["_row"] >= first]
    return rows, [reject for reject in scored.rejects if reject["_row"] >= first]


def _check_reject(reject: Mapping[str, Any], row: Row, cells: Mapping[str, Verdict]) -> None:
    verdict = cells.get(reject["column"])
    of_its_cell = verdict is SILENT or verdict == Reject(reject["code"])
    assert of_its_cell or reject["code"] in row.codes, (reject, cells)
    assert row.line in (None, reject["line"])


def _check_scored(result: Mapping[str, Any], row: Row, cells: Mapping[str, Verdict]) -> None:
    assert (frozenset(), []) == (row.codes, [name for name, cell in cells.items() if isinstance(cell, Reject)])
    if SILENT in cells.values():
        return
    expected = answers({name: _typed(cell, DTYPES[name]) for name, cell in cells.items()})
    assert [] == [(name, value, result[name]) for name, value in expected.items() if not _same(value, result[name])]


def _typed(value: Any, dtype: str) -> Any:
    return value if dtype == "string" else np.dtype(dtype).type(value)


def _same(expected: Any, got: Any) -> bool:
    """To the bit; all NaN are one."""
    if isinstance(expected, str):
        return expected == got
    if isinstance(got, float) and math.isnan(got):
        return bool(np.isnan(expected))
    return expected.tobytes() == np.asarray(got, expected.dtype).tobytes()
