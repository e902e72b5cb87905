"""The data and the model that ship with the package."""

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scoring.core.accuracy.sums import exact_auc, figures
from scoring.core.options import JobOptions
from scoring.core.source import ColumnKind, FileColumn, SourceSchema
from scoring.demo import CASES, KEY, LABEL, MODEL
from scoring.model.bind import bind
from scoring.model.columns import part_batch
from scoring.model.measure import labelled_pairs, measure_chunk
from scoring.model.runner import Model
from scoring.model.spec import ModelSpec
from tests.small_models import inspect

# scikit-learn's figures of the demo's rows, from the probabilities of the exported model in float64.
DEMO = {
    "accuracy": 0.9719298245614035,
    "precision": 0.9803921568627451,
    "recall": 0.9433962264150944,
    "f1": 0.9615384615384616,
    "roc_auc": 0.9972594076104142,
    "log_loss": 0.08968057365523374,
    "brier": 0.022990384627074655,
}


def demo_run():
    table = pq.read_table(CASES)
    kinds = {pa.int64(): ColumnKind.INTEGER, pa.float64(): ColumnKind.FLOAT, pa.string(): ColumnKind.STRING}
    columns = tuple(FileColumn(name=f.name, kind=kinds[f.type], type=str(f.type)) for f in table.schema)
    source = SourceSchema(columns=columns, rows=table.num_rows, rows_exact=True, bytes=0, sample={})
    signature, options = inspect(MODEL), JobOptions(key=(KEY,), label=LABEL)
    binding = bind(signature, ModelSpec(), source, options)
    arrays = [
        table[c.name].combine_chunks().cast(pa.float32()) if c.dtype else table[c.name].combine_chunks()
        for c in binding.columns
    ]
    batch = pa.RecordBatch.from_arrays(arrays, names=[c.slot for c in binding.columns])
    return batch, binding, signature, options


def test_the_demo_binds_without_a_spec_and_is_as_accurate_as_scikit_learn_says(never):
    """Real data, a real pipeline, figures computed elsewhere."""
    batch, binding, signature, options = demo_run()
    model = Model.load(MODEL, hashlib.sha256(MODEL.read_bytes()).hexdigest(), signature)
    outputs = model.predict(batch, binding, 100, never)
    sums = measure_chunk(batch, outputs, binding, options)
    part = part_batch(np.arange(batch.num_rows), batch, outputs, binding)
    sums = exact_auc(sums, [labelled_pairs(part, binding)])
    got = {figure.metric: figure.value for figure in figures(sums, batch.num_rows) if figure.detail is None}
    assert DEMO == pytest.approx(got, rel=1e-6)
