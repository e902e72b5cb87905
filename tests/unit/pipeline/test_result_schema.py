"""The schema that is foretold is the one that is written."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scoring.core.binding import Binding, Layout, OutputBinding
from scoring.core.columns import ColumnSpec, Dtype
from scoring.data.inputs import expand_inputs
from scoring.model.columns import part_batch
from scoring.pipeline.result_schema import result_schema

OUTPUTS = (
    OutputBinding(output="label", dtype=Dtype.STRING, layout=Layout.SCALAR, columns=("label",)),
    OutputBinding(output="p", dtype=Dtype.FLOAT32, layout=Layout.WIDE, columns=("p_0", "p_1"), width=2),
    OutputBinding(output="vector", dtype=Dtype.FLOAT16, layout=Layout.LIST, columns=("vector",), width=40),
    OutputBinding(output="yes", dtype=Dtype.BOOL, layout=Layout.SCALAR, columns=("yes",)),
)
KEY = ColumnSpec(name="id", slot="c.id", dtype=None)
BINDING = Binding(columns=(KEY,), inputs=(), outputs=OUTPUTS, carried=(("id", "c.id"),))
VALUES = {
    "label": np.array(["a"], object),
    "p": np.zeros((1, 2), np.float32),
    "vector": np.zeros((1, 40), np.float16),
    "yes": np.array([True]),
}


@pytest.mark.parametrize(
    "key", [pa.array(["a"]), pa.array([b"a"]), pa.array(["a"]).dictionary_encode(), pa.array([1], pa.timestamp("ns"))]
)
def test_carried_columns_of_parquet_keep_their_type(tmp_path: Path, key: pa.Array) -> None:
    """And outputs have the type and width of the model's."""
    pq.write_table(pa.table({"id": key}), tmp_path / "a.parquet")
    files = expand_inputs([str(tmp_path / "a.parquet")])
    batch = pa.RecordBatch.from_arrays([pq.read_table(tmp_path / "a.parquet")["id"].chunk(0)], names=["c.id"])
    written = part_batch(np.zeros(1, np.int64), batch, VALUES, BINDING).schema
    assert written == result_schema(files, BINDING)


def test_carried_columns_of_csv_are_text(tmp_path: Path) -> None:
    """Nothing is inferred from the data."""
    (tmp_path / "a.csv").write_text("id\n1\n")
    assert pa.string() == result_schema(expand_inputs([str(tmp_path / "a.csv")]), BINDING).field("id").type
