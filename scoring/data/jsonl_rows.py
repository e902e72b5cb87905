"""Blocks of JSON lines read line by line, with every number as it is spelled."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from scoring.core.columns import ColumnSpec, RejectCode
from scoring.core.options import CsvDialect
from scoring.data.arrays import text_array
from scoring.data.faults import Faults
from scoring.data.jsonl_blocks import LineBlock
from scoring.data.jsonl_cells import as_named, cell_texts, number_texts, takes
from scoring.data.jsonl_lines import BadLine, Members, Value, parse_line
from scoring.data.jsonl_lists import listed

_NONE: Mapping[str, Value] = {}


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The members of each row; none where the line is no object."""

    members: Sequence[Mapping[str, Value]]
    # Names that stand twice in a row, by row.
    twice: Mapping[int, frozenset[str]]

    def values(self, name: str) -> list[Value]:
        """The member in each row, None where it is missing."""
        return [members.get(name) for members in self.members]


def parse_rows(block: LineBlock, faults: Faults) -> Rows:
    """All rows; lines that are none are added to `faults`."""
    found: list[Mapping[str, Value]] = []
    bad: dict[int, BadLine] = {}
    twice: dict[int, frozenset[str]] = {}
    for row, record in enumerate(block.records()):
        try:
            line = parse_line(record)
        except BadLine as error:
            bad[row] = error
            found.append(_NONE)
            continue
        members = dict(line)
        found.append(members)
        if len(members) != len(line):
            twice[row] = _twice(line)
    _blame(bad, faults)
    return Rows(members=found, twice=twice)


def spelled_column(rows: Rows, spec: ColumnSpec, dialect: CsvDialect, faults: Faults) -> pa.Array:
    """The column for the screen: numbers as text, "" for null; texts with the nulls that --na names; lists typed."""
    doubled = np.zeros(len(rows.members), np.bool_)
    doubled[[row for row, names in rows.twice.items() if spec.name in names]] = True
    faults.add(doubled, spec.name, RejectCode.BAD_VALUE, lambda row: "the line has several members of this name")
    values = rows.values(spec.name)
    if spec.list_size is not None:
        return listed(values, spec, faults)
    wanted = takes(spec)
    if dialect.na and not wanted.text:
        values = [None if isinstance(value, str) and value in dialect.na else value for value in values]
    texts = cell_texts(values, spec, faults, range(len(values)))
    return as_named(text_array(texts), dialect) if wanted.text else number_texts(texts)


def _twice(line: Members) -> frozenset[str]:
    counts = Counter(name for name, _ in line)
    return frozenset(name for name, count in counts.items() if count > 1)


def _blame(bad: Mapping[int, BadLine], faults: Faults) -> None:
    for code in {error.code for error in bad.values()}:
        rows = np.zeros(len(faults.dropped), np.bool_)
        rows[[row for row, error in bad.items() if error.code is code]] = True
        faults.add(rows, "", code, lambda row: bad[row].reason)
