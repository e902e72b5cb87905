"""A file of text as a stream of UTF-8 bytes, whatever it is compressed with or encoded in."""

import codecs
import io
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Protocol

import pyarrow as pa

from scoring.core.errors import InputRefused, UsageError
from scoring.core.limits import FREE_BYTES, MAX_RATIO, MAX_TEXT_BYTES
from scoring.core.source import InputFile
from scoring.data.fingerprints import check_opened

BLOCK_BYTES = 2**20
_MEASURED_BYTES = 4 * BLOCK_BYTES
_COUNTED_FILES = 16
_UTF8_BOM = b"\xef\xbb\xbf"
# How files that are no text in UTF-8 begin, what they are, and what to do with them.
_OTHERS = (
    (b"\xff\xfe\x00\x00", "a UTF-32 byte order mark", "say --encoding utf-32"),
    (b"\x00\x00\xfe\xff", "a UTF-32 byte order mark", "say --encoding utf-32"),
    (b"\xff\xfe", "a UTF-16 byte order mark", "say --encoding utf-16"),
    (b"\xfe\xff", "a UTF-16 byte order mark", "say --encoding utf-16"),
    (b"\x1f\x8b", "gzip", "name it .gz"),
    (b"\x28\xb5\x2f\xfd", "zstd", "name it .zst"),
    (b"BZh91AY&SY", "bz2", "name it .bz2"),
    (b"PK\x03\x04", "a zip archive or a spreadsheet", "export it as CSV"),
    (b"PAR1\x15", "Parquet", "say --format parquet"),
)


class Text(Protocol):
    """A source of bytes; b"" at the end."""

    def read(self, size: int, /) -> bytes: ...


@contextmanager
def open_text(file: InputFile, encoding: str, offset: int) -> Iterator[tuple[Text, int]]:
    """The decoded text from `offset` on, and the offset where it really starts (past a byte order mark).

    offset: in bytes of the decompressed UTF-8 text. Raises InputRefused where the compressed stream is damaged,
    truncated or a bomb, InputChanged where another file has taken the place of the one that was checked, UsageError
    for an unknown encoding.
    """
    with _open_raw(file) as raw:
        text: Text = raw if is_utf8_encoding(encoding) else _Transcoded(raw, encoding, file.path)
        if offset:
            _skip(text, offset)
            yield text, offset
            return
        head = text.read(BLOCK_BYTES)
        _check_head(head, file.path)
        skipped = len(_UTF8_BOM) if head.startswith(_UTF8_BOM) else 0
        yield _Pushed(head[skipped:], text), skipped


def _check_head(head: bytes, path: str) -> None:
    for mark, found, remedy in _OTHERS:
        if head.startswith(mark):
            raise InputRefused(f"{path} is not UTF-8", expected="UTF-8", got=found, remedy=remedy)


def can_seek(file: InputFile, encoding: str) -> bool:
    """Whether a place in the text is found without reading what lies before it."""
    return file.compression is None and is_utf8_encoding(encoding)


def is_soon_counted(files: Sequence[InputFile]) -> bool:
    """Whether the files are so few and small that all of their text may be read for the number of its rows."""
    small = all(file.compression is None and file.fingerprint.size <= BLOCK_BYTES for file in files)
    return small and len(files) <= _COUNTED_FILES


def unpacked_size(files: Sequence[InputFile]) -> float:
    """Bytes of text in all files: the compressed ones are taken to be packed as the first of them is."""
    packed = sum(file.fingerprint.size for file in files if file.compression)
    ratio = next((_ratio(file) for file in files if file.compression), 1.0)
    return sum(file.fingerprint.size for file in files) + (ratio - 1) * packed


def _ratio(file: InputFile) -> float:
    """Bytes of text for each byte of a compressed file, by its beginning."""
    with _open_raw(file) as raw:
        while raw.given < _MEASURED_BYTES and raw.read(BLOCK_BYTES):
            pass
        return raw.given / raw.taken if raw.taken else 1.0


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

    def __init__(self, file: InputFile, plain: io.FileIO) -> None:
        self._path = file.path
        self._plain = plain
        # By the open file: a link that is turned between check and opening leads nowhere.
        check_opened(self._plain.fileno(), file.fingerprint)
        self._packed = None
        # Decompressed bytes that the file may have, and has had so far.
        self._most = min(MAX_TEXT_BYTES, max(FREE_BYTES, MAX_RATIO * file.fingerprint.size))
        self.given = 0
        if file.compression is not None:
            self._packed = pa.CompressedInputStream(pa.PythonFile(self._plain, "r"), file.compression)
        # A codec takes no bytes at all for a stream cut off: the file is empty.
        self._empty = file.compression is not None and not file.fingerprint.size

    def read(self, size: int, /) -> bytes:
        if self._packed is None:
            return self._plain.read(size) or b""
        if self._empty:
            return b""
        try:
            data = bytes(self._packed.read(size))
        except OSError as error:
            if error.errno is not None:
                raise
            raise InputRefused(
                f"{self._path} is damaged or cut off", got=str(error), remedy="copy or export the file again"
            ) from None
        self.given += len(data)
        if self.given > self._most:
            raise self._bomb()
        return data

    def _bomb(self) -> InputRefused:
        return InputRefused(
            f"{self._path} decompresses to far more than files of data do",
            expected=f"at most {MAX_RATIO} bytes per compressed byte, and {MAX_TEXT_BYTES:,} in all",
            got=f"{self._most:,} bytes and no end",
            remedy="decompress it first, if it is meant so",
        )

    @property
    def taken(self) -> int:
        """Bytes of the file that have been read, or are about to be."""
        return self._plain.tell()

    def seek(self, offset: int) -> bool:
        """True where the file could be placed at the offset at once."""
        if self._packed is not None:
            return False
        self._plain.seek(offset)
        return True

    def close(self) -> None:
        if self._packed is not None:
            self._packed.close()


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
    with io.FileIO(file.path) as plain, closing(_Raw(file, plain)) as raw:
        yield raw


def is_utf8_encoding(encoding: str) -> bool:
    """True where the bytes are read as they are. Raises UsageError for what Python does not know as a text encoding."""
    try:
        # It refuses the codecs that turn bytes into bytes, of which Python has some.
        io.TextIOWrapper(io.BytesIO(), encoding)
        return codecs.lookup(encoding).name in ("utf-8", "utf-8-sig", "ascii")
    except (LookupError, ValueError):
        raise UsageError(
            "--encoding", expected="an encoding that Python knows", got=repr(encoding), remedy="for example latin-1"
        ) from None


def _skip(text: Text, offset: int) -> None:
    if isinstance(text, _Raw) and text.seek(offset):
        return
    left = offset
    while left and (data := text.read(min(left, BLOCK_BYTES))):
        left -= len(data)
