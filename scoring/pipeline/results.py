"""The rows that a job has written, if they are still its own."""

from pathlib import Path

import pyarrow.dataset as ds

from scoring.core.errors import InputMissing
from scoring.data.manifest import read_manifest
from scoring.data.outputs import results_dataset
from scoring.ledger.records import Job


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
