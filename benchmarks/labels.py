"""Late labels on a large scale: `python -m benchmarks.labels [--rows 20000000]`.

Parts and labels are generated as they would lie there; each key gets the whole file in shuffled order, as text, as a
whole number and as `_row`. Measured is the process `scoring labels`, from outside: at most 2 GB of memory.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.process import ROOT, SCORING

# What generates is imported where it generates: the process that measures must stay small.
if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from scoring.core.binding import Binding
    from scoring.core.chunks import Chunk, Part
    from scoring.core.ids import JobId
    from scoring.core.options import JobOptions
    from scoring.core.source import Position
    from scoring.ledger.database import Ledger
    from scoring.model.signature import Signature

LARGEST_BYTES = 2 * 10**9
KEYS = ("number", "text", "_row")
CHUNK_ROWS = 131_072
LEASE = 3_600.0
_SPREAD = 15_485_863
"""A prime: row × prime mod rows visits every row once, in an order that looks like none."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--key", action="append", choices=KEYS, help="repeatable; default: all three")
    parser.add_argument("--data", type=Path, help="folder to work in; default: a temporary one")
    parser.add_argument("--generate", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.generate is not None:
        generate(given.generate, given.rows)
        return 0
    with tempfile.TemporaryDirectory(prefix="scoring-labels-", dir=given.data) as folder:
        # A process of its own: the memory of whoever starts a process counts into its peak.
        command = [sys.executable, "-m", "benchmarks.labels", "--rows", str(given.rows), "--generate", folder]
        subprocess.run(command, check=True, cwd=ROOT)
        held = [attach(Path(folder), key, given.rows) for key in given.key or KEYS]
        return int(not all(held))


def attach(folder: Path, key: str, rows: int) -> bool:
    """Print what one call took; True where every row was labelled within the memory that is allowed."""
    command = [SCORING, "labels", "last", "labels.parquet", "--key", key, "--label", "truth", "--json"]
    with (folder / "said").open("wb") as said:
        begun = time.perf_counter()
        environment = os.environ | {"SCORING_HOME": str(folder / "home")}
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=said)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        return False
    answer = json.loads((folder / "said").read_text())
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(
        f"{rows} labels, {rows} rows, key {key:7} revision {answer['revision']}  {seconds:6.1f} s  "
        f"peak {peak / 2**20:5.0f} MiB  {answer['status']}  roc_auc {answer['metrics']['roc_auc']:.6f}",
        flush=True,
    )
    return bool(peak <= LARGEST_BYTES and answer["rows_labelled"] == rows)


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The rows [first, first + count) of the result."""

    first: int
    count: int


def chunks(rows: int) -> Iterator[Rows]:
    for first in range(0, rows, CHUNK_ROWS):
        yield Rows(first=first, count=min(CHUNK_ROWS, rows - first))


def generate(folder: Path, rows: int) -> None:
    """A ledger with one succeeded job of so many rows, its parts, and `labels.parquet` with a label for each."""
    from scoring.ledger.database import Ledger

    (folder / "home").mkdir()
    ledger = Ledger.open(f"sqlite:///{folder / 'home' / 'ledger.db'}")
    _job(ledger, folder, rows)
    ledger.close()
    _labels(folder / "labels.parquet", rows)


def _job(ledger: "Ledger", folder: Path, rows: int) -> None:
    from scoring.core.ids import StepId
    from scoring.core.states import StepKind
    from scoring.ledger import jobs, parts, steps
    from scoring.ledger.records import JobVerdict

    job_id = _insert(ledger, folder)
    split = ledger.run(lambda tx: steps.claim(tx, StepId(job_id, StepKind.SPLIT), "here:1", LEASE))
    for number, piece in enumerate(chunks(rows)):
        chunk, position = _chunk(number, piece)
        with ledger.write() as tx:
            parts.insert_chunk(tx, split, chunk, position)
            claim = steps.claim(tx, StepId(job_id, StepKind.SCORE, number), "here:1", LEASE)
            steps.complete_chunk(tx, claim, _part(folder / "out", job_id, number, piece))
    ledger.run(lambda tx: steps.complete_split(tx, split, rows))
    ledger.run(lambda tx: steps.arm_finalize(tx, job_id))
    end = ledger.run(lambda tx: steps.claim(tx, StepId(job_id, StepKind.FINALIZE), "here:1", LEASE))
    ledger.run(lambda tx: jobs.begin_finalizing(tx, end, JobVerdict()))
    ledger.run(lambda tx: jobs.settle(tx, end))


def _insert(ledger: "Ledger", folder: Path) -> "JobId":
    from scoring.core.ids import new_job_id
    from scoring.core.options import JobOptions
    from scoring.ledger import jobs, models
    from scoring.ledger.records import FLEET, NewJob, NewVersion
    from scoring.model.spec import ModelSpec
    from tests.small_models import churn_model, inspect

    signature, options = inspect(churn_model(folder / "churn.onnx")), JobOptions(key=("number", "text"))
    content = {"name": "churn", "sha256": "a" * 64, "path": "models/a", "spec": ModelSpec().to_json()}
    registered = NewVersion(signature=signature.to_json(), **content)
    version = ledger.run(lambda tx: models.register(tx, registered))
    new = NewJob(
        id=new_job_id(),
        runner=FLEET,
        model_version_id=version.id,
        inputs=(),
        options=options,
        binding=_binding(signature, options),
        output=str(folder / "out"),
        definition_sha256="d" * 64,
        chunk_rows=CHUNK_ROWS,
    )
    return ledger.run(lambda tx: jobs.insert_job(tx, new)).id


def _binding(signature: "Signature", options: "JobOptions") -> "Binding":
    from scoring.core.binding import Binding
    from scoring.model.outputs import bind_outputs
    from scoring.model.prediction import find_prediction
    from scoring.model.spec import ModelSpec

    outputs = bind_outputs(signature, ModelSpec())
    return Binding(
        columns=(),
        inputs=(),
        outputs=outputs,
        carried=(("number", "c.number"), ("text", "c.text")),
        prediction=find_prediction(signature, ModelSpec(), outputs, options),
    )


def _chunk(number: int, piece: Rows) -> tuple["Chunk", "Position"]:
    from scoring.core.chunks import Chunk
    from scoring.core.source import Position

    chunk = Chunk(chunk=number, first_row=piece.first, rows=piece.count, path=f"chunk-{number:06}.parquet", bytes=1)
    return chunk, Position(chunk=number + 1, row=piece.first + piece.count)


def _part(output: Path, job_id: str, number: int, piece: Rows) -> "Part":
    import numpy as np
    import pyarrow as pa

    from scoring.core.chunks import Part
    from scoring.data.parts import promote_part, stage_part

    rows = np.arange(piece.first, piece.first + piece.count)
    scores = np.random.default_rng(number).random(piece.count).astype(np.float32)
    batch = pa.RecordBatch.from_arrays(
        [
            pa.array(rows),
            *_keys(rows),
            pa.array((scores >= 0.5).astype(np.int64)),
            pa.array(1 - scores),
            pa.array(scores),
        ],
        names=["_row", "number", "text", "label", "probabilities_0", "probabilities_1"],
    )
    staged = stage_part(output, number, 1, batch, metadata={"scoring.job_id": job_id, "scoring.chunk": str(number)})
    part = Part(chunk=number, rows_scored=piece.count, rows_rejected=0, part=staged, rejects=None)
    promote_part(output, part)
    return part


def _keys(rows: "np.ndarray") -> Sequence["pa.Array"]:
    import pyarrow as pa
    import pyarrow.compute as pc

    number = pa.array(rows * 7 + 3)
    digits = pc.utf8_lpad(pc.cast(number, pa.string()), 12, "0")
    return number, pc.binary_join_element_wise("customer", digits, "-")


def _labels(path: Path, rows: int) -> None:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([("_row", pa.int64()), ("number", pa.int64()), ("text", pa.string()), ("truth", pa.int64())])
    with pq.ParquetWriter(path, schema, compression="lz4") as writer:
        for piece in chunks(rows):
            row = np.arange(piece.first, piece.first + piece.count) * _SPREAD % rows
            truth = (np.random.default_rng(piece.first).random(piece.count) < 0.3).astype(np.int64)
            arrays = [pa.array(row), *_keys(row), pa.array(truth)]
            writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))


if __name__ == "__main__":
    sys.exit(main())
