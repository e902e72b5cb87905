"""The hot path leaves pandas alone: importing it costs every process 0.3 s."""

import json
import subprocess
import sys

PROBE = """
import json, sys
import numpy as np
import pyarrow as pa
from scoring.model.columns import part_batch
from scoring.model.measure import measure_chunk
from scoring.model.feeds import Feeds
from scoring.model.truth import numbers_of
from scoring.model.arrays import text_array, to_arrow
from scoring.core.binding import *
from scoring.core.columns import Dtype
from scoring.core.options import JobOptions
text = text_array(["a", "b", "a"])
batch = pa.RecordBatch.from_arrays([to_arrow(np.ones(3, np.float32)), text, to_arrow(np.array([True, False, True]))],
                                   names=["x.n", "x.t", "x.b"])
shapes = [("n", Dtype.FLOAT32, Shape.MATRIX), ("t", Dtype.STRING, Shape.COLUMN), ("b", Dtype.BOOL, Shape.VECTOR)]
inputs = tuple(InputBinding(input=n, dtype=d, shape=s, slots=("x." + n,)) for n, d, s in shapes)
list(Feeds(batch, inputs).micro_batches(2))
out = OutputBinding(output="p", dtype=Dtype.FLOAT32, layout=Layout.WIDE, columns=("p_a", "p_b"), width=2)
prediction = Prediction(task=Task.BINARY, probability_output="p", classes=("a", "b"))
binding = Binding(columns=(), inputs=inputs, outputs=(out,), carried=(("t", "x.t"),), label_slot="x.t",
                  prediction=prediction)
outputs = {"p": np.full((3, 2), 0.5, np.float32)}
part_batch(np.arange(3), batch, outputs, binding)
measure_chunk(batch, outputs, binding, JobOptions(label="t"))
numbers_of(text)
print(json.dumps("pandas" in sys.modules))
"""


def test_scoring_a_chunk_imports_no_pandas():
    """Feeding, measuring and writing columns stay off the calls of pyarrow that import pandas."""
    ran = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) is False
