"""From the arguments of a command to the list of input files."""

import glob
import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NoReturn

from scoring.core.errors import InputMissing, InputRefused
from scoring.core.limits import MAX_FILES, MAX_LIST_BYTES
from scoring.core.source import FileFormat, InputFile
from scoring.data.fingerprints import fingerprint
from scoring.data.roots import check_roots, opener_within

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
# Files there are regular by name, of size 0, and never the same twice.
_KERNEL = ("/proc/", "/sys/")
_GLOB_CHARACTERS = "*?["


def expand_inputs(
    arguments: Sequence[str], *, format: str = "auto", roots: Sequence[str] = ()
) -> tuple[InputFile, ...]:
    """Files in the order of the arguments; a glob, a directory (recursive) sorted by path; `@file` is a list of paths.

    format: auto | csv | parquet | jsonl; other than auto it overrides the extension. roots: folders that inputs may
    lie under, by real path; empty: no restriction. Raises InputMissing, InputRefused.
    """
    paths = (path for argument in arguments for path in _paths(argument, format, roots, Path.cwd()))
    files = [_input_file(path, format, roots) for path in islice(paths, MAX_FILES)]
    if next(paths, None) is not None:
        raise InputRefused(
            "too many files for one job",
            expected=f"at most {MAX_FILES:,}",
            got="more",
            remedy="join small files, or submit several jobs",
        )
    if not files:
        raise InputMissing("no input", expected="files, folders, globs or @lists", remedy="name at least one")
    return tuple(files)


def _paths(argument: str, format: str, roots: Sequence[str], base: Path) -> Iterator[str]:
    path = os.path.normpath(base / argument)
    if _is_folder(path):
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
    try:
        found = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
    except (ValueError, OSError):
        found = []
    if not found:
        raise InputMissing(f"no file fits {argument}", remedy="check the pattern; quote it so that the shell leaves it")
    for path in found:
        if _is_folder(path):
            check_roots(path, roots)
            yield from _folder(path, format)
        else:
            yield path


def _folder(folder: str, format: str) -> list[str]:
    found = []
    for parent, folders, names in os.walk(folder, onerror=_unreadable):
        folders[:] = [name for name in folders if not name.startswith(("_", "."))]
        for name in folders:
            _check_no_link(str(Path(parent) / name))
        found += [
            str(Path(parent) / name) for name in names if not name.startswith(("_", ".")) and _known(name, format)
        ]
        if len(found) > MAX_FILES:
            break
    if not found:
        raise InputMissing(f"no input file in {folder}", expected=_KNOWN, remedy="name the files")
    return sorted(found)


def _check_no_link(folder: str) -> None:
    """Raises InputRefused for a link: followed, its files might come twice or without end; left out, be missed."""
    if os.path.islink(folder):  # noqa: PTH114 - Path.is_symlink raises for a name that is too long
        raise InputRefused(
            folder,
            expected="folders that are no links, inside a folder",
            got=f"a link to {os.path.realpath(folder)}",
            remedy="name that folder as an input of its own, or let the link begin with _ to leave it out",
        )


def _unreadable(error: OSError) -> NoReturn:
    raise InputRefused(
        f"cannot read the folder {error.filename}", got=str(error.strerror), remedy="check its permissions"
    )


def _list(path: str, format: str, roots: Sequence[str]) -> Iterator[str]:
    size = fingerprint(path).size
    check_roots(path, roots)
    if size > MAX_LIST_BYTES:
        raise InputRefused(
            f"{path} cannot be read",
            expected=f"a list of at most {MAX_LIST_BYTES:,} bytes",
            got=f"{size:,}",
            remedy="is it a list?",
        )
    try:
        with open(path, encoding="utf-8-sig", opener=opener_within(roots)) as file:  # Path has no opener
            lines = file.read(MAX_LIST_BYTES + 1).split("\n")
    except UnicodeDecodeError:
        raise InputRefused(
            f"{path} cannot be read", expected="a list of paths in UTF-8", remedy="one path per line"
        ) from None
    for number, line in enumerate(lines, 1):
        name = line.strip()
        if name.startswith("@") and not os.path.lexists(Path(path).parent / name):
            raise InputRefused(
                f"{path}, line {number}", expected="a path", got="another list", remedy="name each list by itself"
            )
        if name and not name.startswith("#"):
            yield from _paths(name, format, roots, Path(path).parent)


def _is_folder(path: str) -> bool:
    return os.path.isdir(path)  # noqa: PTH112 - Path.is_dir raises for a name that is too long


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
    _check_place(path)
    seen = fingerprint(path, roots)
    ending, compression = _endings(path)
    found = _FORMATS.get(ending) if format == "auto" else FileFormat(format)
    if found is None:
        raise _unknown(path, ending)
    if found is FileFormat.PARQUET and compression:
        raise InputRefused(
            f"{path} cannot be read", expected="Parquet as it stands", got=compression, remedy="decompress it first"
        )
    return InputFile(path=path, format=found, fingerprint=seen, compression=compression)


def _check_place(path: str) -> None:
    """Raises InputRefused for a name that no ledger can hold, and for what the kernel makes up as it is read."""
    if not path.isprintable() and any("\ud800" <= character <= "\udfff" for character in path):
        raise InputRefused(
            f"{path} cannot be read",
            expected="a name in UTF-8",
            got="bytes that are none",
            remedy="rename the file, or its folder",
        )
    if os.path.realpath(path).startswith(_KERNEL):
        raise InputRefused(
            f"{path} cannot be read",
            expected="a regular file",
            got="a file of the kernel",
            remedy="write its content to a file first",
        )


def _unknown(path: str, ending: str) -> InputRefused:
    said = f"the format of {path} is not known"
    if ending == _JSON:
        remedy = "say --format jsonl if each of its lines is an object"
        return InputRefused(said, expected=_KNOWN, got="one JSON document, by its extension", remedy=remedy)
    remedy = "say --format csv, parquet or jsonl"
    return InputRefused(said, expected=_KNOWN, got="another extension", remedy=remedy)
