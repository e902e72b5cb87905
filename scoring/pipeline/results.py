"""What a job has written, as its readers want it: its rows, and examples of its rejects."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds

from scoring.core.errors import InputMissing
from scoring.data.manifest import read_manifest
from scoring.data.outputs import results_dataset
from scoring.data.parts import REJECTS
from scoring.ledger.records import Job

EXAMPLES = 3
"""Rejected rows shown for each reason."""


def job_rows(job: Job) -> ds.Dataset | None:
    """The rows of the parts that are promoted by now, in input order; None where there are none.

    Raises InputMissing where the result is gone, or was replaced by a later job's.
    """
    output = Path(job.output)
    manifest = read_manifest(output)
    if manifest is not None and manifest["job_id"] != job.id:
        # While a job with --overwrite runs, the folder still shows the result before it.
        if not job.state.settled:
            return None
        raise InputMissing(
            f"the result of job {job.id} is no more",
            expected=f"its parts in {output}",
            got=f"the result of job {manifest['job_id']}",
            remedy="score it again into an output of its own",
        )
    if not any(output.glob("part-*.parquet")):
        if job.succeeds and job.state.settled:
            raise InputMissing(
                f"the result of job {job.id} is gone",
                expected=f"its parts in {output}",
                got="none",
                remedy="restore the folder, or score it again",
            )
        return None
    return results_dataset(output)


def reject_examples(job: Job) -> Mapping[tuple[str, str], list[dict[str, Any]]]:
    """(code, column) → up to EXAMPLES rejected rows: row, file, line, reason, raw."""
    found: defaultdict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for file in sorted((Path(job.output) / REJECTS).glob("part-*.parquet")):
        for batch in ds.dataset(str(file), format="parquet").to_batches():
            for reject in batch.to_pylist():
                group = found[reject["code"], reject["column"] or ""]
                if len(group) < EXAMPLES:
                    group.append(
                        {name: reject[name] for name in ("file", "line", "reason", "raw")} | {"row": reject["_row"]}
                    )
    return found
