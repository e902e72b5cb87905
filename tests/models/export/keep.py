"""How an exported model is kept: the file, its reference rows, and a spec where the file alone does not say enough."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pyarrow as pa
import pyarrow.parquet as pq

FOLDER = Path(__file__).parents[1]

MAX_BYTES = 200 * 1024
"""Of one model: the folder is cloned by everybody."""


def keep(
    name: str,
    model: onnx.ModelProto,
    rows: Mapping[str, Any],
    expected: Mapping[str, Any],
    *,
    features: Sequence[str] = (),
    spec: str = "",
) -> None:
    """Write name.onnx, name.parquet and, where a spec is given, name.yaml.

    rows: feature columns; [N] arrays, [N,D] arrays (kept as fixed_size_list) or Arrow arrays. expected: what the
    training library answers to them, under the names of the result columns. features: names of the columns of a matrix
    input, for the model's metadata.
    """
    if features:
        entry = model.metadata_props.add()
        entry.key, entry.value = "feature_names", json.dumps(list(features))
    _settle(model)
    onnx.checker.check_model(model)
    data = model.SerializeToString(deterministic=True)
    if len(data) > MAX_BYTES:
        raise ValueError(f"{name}: expected at most {MAX_BYTES} bytes, got {len(data)}; train a smaller model")
    (FOLDER / f"{name}.onnx").write_bytes(data)
    table = pa.table({column: _column(values) for column, values in {**rows, **expected}.items()})
    pq.write_table(table, FOLDER / f"{name}.parquet", compression="zstd")
    if spec:
        (FOLDER / f"{name}.yaml").write_text(spec, encoding="utf-8")


def _settle(model: onnx.ModelProto) -> None:
    """The same bytes whenever it is exported: converters keep opsets in sets, and note who trained when."""
    opsets = sorted(model.opset_import, key=lambda opset: opset.domain)
    del model.opset_import[:]
    model.opset_import.extend(opsets)
    kept = [entry for entry in model.metadata_props if entry.key == "feature_names"]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    model.doc_string = ""


def wide(name: str, values: np.ndarray, classes: Sequence[Any] | None = None) -> dict[str, np.ndarray]:
    """[N,K] as the K columns NAME_<class>, or NAME_<index> where there are no classes."""
    names = range(values.shape[1]) if classes is None else classes
    return {f"{name}_{suffix}": values[:, index] for index, suffix in enumerate(names)}


def _column(values: Any) -> pa.Array:
    """Floats as they are, NaN as null: what a table of a warehouse would hold."""
    if isinstance(values, pa.Array):
        return values
    array = np.asarray(values)
    if array.ndim > 1:
        flat = pa.array(array.reshape(-1))
        return pa.FixedSizeListArray.from_arrays(flat, int(np.prod(array.shape[1:])))
    return pa.array(array.tolist() if array.dtype.kind in "OU" else array, from_pandas=True)
