"""The output folder: may this job use it, what of it is a job's, and how its result is read."""

import os
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from scoring.core.errors import OutputRefused
from scoring.data.delta_log import DELTA_LOG, log_owner
from scoring.data.manifest import LISTED, MANIFEST, PARTIAL, SUCCESS, TORN, manifest_schema, part_schema, read_manifest
from scoring.data.parts import REJECTS, STAGING, remove_empty
from scoring.data.roots import check_roots

if TYPE_CHECKING:
    from pyarrow.dataset import Dataset

_STAGED = re.compile(rf"{STAGING}/(\w+)/(?:part|rejects)-\d{{6,}}\.\d+\.parquet\.tmp")
_OF_PARTS = ("part-*.parquet", f"{REJECTS}/part-*.parquet", f"{STAGING}/*/*.tmp")
_SHOWN = 5
_NOBODY = ""
"""The owner of a file that whoever writes here may remove."""


def check_output(path: Path, *, job_id: str | None = None, overwrite: bool = False, roots: Sequence[str] = ()) -> None:
    """Raises OutputRefused where the folder holds anything but files of job `job_id`, or cannot be written.

    job_id: None for a job that is not recorded yet. overwrite: files of other jobs may stand there.
    """
    check_roots(str(path), roots, "SCORING_OUTPUT_ROOTS")
    if path.exists() and not path.is_dir():
        raise OutputRefused(f"{path} is no folder", expected="a folder", got="a file", remedy="name another --output")
    _check_writable(path)
    owners = _owners(path)
    foreign = [name for name, owner in owners.items() if owner is None]
    if foreign:
        raise OutputRefused(
            f"{path} holds files that no job wrote",
            expected="an empty folder, or one that a job wrote",
            got=", ".join(foreign[:_SHOWN]),
            remedy="name another --output, or move them away",
        )
    others = sorted({owner for owner in owners.values() if owner != job_id and owner})
    if others and not overwrite:
        raise OutputRefused(
            f"{path} holds the result of another job",
            expected="an empty folder",
            got=f"{len(owners)} files of job {', '.join(others[:_SHOWN])}",
            remedy="name another --output, or say --overwrite",
        )


def clear_replaced(output: Path, *, job_id: str, keep_log: bool = False) -> None:
    """Remove the files that other jobs wrote, the manifest first: from then on the old result is not whole any more.

    keep_log: the job goes on with the Delta log that they have left.
    """
    names = [name for name, owner in _owners(output).items() if owner not in (None, job_id)]
    remove_files(output, [name for name in names if not (keep_log and _in_log(name))])


def files_of(output: Path, job_id: str) -> list[str]:
    """The files under the folder that the job wrote and nobody has replaced, relative to it."""
    return [name for name, owner in _owners(output).items() if owner == job_id]


def torn_files(output: Path) -> list[str]:
    """Manifests on their way to their names, relative to the folder: of a job that writes just now, or a dead one."""
    return [name for name, owner in _owners(output).items() if owner == _NOBODY]


def remove_files(output: Path, names: Sequence[str]) -> None:
    """Remove files of jobs, the manifest first, and the folders that held nothing else."""
    for name in sorted(names, key=lambda name: (name not in (SUCCESS, MANIFEST, PARTIAL), name)):
        (output / name).unlink(missing_ok=True)
    staging = output / STAGING
    inner = staging.iterdir() if staging.is_dir() else ()
    remove_empty(*inner, staging, output / REJECTS, output / DELTA_LOG)


def result_files(output: Path) -> list[Path]:
    """Part files in chunk order: those of the manifest, or of `_partial.json`; without either those that are there."""
    manifest = read_manifest(output)
    if manifest is not None:
        return [output / part["path"] for part in manifest["parts"]]
    return sorted(output.glob("part-*.parquet"))


def reject_files(output: Path) -> list[Path]:
    """Files of rejected rows in chunk order, found like `result_files`."""
    manifest = read_manifest(output)
    if manifest is not None:
        return [output / file["path"] for file in manifest["rejects"]]
    return sorted((output / REJECTS).glob("part-*.parquet"))


def result_schema(output: Path) -> pa.Schema:
    """The columns of a result that has parts: by the manifest, or by the footer of the first of them.

    Raises OSError, pa.ArrowException where that one cannot be read.
    """
    manifest = read_manifest(output)
    listed = None if manifest is None else manifest_schema(manifest)
    return part_schema(result_files(output)[0]) if listed is None else listed


def holds_result(folder: Path) -> bool:
    """True for the output of a job: its result is whole, partial, or being made."""
    if read_manifest(folder) is not None:
        return True
    found = chain.from_iterable(folder.glob(pattern) for pattern in _OF_PARTS)
    return any(_owner(folder, str(path.relative_to(folder))) for path in found)


def results_dataset(output: Path) -> "Dataset":
    """The result as a dataset, rows in input order. Raises OutputRefused where there is no part."""
    files = result_files(output)
    if not files:
        raise OutputRefused(f"no result in {output}", remedy="see `scoring status`")
    from pyarrow import dataset  # a query engine: only who reads a result back waits for it

    return dataset.dataset([str(file) for file in files], format="parquet")


def _owners(folder: Path) -> dict[str, str | None]:
    """Files under the folder → id of the job that wrote each; None for a foreign one, "" for a torn one of a job."""
    if not folder.is_dir():
        return {}
    manifest = read_manifest(folder)
    listed = {}
    if manifest is not None:
        listed = {entry["path"]: str(manifest["job_id"]) for entry in [*manifest["parts"], *manifest["rejects"]]}
        listed |= {name: str(manifest["job_id"]) for name in (MANIFEST, PARTIAL, SUCCESS)}
    found = [str(path.relative_to(folder)) for path in _entries(folder)]
    log = log_owner(folder)
    return {name: listed.get(name) or (log if _in_log(name) else _owner(folder, name)) for name in sorted(found)}


def _entries(folder: Path) -> Iterator[Path]:
    """All files under the folder, and links to folders: behind these a job would write elsewhere."""
    for parent, folders, names in os.walk(folder):
        yield from (Path(parent) / name for name in names)
        yield from (path for name in folders if (path := Path(parent) / name).is_symlink())


def _in_log(name: str) -> bool:
    return name.startswith(f"{DELTA_LOG}/")


def _owner(folder: Path, name: str) -> str | None:
    staged = _STAGED.fullmatch(name)
    if staged is not None:
        return staged[1]  # not by its metadata: a killed attempt leaves a torn file
    if TORN.fullmatch(name):
        return _NOBODY
    if not LISTED.fullmatch(name):
        # A manifest that does not parse is nobody's, `_SUCCESS` without one as well.
        return None
    try:
        metadata = pq.read_schema(folder / name).metadata or {}
    except (OSError, pa.ArrowException):
        return None
    owner = metadata.get(b"scoring.job_id")
    return owner.decode() if owner else None


def _check_writable(path: Path) -> None:
    nearest = path
    while not nearest.exists():
        nearest = nearest.parent
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise OutputRefused(
            f"cannot write to {path}",
            expected="a writable folder",
            got=f"{nearest} is not",
            remedy="name another --output",
        )
