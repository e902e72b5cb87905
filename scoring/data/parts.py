"""Part files: staged under the attempt's own name, moved to their public name once a commit has named them."""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from scoring.core.chunks import Part, StagedFile
from scoring.core.errors import ChunkCorrupt, OutputRefused
from scoring.data.arrays import one_batch
from scoring.data.digests import digest_of
from scoring.data.storage import storage_faults, sync_folder
from scoring.failpoints import reach

STAGING = "_staging"
REJECTS = "_rejects"
_PRIVATE = 0o600


def part_name(chunk: int) -> str:
    return f"part-{chunk:06d}.parquet"


def stage_part(
    output: Path,
    chunk: int,
    attempt: int,
    data: pa.RecordBatch | pa.Table,
    *,
    metadata: Mapping[str, str],
    compression: str = "lz4",
) -> StagedFile:
    """Write the result of a chunk under _staging/, checksummed, read back and fsynced. Raises StorageFault.

    metadata: `scoring.job_id`, `scoring.chunk`, `scoring.model_sha256`, `scoring.onnxruntime`.
    """
    return _stage(
        output, f"part-{chunk:06d}.{attempt}", part_name(chunk), data, metadata, compression=compression, mode=0o666
    )


def stage_rejects(
    output: Path,
    chunk: int,
    attempt: int,
    data: pa.RecordBatch | pa.Table,
    *,
    metadata: Mapping[str, str],
    compression: str = "lz4",
) -> StagedFile:
    """Write the rejects of a chunk likewise; readable by the owner alone, for they hold raw input."""
    return _stage(
        output,
        f"rejects-{chunk:06d}.{attempt}",
        f"{REJECTS}/{part_name(chunk)}",
        data,
        metadata,
        compression=compression,
        mode=_PRIVATE,
    )


def promote(output: Path, staged: StagedFile) -> None:
    """Move a committed file to its public name. Doing it again changes nothing.

    Raises ChunkCorrupt where neither the staged nor the public file is the one that was committed, StorageFault.
    """
    source, target = output / staged.staged, output / staged.path
    with storage_faults(output):
        _make_own(output, target.parent)
        reach("promote.rename")
        try:
            source.replace(target)
        except FileNotFoundError:
            require_committed(target, staged)
            return
        reach("promote.renamed")
        sync_folder(target.parent)
        sync_folder(source.parent)


def require_committed(path: Path, staged: StagedFile) -> None:
    """Raises ChunkCorrupt unless the file at `path` is the one that was committed, by its digest."""
    if not _is(path, staged):
        raise ChunkCorrupt(
            f"{path} is not the file that was committed",
            expected=f"{staged.bytes} bytes with digest {staged.sha256[:12]}…",
            got="another content" if path.exists() else "no such file",
            remedy="submit the job again",
        ) from None


def promote_part(output: Path, part: Part) -> None:
    """Give all files of a committed chunk their public names."""
    if part.rejects is not None:
        promote(output, part.rejects)
    promote(output, part.part)


def locate(output: Path, staged: StagedFile) -> Path:
    """Where the committed file lies now: under its public name, or still staged."""
    waiting = output / staged.staged
    return waiting if waiting.exists() else output / staged.path


def remove_staged(output: Path, staged: StagedFile | None) -> None:
    """Remove a file of an attempt that did not win."""
    if staged is not None:
        (output / staged.staged).unlink(missing_ok=True)


@contextmanager
def removed_on_error(output: Path, staged: StagedFile) -> Iterator[None]:
    """Remove a staged file where the block, which makes the other files of its attempt, fails."""
    try:
        yield
    except BaseException:
        remove_staged(output, staged)
        raise


def clear_staging(output: Path, job_id: str, keep: Collection[str] = ()) -> None:
    """Remove what dead attempts of the job have left. Only once none of them can be alive.

    keep: staged names, relative to OUT, that are still to be promoted.
    """
    folder = output / STAGING / job_id
    if folder.is_dir():
        for path in folder.iterdir():
            if str(path.relative_to(output)) not in keep:
                path.unlink(missing_ok=True)
    remove_empty(folder, folder.parent)


def remove_empty(*folders: Path) -> None:
    """Remove those of the folders that are there and hold nothing."""
    for folder in folders:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def read_part(path: Path, columns: Sequence[str]) -> pa.RecordBatch:
    """Some columns of one part file, as one batch. Raises ChunkCorrupt."""
    try:
        return one_batch(pq.read_table(path, columns=list(columns), page_checksum_verification=True, partitioning=None))
    except (OSError, pa.ArrowException) as error:
        raise _damaged(path, error) from error


def footer_rows(path: Path) -> int:
    """Rows that the file's own footer tells. Raises ChunkCorrupt where it is gone or torn."""
    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, pa.ArrowException) as error:
        raise _damaged(path, error) from error


def _stage(
    output: Path,
    stem: str,
    path: str,
    data: pa.RecordBatch | pa.Table,
    metadata: Mapping[str, str],
    *,
    compression: str,
    mode: int,
) -> StagedFile:
    table = data if isinstance(data, pa.Table) else pa.Table.from_batches([data])
    # By job as well: a failed job with --overwrite keeps its staged files for `retry`, whoever comes after it.
    name = f"{STAGING}/{metadata['scoring.job_id']}/{stem}.parquet.tmp"
    staged = output / name
    with storage_faults(output):
        _make_own(output, staged.parent)
        staged.unlink(missing_ok=True)
        try:
            _write_new(staged, mode, table.replace_schema_metadata(dict(metadata)), compression)
            rows = footer_rows(staged)
            if rows != table.num_rows:
                raise ChunkCorrupt(f"{staged} reads back wrong", expected=f"{table.num_rows} rows", got=str(rows))
            return StagedFile(staged=name, path=path, rows=rows, bytes=staged.stat().st_size, sha256=digest_of(staged))
        except BaseException:
            # On a full disk, half a file of each attempt would keep it full.
            staged.unlink(missing_ok=True)
            raise


def _write_new(path: Path, mode: int, table: pa.Table, compression: str) -> None:
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, mode), "wb") as file:
        reach("stage.write")
        _write(table, file, compression)
        file.flush()
        reach("stage.fsync")
        os.fsync(file.fileno())
    sync_folder(path.parent)
    reach("stage.synced")


def _make_own(output: Path, folder: Path) -> None:
    """Make a folder of the output. Raises OutputRefused where a link would lead what is written there elsewhere."""
    _refuse_links(output, folder)
    folder.mkdir(parents=True, exist_ok=True)
    # Again: one may have come meanwhile.
    _refuse_links(output, folder)


def _refuse_links(output: Path, folder: Path) -> None:
    for path in (folder, *folder.parents):
        if path != output and path.is_relative_to(output) and path.is_symlink():
            raise OutputRefused(
                f"{path} is a link",
                expected="a folder that this job made",
                got=f"a link to {os.path.realpath(path)}",
                remedy="take it away; let nobody else write to the output while a job runs",
            )


def _write(table: pa.Table, file: object, compression: str) -> None:
    pq.write_table(
        table,
        file,
        compression=compression,
        # Scores and keys hardly repeat, lz4 takes care of texts that do; statistics serve look-ups by row alone.
        use_dictionary=False,
        write_statistics=["_row"],
        write_page_checksum=True,
        row_group_size=max(1, table.num_rows),
    )


def _damaged(path: Path, error: Exception) -> ChunkCorrupt:
    return ChunkCorrupt(
        f"{path} is gone or damaged", expected="a Parquet file", got=str(error)[:200], remedy="submit the job again"
    )


def _is(path: Path, staged: StagedFile) -> bool:
    return path.is_file() and path.stat().st_size == staged.bytes and digest_of(path) == staged.sha256
