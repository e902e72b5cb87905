"""SHA-256 of files."""

import hashlib
from pathlib import Path
from typing import Protocol

_READ_BYTES = 2**20


class Digest(Protocol):
    def update(self, data: bytes | memoryview, /) -> None: ...
    def hexdigest(self) -> str: ...


def new_digest() -> Digest:
    return hashlib.sha256()


def digest_of(path: Path) -> str:
    """64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while data := file.read(_READ_BYTES):
            digest.update(data)
    return digest.hexdigest()
