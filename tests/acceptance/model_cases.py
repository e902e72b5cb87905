"""The models of tests/models, each with its rows and with what ONNX Runtime itself answers to them."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

FOLDER = Path(__file__).parents[1] / "models"

WIDEST = 32

# ONNX Runtime's names of element types, where numpy has others.
_NUMPY = {"float": "float32", "double": "float64", "string": "object"}

_FATAL_ONLY = 4


@dataclass(frozen=True)
class Case:
    name: str

    def __str__(self) -> str:
        return self.name

    @property
    def model(self) -> Path:
        return FOLDER / f"{self.name}.onnx"

    @property
    def reference(self) -> Path:
        """Features, then the answers of the training library."""
        return FOLDER / f"{self.name}.parquet"

    @property
    def spec_file(self) -> Path | None:
        path = FOLDER / f"{self.name}.yaml"
        return path if path.exists() else None

    @property
    def spec(self) -> dict[str, Any]:
        return yaml.safe_load(self.spec_file.read_text(encoding="utf-8")) if self.spec_file else {}

    @cached_property
    def rows(self) -> pa.Table:
        """The reference rows without the answers."""
        table = pq.read_table(self.reference)
        outputs = [output.name for output in self._session.get_outputs()]
        answers = [c for c in table.column_names if any(c == name or c.startswith(f"{name}_") for name in outputs)]
        return table.drop_columns(answers)

    @cached_property
    def inputs(self) -> dict[str, list[str]]:
        """Input → its columns."""
        metadata = self._session.get_modelmeta().custom_metadata_map
        told = {name: list(columns) for name, columns in self.spec.get("inputs", {}).items()}
        features = json.loads(metadata["feature_names"]) if "feature_names" in metadata else None
        return {value.name: told.get(value.name) or features or [value.name] for value in self._session.get_inputs()}

    def direct(self) -> dict[str, np.ndarray]:
        """Result column → [N] or [N,D]: one run over all rows, or as many as a fixed number of rows asks for."""
        values = self._session.get_inputs()
        feed = {value.name: self._tensor(value) for value in values}
        total = self.rows.num_rows
        step = values[0].shape[0] if isinstance(values[0].shape[0], int) else total
        runs = [
            self._session.run(None, {k: _group(v, first, step) for k, v in feed.items()})
            for first in range(0, total, step)
        ]
        columns: dict[str, np.ndarray] = {}
        for output, parts in zip(self._session.get_outputs(), zip(*runs, strict=True), strict=True):
            columns |= self._columns(output.name, parts)
        return {name: array[:total] for name, array in columns.items()}

    @cached_property
    def _session(self) -> ort.InferenceSession:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = _FATAL_ONLY
        return ort.InferenceSession(self.model, options)

    def _tensor(self, value: ort.NodeArg) -> np.ndarray:
        element = value.type.removeprefix("tensor(").removesuffix(")")
        dtype = np.dtype(_NUMPY.get(element, element))
        columns = [self.rows[name].combine_chunks() for name in self.inputs[value.name]]
        shape = [dim if isinstance(dim, int) else -1 for dim in value.shape[1:]]
        flat = np.stack([_values(column) for column in columns], axis=1).astype(dtype)
        return flat.reshape(len(flat), *shape) if shape else flat.reshape(-1)

    def _columns(self, name: str, parts: tuple[Any, ...]) -> dict[str, np.ndarray]:
        """As CONTRACT section 6 says, written down a second time."""
        if isinstance(parts[0], list):
            rows = [row for part in parts for row in part]
            return {f"{name}_{key}": np.array([row[key] for row in rows], np.float32) for key in rows[0]}
        array = np.concatenate(parts)
        width = int(np.prod(array.shape[1:]))
        if width == 1:
            return {name: array.reshape(-1)}
        if array.ndim > 2 or width > WIDEST:
            return {name: array.reshape(len(array), -1)}
        classes = self.spec.get("classes", range(width))
        return {f"{name}_{suffix}": array[:, index] for index, suffix in enumerate(classes)}


def _group(tensor: np.ndarray, first: int, rows: int) -> np.ndarray:
    """`rows` rows from `first` on, the last one repeated where there are fewer."""
    part = tensor[first : first + rows]
    return np.concatenate([part, np.repeat(part[-1:], rows - len(part), axis=0)])


def _values(column: pa.Array) -> np.ndarray:
    """[N], or [N,D] of a list; null is NaN."""
    if pa.types.is_fixed_size_list(column.type):
        return column.flatten().to_numpy(zero_copy_only=False).reshape(len(column), -1)
    return column.to_numpy(zero_copy_only=False)


CASES = tuple(Case(path.stem) for path in sorted(FOLDER.glob("*.onnx")))
