"""The rows that a job has written, if they are still its own."""

from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds

from scoring.core.errors import InputMissing, StorageFault
from scoring.data.manifest import read_manifest
from scoring.data.outputs import result_files, results_dataset
from scoring.ledger.records import Job


def job_rows(job: Job) -> ds.Dataset | None:
    """The rows of the parts that are promoted by now, in input order; None where there are none.

    Raises InputMissing where the result is gone, lacks a part, or was replaced by a later job's; StorageFault where a
    part cannot be read.
    """
    return open_result(job) if has_result(job) else None


def has_result(job: Job) -> bool:
    """True where a part of the job stands. Raises InputMissing where the result is gone or was replaced."""
    output = Path(job.output)
    manifest = read_manifest(output)
    if manifest is not None and manifest["job_id"] != job.id:
        # While a job with --overwrite runs, the folder still shows the result before it.
        if not job.state.settled:
            return False
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
        return False
    return True


def open_result(job: Job) -> ds.Dataset:
    """The rows of a result that is there. Raises InputMissing where it lacks a part, StorageFault."""
    output = Path(job.output)
    missing = [file for file in result_files(output) if not file.exists()]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise InputMissing(
            f"the result of job {job.id} is not whole any more",
            expected=f"{missing[0]}{more}",
            got="no such file",
            remedy="restore the missing parts, or score it again into an output of its own",
        )
    try:
        return results_dataset(output)
    except (OSError, pa.ArrowException) as error:
        raise StorageFault(
            f"the result of job {job.id} cannot be read",
            expected=f"part files in {output}",
            got=str(error),
            remedy="restore the file, or score it again into an output of its own",
        ) from error
