"""The output folder as a Delta table: one commit per job. Only this file touches deltalake, which is an extra."""

import json
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from scoring.core.chunks import StagedFile
from scoring.core.errors import InputRefused, StorageFault, UsageError
from scoring.data.delta_log import JOB_ID

if TYPE_CHECKING:
    from deltalake import CommitProperties, DeltaTable
    from deltalake.transaction import AddAction, RemoveAction

_DONE = 1
"""Version of a job's application transaction: it has no second one."""

_WIDER = {pa.uint8(): pa.int16(), pa.uint16(): pa.int32(), pa.uint32(): pa.int64()}
"""Delta has signed integers only."""

_SAME = (
    *(pa.types.is_boolean, pa.types.is_signed_integer, pa.types.is_float32, pa.types.is_float64),
    *(pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary),
    *(pa.types.is_date32, pa.types.is_decimal128),
)


def require_delta() -> None:
    """Raises UsageError where the extra is not installed."""
    if find_spec("deltalake") is None:
        raise UsageError(
            "--output-format delta",
            expected="the package deltalake",
            got="an installation without it",
            remedy="pip install 'batch-scoring[delta]'",
        )


def delta_schema(schema: pa.Schema) -> pa.Schema:
    """The columns in types that Delta has, each of which holds every value. Raises InputRefused, all others named."""
    kinds = [_delta_type(field.type) for field in schema]
    misfits = [f"{field.name} ({field.type})" for field, kind in zip(schema, kinds, strict=True) if kind is None]
    if misfits:
        raise InputRefused(
            "a Delta table cannot hold these columns",
            expected="signed integers, floats, text, bytes, dates, microseconds, decimals, and lists of these",
            got=", ".join(misfits),
            remedy="cast them in the input, do not carry them, or leave --output-format delta out",
        )
    return pa.schema(list(zip(schema.names, kinds, strict=True)))


def commit_parts(output: Path, job_id: str, schema: pa.Schema, parts: Sequence[StagedFile]) -> None:
    """Make the job's parts the rows of the table, in one version of it; what it held before is history.

    Doing it again changes nothing: the log bears the job's id. Raises StorageFault where the log cannot be written.
    """
    try:
        from deltalake.exceptions import DeltaError
    except ImportError as error:
        raise _fault(output, "this host has no deltalake: pip install 'batch-scoring[delta]' there") from error
    try:
        _commit(output, job_id, delta_schema(schema), parts)
    except (DeltaError, OSError) as error:
        raise _fault(output, str(error).splitlines()[0][:200]) from error


def _commit(output: Path, job_id: str, schema: pa.Schema, parts: Sequence[StagedFile]) -> None:
    from deltalake import CommitProperties, DeltaTable, Schema
    from deltalake.transaction import Transaction, create_table_with_add_actions

    app = f"scoring/{job_id}"
    said = {JOB_ID: job_id}
    marked = CommitProperties(custom_metadata=said, app_transactions=[Transaction(app, _DONE)])
    adds = [_add(output, part) for part in parts]
    if not DeltaTable.is_deltatable(str(output)):
        create_table_with_add_actions(str(output), Schema.from_arrow(schema), adds, commit_properties=marked)
        return
    table = DeltaTable(str(output))
    if table.transaction_version(app) is None:
        table = _with_schema(table, schema, CommitProperties(custom_metadata=said))
        gone = _removals(table, {part.path for part in parts})
        # Not "overwrite": it would add and remove a part of the same name in one commit, which the protocol forbids.
        table.create_write_transaction([*adds, *gone], "append", table.schema(), commit_properties=marked)


def _with_schema(table: "DeltaTable", schema: pa.Schema, said: "CommitProperties") -> "DeltaTable":
    """The table with these columns: emptied first where they are others, for one commit cannot do both."""
    from deltalake import DeltaTable, Schema

    wanted = Schema.from_arrow(schema)
    if table.schema() == wanted:
        return table
    table.create_write_transaction([], "overwrite", wanted, commit_properties=said)
    return DeltaTable(table.table_uri)


def _add(output: Path, part: StagedFile) -> "AddAction":
    from deltalake.transaction import AddAction

    changed = int((output / part.path).stat().st_mtime * 1000)
    return AddAction(part.path, part.bytes, {}, changed, True, json.dumps({"numRecords": part.rows}))


def _removals(table: "DeltaTable", kept: set[str]) -> list["RemoveAction"]:
    from deltalake.transaction import RemoveAction

    now = int(time.time() * 1000)
    paths = pa.table(table.get_add_actions()).column("path").to_pylist()
    return [RemoveAction(path, True, now) for path in paths if path not in kept]


def _delta_type(kind: pa.DataType) -> pa.DataType | None:
    """The same type, the next wider one, or None."""
    if pa.types.is_dictionary(kind):
        return _delta_type(kind.value_type)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        item = _delta_type(kind.value_type)
        return item and pa.list_(item)
    if pa.types.is_timestamp(kind) and kind.unit != "ns":
        return pa.timestamp("us", "UTC" if kind.tz else None)
    return _WIDER.get(kind, kind if any(is_kind(kind) for is_kind in _SAME) else None)


def _fault(output: Path, what: str) -> StorageFault:
    return StorageFault(
        f"cannot write the Delta log of {output}",
        got=what,
        remedy="see to it, then `scoring retry`: the parts are there",
    )
