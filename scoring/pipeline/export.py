"""A result to take away: its rows, or its rows with their input beside them."""

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa

from scoring.core.source import InputFile
from scoring.data.fingerprints import fingerprint
from scoring.data.inputs import expand_inputs
from scoring.data.join_input import InputJoin, JoinedInput
from scoring.data.roots import check_roots
from scoring.ledger.records import Job

OWN_INPUT = ""
"""In place of an input's path: the files that the job read, where they lie."""


def beside_input(job: Job, result: pa.Schema, inputs: Sequence[str], *, roots: Sequence[str] = ()) -> InputJoin:
    """The join of a result with the input that it was made from, wherever that lies now.

    inputs: arguments as `run` takes them, or OWN_INPUT. roots: folders that inputs may lie under. Raises InputRefused
    and its kin.
    """
    files = tuple(file for argument in inputs for file in _files(job, argument, roots))
    joined = JoinedInput(
        files=files,
        dialect=job.options.dialect,
        carried=tuple(name for name, _ in job.binding.carried),
        rows=job.rows_total,
        limit=job.options.limit,
    )
    return InputJoin(result, joined)


def changed_since(job: Job, files: Sequence[InputFile]) -> list[str]:
    """Paths of those files that the job read, and that are no longer as it saw them."""
    seen = {file.path: file.fingerprint for file in job.inputs}
    return [file.path for file in files if seen.get(file.path, file.fingerprint) != file.fingerprint]


def _files(job: Job, argument: str, roots: Sequence[str]) -> Sequence[InputFile]:
    if argument != OWN_INPUT:
        return expand_inputs([argument], format=job.options.format, roots=roots)
    for file in job.inputs:
        check_roots(file.path, roots)
    return [replace(file, fingerprint=fingerprint(file.path, roots)) for file in job.inputs]
