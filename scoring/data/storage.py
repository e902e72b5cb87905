"""The store: its identity, files that are kept by their digest, and room on the disk."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scoring.core.errors import InputMissing, InputRefused, StorageFault
from scoring.data.digests import digest_of, new_digest

STORE_ID_FILE = "store-id"
_COPY_BYTES = 4 * 2**20
_AGAIN = "do it again"
"""What is kept by its digest is kept for a command, not for a job."""


def store_id(store: Path, *, create: bool) -> str | None:
    """The uuid in the store's id file. create: make it where there is none; else None then."""
    path = store / STORE_ID_FILE
    try:
        return path.read_text("ascii").strip()
    except FileNotFoundError:
        if not create:
            return None
    store.mkdir(parents=True, exist_ok=True)
    temporary = store / f".{STORE_ID_FILE}.{uuid.uuid4().hex}"
    write_whole(temporary, f"{uuid.uuid4()}\n".encode())
    try:
        # A link fails where another process was first: its id stands.
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
    return path.read_text("ascii").strip()


def copy_hashed(source: Path, folder: Path) -> tuple[str, Path]:
    """Copy a file into folder/<sha256>/<its name>, hashing on the way; (sha256, path of the copy).

    The same content is stored once. Raises InputMissing, InputRefused, StorageFault.
    """
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".incoming-{uuid.uuid4().hex}"
    digest = new_digest()
    try:
        with _opened(source) as reader, storage_faults(folder, then=_AGAIN), temporary.open("wb") as writer:
            while data := os.read(reader, _COPY_BYTES):
                digest.update(data)
                writer.write(data)
            writer.flush()
            os.fsync(writer.fileno())
        with storage_faults(folder, then=_AGAIN):
            return digest.hexdigest(), _keep(temporary, folder / digest.hexdigest(), source.name)
    finally:
        temporary.unlink(missing_ok=True)


def keep_bytes(data: bytes, folder: Path, name: str) -> tuple[str, Path]:
    """Write bytes into folder/<sha256>/<name>; (sha256, path). The same bytes are stored once. Raises StorageFault."""
    digest = new_digest()
    digest.update(data)
    temporary = folder / f".incoming-{uuid.uuid4().hex}"
    with storage_faults(folder, then=_AGAIN):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            write_whole(temporary, data)
            return digest.hexdigest(), _keep(temporary, folder / digest.hexdigest(), name)
        finally:
            temporary.unlink(missing_ok=True)


def free_bytes(path: Path) -> int:
    """Bytes free for this user on the disk that holds `path`, or will hold it."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


def write_whole(path: Path, data: bytes, mode: int = 0o666) -> None:
    """Write beside, fsync, rename, fsync the folder: the file is old or new, never torn."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    with storage_faults(path.parent):
        try:
            with os.fdopen(os.open(temporary, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, mode), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def storage_faults(folder: Path, *, then: str = "`scoring retry`") -> Iterator[None]:
    """What the disk refuses becomes StorageFault, with the folder named. then: what to do once there is room."""
    try:
        yield
    except OSError as error:
        raise StorageFault(
            f"cannot write to {folder}",
            got=_reason(error),
            remedy=f"make room or give the rights there, then {then}",
        ) from error


def _reason(error: OSError) -> str:
    # Arrow has a sentence of its own around the system's.
    return os.strerror(error.errno) if error.errno is not None else str(error)


@contextmanager
def _opened(source: Path) -> Iterator[int]:
    try:
        handle = os.open(source, os.O_RDONLY)
    except FileNotFoundError:
        raise InputMissing(f"no such file: {source}", remedy="check the path") from None
    except OSError as error:
        raise InputRefused(f"cannot read {source}", got=str(error.strerror), remedy="check its permissions") from None
    try:
        yield handle
    finally:
        os.close(handle)


def _keep(temporary: Path, folder: Path, name: str) -> Path:
    folder.mkdir(exist_ok=True)
    held = next((path for path in sorted(folder.iterdir()) if not path.name.startswith(".")), None)
    if held is not None and digest_of(held) == folder.name:
        return held
    target = held or folder / name
    temporary.chmod(0o444)
    temporary.replace(target)
    sync_folder(folder)
    return target
