"""What a result table holds of each chunk of a job, counted and digested by the server itself.

The digest is that of `data/pg_rows.py`: what it covers, and how, stands there.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text

from scoring.core.errors import SettingsError, TableRefused
from scoring.core.result_table import CHUNK, JOB_ID, SLOT, TableColumn
from scoring.ledger.database import Tx
from scoring.ledger.records import Job
from scoring.ledger.result_catalog import SLOT_TYPE
from scoring.ledger.result_sql import execute, literal, qualified, quoted, refusing
from scoring.ledger.result_target import Target, target_of

SECONDS = 3_600
"""To read the rows of a job without an index."""

_SENDERS = {
    "smallint": "int2send",
    "integer": "int4send",
    "bigint": "int8send",
    "real": "float4send",
    "double precision": "float8send",
    "text": "textsend",
    "bytea": "byteasend",
    "boolean": "boolsend",
    "date": "date_send",
    SLOT_TYPE: "timestamptz_send",
    "timestamp without time zone": "timestamp_send",
}
_NUMERIC = re.compile(r"numeric\(\d+,(\d+)\)")


@dataclass(frozen=True, kw_only=True)
class StoredRows:
    """Of one chunk."""

    rows: int
    # 64 hexadecimal digits.
    digest: str


def require_readable(tx: Tx, job: Job) -> Target:
    """The table of a job. Raises TableRefused where it is another one than at submit, SettingsError for this role."""
    target = target_of(tx, job)
    if not tx.scalar(text("SELECT has_table_privilege(CAST(:oid AS oid), 'SELECT')"), {"oid": target.oid}):
        raise SettingsError(
            f"the table {target.relation} is not for this role",
            expected="SCORING_DATABASE_URL of a role that may read it, such as the ledger's owner",
            got="one without SELECT",
            remedy="audit as that one, or `grant select` to this one",
        )
    return target


def stored_rows(tx: Tx, job: Job, key: str, columns: Sequence[TableColumn]) -> dict[int | None, StoredRows]:
    """chunk → its rows, in the order of `key`. Raises as `require_readable`, and TableRefused for other columns.

    columns: those that a part has. A slot, where the table has one, is digested before them.
    """
    target = require_readable(tx, job)
    slot = (TableColumn(name=SLOT, type=SLOT_TYPE),) if target.with_slot else ()
    row = " || ".join(_field(quoted(column.name), column.type) for column in (*slot, *columns))
    execute(tx, f"SET LOCAL statement_timeout = '{SECONDS}s'")
    statement = (
        "SELECT chunk, count(*), encode(sha256(string_agg(row, ''::bytea ORDER BY key)), 'hex') FROM"
        f" (SELECT {quoted(CHUNK)} AS chunk, {quoted(key)} AS key, sha256({row}) AS row"
        f" FROM {qualified(target.relation)} WHERE {quoted(JOB_ID)} = {literal(job.id)}) rows GROUP BY 1"
    )
    with refusing(f"read the rows of {target.table}", TableRefused):
        found = tx.exec_driver_sql(statement, execution_options={"no_parameters": True}).all()
    return {chunk: StoredRows(rows=rows, digest=digest) for chunk, rows, digest in found}


def _field(value: str, kind: str) -> str:
    """The length and the bytes of one value, as an expression."""
    element = kind.removesuffix("[]")
    if element != kind:
        items = f"FROM unnest({value}) WITH ORDINALITY u(e, n)"
        joined = f"SELECT string_agg({_field('e', element)}, ''::bytea ORDER BY n) {items}"
        sent = f"CASE WHEN {value} IS NOT NULL THEN coalesce(({joined}), ''::bytea) END"
    else:
        sent = _sent(value, kind)
    return f"coalesce(int4send(octet_length({sent})) || {sent}, int4send(-1))"


def _sent(value: str, kind: str) -> str:
    numeric = _NUMERIC.fullmatch(kind)
    if numeric is None:
        return f"{_SENDERS[kind]}({value})"
    return f"textsend(CAST(round({value} * 1{'0' * int(numeric[1])}, 0) AS text))"
