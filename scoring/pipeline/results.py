"""The rows that a job has written, if they are still its own."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISREG

import pyarrow as pa
import pyarrow.dataset as ds

from scoring.core.errors import InputMissing, StorageFault
from scoring.data.manifest import read_manifest
from scoring.data.outputs import reject_files, result_files, result_schema, results_dataset
from scoring.data.rejects import REJECT_SCHEMA
from scoring.data.row_files import RowFiles
from scoring.ledger.records import Job


def job_rows(job: Job) -> ds.Dataset | None:
    """The rows of the parts that are promoted by now, in input order; None where there are none.

    Raises InputMissing where the result is gone, lacks a part, has one of another size, or was replaced by a later
    job's; StorageFault where a part cannot be read.
    """
    return open_result(job) if has_result(job) else None


def has_result(job: Job) -> bool:
    """True where a part of the job stands. Raises InputMissing where the result is gone or was replaced."""
    output = Path(job.output)
    if not _is_of(job, output):
        return False
    if not any(output.glob("part-*.parquet")):
        if job.succeeds and job.state.settled:
            raise InputMissing(
                f"the result of job {job.id} is gone",
                expected=f"its parts in {output}",
                got="none",
                remedy="restore the folder, or score it again",
            )
        return False
    return bool(result_files(output))


def open_result(job: Job) -> ds.Dataset:
    """The rows of a result that is there. Raises InputMissing where a part is gone or was replaced, StorageFault."""
    output = Path(job.output)
    _standing(job, result_files(output))
    with _readable(job, output):
        return results_dataset(output)


def files_of_result(job: Job) -> RowFiles:
    """The same rows as files. With a manifest that tells the schema none of them is opened. Raises likewise."""
    output = Path(job.output)
    files = _standing(job, result_files(output))
    with _readable(job, files[0]):
        return RowFiles(files=files, schema=result_schema(output))


def files_of_rejects(job: Job) -> RowFiles:
    """The rejected rows of the parts that are promoted by now, or of all where the job has ended; maybe none.

    Raises InputMissing where a file is missing, or the output was replaced by a later job's.
    """
    output = Path(job.output)
    files = _standing(job, reject_files(output)) if _is_of(job, output) else ()
    return RowFiles(files=files, schema=REJECT_SCHEMA)


def _is_of(job: Job, output: Path) -> bool:
    """False where the folder still shows another result. Raises InputMissing where that one replaced the job's."""
    if job.purged_at is not None:
        raise InputMissing(
            f"the rows of job {job.id} are no more",
            expected="a job that retention has left",
            got=f"one that was purged at {job.purged_at:%Y-%m-%d %H:%M} UTC",
            remedy="score it again; its figures stay in batch_accuracy",
        )
    manifest = read_manifest(output)
    if manifest is None or manifest["job_id"] == job.id:
        return True
    # While a job with --overwrite runs, the folder still shows the result before it.
    if not job.state.settled:
        return False
    raise InputMissing(
        f"the result of job {job.id} is no more",
        expected=f"its parts in {output}",
        got=f"the result of job {manifest['job_id']}",
        remedy="score it again into an output of its own",
    )


def _standing(job: Job, files: Sequence[Path]) -> Sequence[Path]:
    """The files, where each is one of the folder's own and as large as the manifest says."""
    sizes = _sizes(Path(job.output))
    wrong = [(file, found) for file in files if (found := _wrong(file, sizes.get(file))) is not None]
    if not wrong:
        return files
    (first, found), more = wrong[0], f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
    size = sizes.get(first)
    raise InputMissing(
        f"the result of job {job.id} is not whole any more",
        expected=f"{first}{'' if size is None else f' of {size:,} bytes'}{more}",
        got=found,
        remedy="restore these parts, or score it again into an output of its own",
    )


def _sizes(output: Path) -> Mapping[Path, int | None]:
    """Bytes of each part by the manifest; None where it does not tell them."""
    manifest = read_manifest(output)
    return {} if manifest is None else {output / part["path"]: part.get("bytes") for part in manifest["parts"]}


def _wrong(file: Path, size: int | None) -> str | None:
    try:
        found = file.lstat()
    except FileNotFoundError:
        return "no such file"
    if not S_ISREG(found.st_mode):
        return "a link, or no file at all"  # what it leads to is no output of a job
    return f"a file of {found.st_size:,} bytes" if size not in (None, found.st_size) else None


@contextmanager
def _readable(job: Job, place: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise StorageFault(
            f"the result of job {job.id} cannot be read",
            expected=f"Parquet in {place}",
            got=str(error),
            remedy="restore the file, or score it again into an output of its own",
        ) from error
