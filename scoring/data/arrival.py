"""Whether an input has arrived: looked at, not opened."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scoring.core.errors import InputMissing
from scoring.data.inputs import expand_inputs

MARKER = "_SUCCESS"
"""The file by which a writer says that its folder is whole."""


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """What one look at the input has shown."""

    # Every input is a folder with its marker: there is no need for a second look.
    marked: bool
    # Over names, sizes and times: two looks that show the same saw an input that nobody writes to.
    digest: str


def arrival(arguments: Sequence[str], *, format: str, roots: Sequence[str]) -> Arrival | None:
    """What lies there; None while any of the inputs is missing. Raises InputRefused for what no waiting can mend."""
    try:
        files = expand_inputs(arguments, format=format, roots=roots)
    except InputMissing:
        return None
    seen = hashlib.sha256()
    for file in files:
        found = file.fingerprint
        seen.update(f"{found.path}\0{found.size}\0{found.mtime_ns}\0{found.inode}\n".encode(errors="surrogateescape"))
    return Arrival(marked=all((Path(argument) / MARKER).is_file() for argument in arguments), digest=seen.hexdigest())
