"""Files of reference rows in the store: typed as the model takes them, and named by their digest."""

import json
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from scoring.core.errors import ModelRefused
from scoring.data.arrays import one_batch
from scoring.data.digests import digest_of
from scoring.data.storage import copy_hashed

_KEY = b"scoring.reference"


def keep_reference(rows: pa.RecordBatch, facts: Mapping[str, Any], folder: Path, name: str) -> tuple[str, Path]:
    """Write the rows into folder/<sha256>/<name>; (sha256, path). facts: what else is to be found with them, as JSON.

    The same rows are one file. Raises StorageFault.
    """
    table = pa.Table.from_batches([rows]).replace_schema_metadata({_KEY: json.dumps(facts, sort_keys=True)})
    with tempfile.TemporaryDirectory(prefix="scoring-reference-") as folder_of_today:
        path = Path(folder_of_today) / name
        pq.write_table(table, path, compression="zstd", write_page_checksum=True, row_group_size=max(1, len(rows)))
        sha256, kept = copy_hashed(path, folder)
        # Rows are data, and follow the umask as results do. Those that another user has kept already stay as they are.
        with suppress(PermissionError):
            kept.chmod(path.stat().st_mode & 0o444)
        return sha256, kept


def read_reference_file(path: Path, sha256: str) -> tuple[pa.RecordBatch, Mapping[str, Any]]:
    """Rows and facts as they were kept. ModelRefused where the file is gone, or another one."""
    try:
        digest = digest_of(path)
    except FileNotFoundError:
        digest = "no file"
    if digest != sha256:
        raise ModelRefused(
            f"the reference rows at {path} are not those that were registered",
            expected=f"sha256 {sha256}",
            got=digest,
            remedy="put the file back, or attach the rows again with `scoring model parity NAME --file FILE`",
        )
    with pq.ParquetFile(path, page_checksum_verification=True, pre_buffer=False) as file:
        facts: Mapping[str, Any] = json.loads(file.schema_arrow.metadata[_KEY])
        return one_batch(file.read(use_threads=False).replace_schema_metadata()), facts
