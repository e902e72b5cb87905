"""JSON lines of labels: found, checked, and laid out as plain UTF-8 for the reader."""

import os
from collections.abc import Sequence
from pathlib import Path

from scoring.core.source import FileFormat, InputFile
from scoring.data.fingerprints import fingerprint
from scoring.data.roots import check_roots
from scoring.data.storage import storage_faults
from scoring.data.text_stream import BLOCK_BYTES, is_utf8_encoding, open_text

_ENDINGS = (".jsonl", ".ndjson", ".json")
_COMPRESSIONS = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}


def is_json_lines(argument: str) -> bool:
    """By the name alone: .jsonl, .ndjson or .json, also compressed."""
    path = Path(argument.lower())
    return (Path(path.stem).suffix if path.suffix in _COMPRESSIONS else path.suffix) in _ENDINGS


def plain_lines(argument: str, encoding: str, roots: Sequence[str], folder: Path) -> Path:
    """A plain file in UTF-8 with the lines: the file itself where it is one, else a copy in `folder`.

    Raises InputMissing, InputRefused, StorageFault.
    """
    path = os.path.normpath(Path.cwd() / argument)
    check_roots(path, roots)
    compression = _COMPRESSIONS.get(Path(path.lower()).suffix)
    # The stream of text is that of CSV files: bytes, decompressed and brought to UTF-8.
    file = InputFile(path=path, format=FileFormat.CSV, fingerprint=fingerprint(path, roots), compression=compression)
    if compression is None and is_utf8_encoding(encoding):
        return Path(path)
    copy = folder / "lines.jsonl"
    with open_text(file, encoding, 0) as (text, _), storage_faults(folder), copy.open("wb") as writer:
        while data := text.read(BLOCK_BYTES):
            writer.write(data)
    return copy
