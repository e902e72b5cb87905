"""From the arguments of a command to the list of input files."""

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from scoring.core.errors import InputMissing, InputRefused
from scoring.core.source import FileFormat, InputFile
from scoring.data.fingerprints import fingerprint

_FORMATS = {
    ".csv": FileFormat.CSV,
    ".tsv": FileFormat.CSV,
    ".parquet": FileFormat.PARQUET,
    ".jsonl": FileFormat.JSON_LINES,
    ".ndjson": FileFormat.JSON_LINES,
}
_COMPRESSIONS = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}
# Often one document, not one object per line: taken for JSON lines only where --format says so.
_JSON = ".json"
_KNOWN = ".csv, .tsv, .jsonl, .ndjson (each also .gz, .zst, .bz2), .parquet"
_GLOB_CHARACTERS = "*?["


def expand_inputs(
    arguments: Sequence[str], *, format: str = "auto", roots: Sequence[str] = ()
) -> tuple[InputFile, ...]:
    """Files in the order of the arguments; a glob, a directory (recursive) sorted by path; `@file` is a list of paths.

    format: auto | csv | parquet | jsonl; other than auto it overrides the extension. roots: folders that inputs may
    lie under, by real path; empty: no restriction. Raises InputMissing, InputRefused.
    """
    files = [
        _input_file(path, format, roots)
        for argument in arguments
        for path in _paths(argument, format, roots, Path.cwd())
    ]
    if not files:
        raise InputMissing("no input", expected="files, folders, globs or @lists", remedy="name at least one")
    return tuple(files)


def under_roots(path: str, roots: Sequence[str]) -> bool:
    """True where the real path lies in one of the folders, or none is given."""
    real = os.path.realpath(path)
    return not roots or any(Path(real).is_relative_to(os.path.realpath(root)) for root in roots)


def check_roots(path: str, roots: Sequence[str], setting: str = "SCORING_INPUT_ROOTS") -> None:
    if not under_roots(path, roots):
        raise InputRefused(
            f"{path} lies outside the allowed folders",
            expected="a path under " + ", ".join(roots),
            got=os.path.realpath(path),
            remedy=f"move it there, or extend {setting}",
        )


def _paths(argument: str, format: str, roots: Sequence[str], base: Path) -> Iterator[str]:
    path = os.path.normpath(base / argument)
    if Path(path).is_dir():
        check_roots(path, roots)
        yield from _folder(path, format)
    elif os.path.lexists(path):
        yield path
    elif argument.startswith("@"):
        yield from _list(os.path.normpath(base / argument[1:]), format, roots)
    elif "://" in argument:
        raise InputRefused(argument, expected="a local path", got="a URL", remedy="copy the object to a local file")
    elif any(character in argument for character in _GLOB_CHARACTERS):
        yield from _glob(path, argument, format, roots)
    else:
        raise InputMissing(f"no such file: {argument}", got=path, remedy="check the path")


def _glob(pattern: str, argument: str, format: str, roots: Sequence[str]) -> Iterator[str]:
    found = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
    if not found:
        raise InputMissing(f"no file fits {argument}", remedy="check the pattern; quote it so that the shell leaves it")
    for path in found:
        if Path(path).is_dir():
            check_roots(path, roots)
            yield from _folder(path, format)
        else:
            yield path


def _folder(folder: str, format: str) -> list[str]:
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(("_", "."))]
        found += [
            str(Path(parent) / name) for name in names if not name.startswith(("_", ".")) and _known(name, format)
        ]
    if not found:
        raise InputMissing(f"no input file in {folder}", expected=_KNOWN, remedy="name the files")
    return sorted(found)


def _list(path: str, format: str, roots: Sequence[str]) -> Iterator[str]:
    fingerprint(path)
    check_roots(path, roots)
    try:
        lines = Path(path).read_text("utf-8").splitlines()
    except UnicodeDecodeError:
        raise InputRefused(path, expected="a list of paths in UTF-8", remedy="one path per line") from None
    for line in lines:
        name = line.strip()
        if name and not name.startswith("#"):
            yield from _paths(name, format, roots, Path(path).parent)


def _known(name: str, format: str) -> bool:
    ending, _ = _endings(name)
    if format == FileFormat.JSON_LINES and ending == _JSON:
        return True
    return ending in _FORMATS and format in ("auto", _FORMATS[ending].value)


def _endings(name: str) -> tuple[str, str | None]:
    """The extension that tells the format, and the compression that the one behind it tells."""
    path = Path(name.lower())
    compression = _COMPRESSIONS.get(path.suffix)
    return Path(path.stem).suffix if compression else path.suffix, compression


def _input_file(path: str, format: str, roots: Sequence[str]) -> InputFile:
    check_roots(path, roots)
    seen = fingerprint(path)
    ending, compression = _endings(path)
    found = _FORMATS.get(ending) if format == "auto" else FileFormat(format)
    if found is None:
        raise _unknown(path, ending)
    if found is FileFormat.PARQUET and compression:
        raise InputRefused(path, expected="Parquet as it stands", got=compression, remedy="decompress it first")
    return InputFile(path=path, format=found, fingerprint=seen, compression=compression)


def _unknown(path: str, ending: str) -> InputRefused:
    if ending == _JSON:
        remedy = "say --format jsonl if each of its lines is an object"
        return InputRefused(path, expected=_KNOWN, got="one JSON document, by its extension", remedy=remedy)
    remedy = "say --format csv, parquet or jsonl"
    return InputRefused(path, expected=_KNOWN, got="another extension", remedy=remedy)
