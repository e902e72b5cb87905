"""Many rows out of few: the demo's cases, sampled with replacement."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scoring.demo import CASES, KEY

SEED = 20_260_101


def enlarge(target: Path, rows: int) -> None:
    """Write `rows` cases, drawn with replacement and the same ones each time, as Parquet; KEY counts them from 0."""
    cases = pq.read_table(CASES)
    chosen = np.random.default_rng(SEED).integers(0, cases.num_rows, rows, dtype=np.int64)
    table = cases.take(_int64(chosen))
    table = table.set_column(table.schema.get_field_index(KEY), KEY, _int64(np.arange(rows, dtype=np.int64)))
    target.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, target, compression="lz4", row_group_size=65_536)


def _int64(values: np.ndarray) -> pa.Array:
    # From the buffer: pa.array(ndarray) would import pandas first.
    return pa.Array.from_buffers(pa.int64(), len(values), [None, pa.py_buffer(values)])
