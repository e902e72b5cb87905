"""A CSV file as a stream of UTF-8 bytes, whatever it is compressed with or encoded in."""

import codecs
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import pyarrow as pa

from scoring.core.errors import InputRefused, UsageError
from scoring.core.source import InputFile

BLOCK_BYTES = 2**20
_UTF8_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")


class Text(Protocol):
    """A source of bytes; b"" at the end."""

    def read(self, size: int, /) -> bytes: ...


@contextmanager
def open_text(file: InputFile, encoding: str, offset: int) -> Iterator[tuple[Text, int]]:
    """The decoded text from `offset` on, and the offset where it really starts (past a byte order mark).

    offset: in bytes of the decompressed UTF-8 text. Raises InputRefused where the compressed stream is damaged or
    truncated, UsageError for an unknown encoding.
    """
    with _open_raw(file) as raw:
        text: Text = raw if is_utf8_encoding(encoding) else _Transcoded(raw, encoding, file.path)
        if offset:
            _skip(text, offset)
            yield text, offset
            return
        head = text.read(BLOCK_BYTES)
        if head.startswith(_UTF16_BOMS):
            raise InputRefused(
                f"{file.path} is not UTF-8",
                expected="UTF-8",
                got="a UTF-16 byte order mark",
                remedy="say --encoding utf-16",
            )
        skipped = len(_UTF8_BOM) if head.startswith(_UTF8_BOM) else 0
        yield _Pushed(head[skipped:], text), skipped


class _Pushed:
    """Gives `head` first, then the rest."""

    def __init__(self, head: bytes, rest: Text) -> None:
        self._head = head
        self._rest = rest

    def read(self, size: int, /) -> bytes:
        if self._head:
            head, self._head = self._head[:size], self._head[size:]
            return head
        return self._rest.read(size)


class _Raw:
    """Plain or decompressed bytes; the faults of the codec in words."""

    def __init__(self, file: InputFile) -> None:
        self._path = file.path
        self._plain = io.FileIO(file.path) if file.compression is None else None
        self._packed = None
        if file.compression is not None and file.fingerprint.size:
            self._packed = pa.CompressedInputStream(pa.OSFile(file.path), file.compression)

    def read(self, size: int, /) -> bytes:
        if self._plain is not None:
            return self._plain.read(size) or b""
        if self._packed is None:
            return b""
        try:
            return bytes(self._packed.read(size))
        except OSError as error:
            if error.errno is not None:
                raise
            raise InputRefused(
                f"{self._path} is damaged or cut off", got=str(error), remedy="copy or export the file again"
            ) from None

    def seek(self, offset: int) -> bool:
        """True where the file could be placed at the offset at once."""
        if self._plain is None:
            return False
        self._plain.seek(offset)
        return True

    def close(self) -> None:
        for stream in (self._plain, self._packed):
            if stream is not None:
                stream.close()


class _Transcoded:
    """Any encoding to UTF-8. Bytes that the encoding does not know go on as they are: their row is `bad_encoding`."""

    def __init__(self, raw: Text, encoding: str, path: str) -> None:
        self._raw = raw
        self._path = path
        self._encoding = encoding
        errors = "strict" if codecs.lookup(encoding).name.startswith("utf-") else "surrogateescape"
        self._decoder = codecs.getincrementaldecoder(encoding)(errors)
        self._ready = b""
        self._ended = False

    def read(self, size: int, /) -> bytes:
        while not self._ready and not self._ended:
            data = self._raw.read(size)
            self._ended = not data
            try:
                self._ready = self._decoder.decode(data, final=self._ended).encode("utf-8", "surrogateescape")
            except UnicodeError as error:
                raise InputRefused(
                    f"{self._path} does not decode", expected=self._encoding, got=str(error), remedy="check --encoding"
                ) from None
        given, self._ready = self._ready[:size], self._ready[size:]
        return given


@contextmanager
def _open_raw(file: InputFile) -> Iterator[_Raw]:
    raw = _Raw(file)
    try:
        yield raw
    finally:
        raw.close()


def is_utf8_encoding(encoding: str) -> bool:
    """True where the bytes are read as they are. Raises UsageError for an encoding that Python does not know."""
    try:
        return codecs.lookup(encoding).name in ("utf-8", "utf-8-sig", "ascii")
    except LookupError:
        raise UsageError(
            "--encoding", expected="an encoding that Python knows", got=repr(encoding), remedy="for example latin-1"
        ) from None


def _skip(text: Text, offset: int) -> None:
    if isinstance(text, _Raw) and text.seek(offset):
        return
    left = offset
    while left and (data := text.read(min(left, BLOCK_BYTES))):
        left -= len(data)
