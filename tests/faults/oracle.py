"""What must hold after every fault, whatever it was: I1 to I9 of a settled job."""

import json
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.compute as pc

from tests.faults.scene import Scene, Work, rows_of, undisturbed, undisturbed_digest


def prove(work: Work, *, state: str = "succeeded") -> None:
    """Fail with what differs."""
    found = work.scene.program.json("status", work.job_id)
    assert state == found["state"], found
    proven = json.loads(work.scene.program.run("audit", work.job_id, "--json").stdout)
    assert proven["ok"], [check for check in proven["checks"] if check["status"] == "failed"]
    job = (work.rows, work.chunk_rows, work.shape)
    if state == "succeeded":
        assert undisturbed_digest(*job) == proven["digest"], differences(undisturbed(*job), rows_of(work.out))
    elif work.done():
        assert found["error_code"], "a job that did not succeed says why"
        assert is_part_of(rows_of(work.out), undisturbed(*job)), "rows that the undisturbed job does not have"
    assert [] == leaks(work.scene, [work.out, work.scene.folder / "store" / "work"])


def differences(expected: pa.Table, got: pa.Table) -> str:
    """In words, for whoever looks at a failed test."""
    columns = (
        [name for name in expected.column_names if expected[name] != got[name]] if same_shape(expected, got) else []
    )
    return f"expected {expected.num_rows} rows, got {got.num_rows}; columns that differ: {columns}"


def same_shape(expected: pa.Table, got: pa.Table) -> bool:
    return (expected.num_rows, expected.schema) == (got.num_rows, got.schema)


def is_part_of(some: pa.Table, whole: pa.Table) -> bool:
    """Whether each row stands in `whole` as it is."""
    return some.equals(whole.filter(pc.is_in(whole["_row"], some["_row"])))


def leaks(scene: Scene, folders: list[Path]) -> list[str]:
    """Where a password of the servers stands: in a log, in an output, in a row of the ledger."""
    secrets = [urlsplit(server.url).password or "" for server in (scene.servers.postgres, scene.servers.redis)]
    files = [*scene.folder.glob("*.log"), *(path for folder in folders for path in folder.rglob("*") if path.is_file())]
    told = [str(path) for path in files if any(secret.encode() in path.read_bytes() for secret in secrets)]
    tables = [str(name) for (name,) in scene.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    for secret in secrets:
        told += [
            name
            for name in tables
            if scene.sql(f'SELECT 1 FROM "{name}" t WHERE t::text LIKE %s LIMIT 1', f"%{secret}%")
        ]
    return told
