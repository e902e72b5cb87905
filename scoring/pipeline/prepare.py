"""Everything that can be decided about a job before it exists: model, files, binding, chunk size, output."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from scoring.core.binding import Binding
from scoring.core.chunks import auto_chunk_rows, check_chunks
from scoring.core.errors import UsageError
from scoring.core.options import CsvDialect, JobOptions
from scoring.core.source import FileFormat, InputFile, SourceSchema
from scoring.data.delta import delta_schema, require_delta
from scoring.data.inputs import expand_inputs
from scoring.data.schema import check_files, decoded_row_bytes, describe
from scoring.data.spool import spool
from scoring.model.bind import bind
from scoring.pipeline.context import Context
from scoring.pipeline.features import require_hook
from scoring.pipeline.model_files import FoundModel, find_model
from scoring.pipeline.result_schema import result_schema

STDIN = "-"


@dataclass(frozen=True, kw_only=True)
class JobRequest:
    """What the user wrote: a model, inputs, options. Paths may still be relative."""

    model: str
    inputs: tuple[str, ...]
    options: JobOptions
    # False: paths were made absolute when they were written down, so a word without a separator is a name.
    model_may_be_here: bool = True


@dataclass(frozen=True, kw_only=True)
class Prepared:
    model: FoundModel
    files: tuple[InputFile, ...]
    # As asked for, with the dialect that the names of the files imply.
    options: JobOptions
    source: SourceSchema
    binding: Binding
    chunk_rows: int
    # Parquet row groups of a good size become chunks as they stand.
    whole_groups: bool
    # Estimated bytes of a row: decoded for the model, and in the result.
    row_bytes: int
    result_row_bytes: int


def prepare(context: Context, request: JobRequest, stdin_to: Path | None = None) -> Prepared:
    """Check the request against what lies on disk. Raises NotFound, InputRefused and its kin, UsageError.

    stdin_to: where the input `-` is kept; None refuses it.
    """
    options = request.options
    roots = context.settings.input_roots
    model = find_model(context, request.model, options.spec, may_be_here=request.model_may_be_here)
    arguments = tuple(_spooled(argument, stdin_to) for argument in request.inputs)
    files = expand_inputs(arguments, format=options.format, roots=roots)
    options = replace(options, dialect=named_dialect(options.dialect, files))
    source = describe(files, options.dialect)
    binding = bind(model.signature, model.spec, source, options)
    require_hook(context.settings, binding.hook)
    check_files(files, binding.columns, options.dialect)
    if options.delta:
        require_delta()
        delta_schema(result_schema(files, binding))
    row_bytes = decoded_row_bytes(source, binding.columns)
    chunk_rows = options.chunk_rows or auto_chunk_rows(row_bytes)
    check_chunks(-(-min(source.rows, options.limit or source.rows) // chunk_rows))
    return Prepared(
        model=model,
        files=files,
        options=options,
        source=source,
        binding=binding,
        chunk_rows=chunk_rows,
        whole_groups=options.chunk_rows is None and all(file.format is FileFormat.PARQUET for file in files),
        row_bytes=row_bytes,
        result_row_bytes=_result_bytes(source, binding),
    )


def named_dialect(given: CsvDialect, files: Sequence[InputFile]) -> CsvDialect:
    """Tabs for .tsv files, as their name says, where no other delimiter is asked for."""
    named = all(".tsv" in PurePath(file.path).suffixes for file in files)
    return replace(given, delimiter="\t") if named and given.delimiter == CsvDialect().delimiter else given


def _spooled(argument: str, stdin_to: Path | None) -> str:
    if argument != STDIN:
        return argument
    if stdin_to is None:
        raise UsageError(
            "the input `-`", expected="files that can be read twice", got="standard input", remedy="save it to a file"
        )
    return spool(sys.stdin.buffer, stdin_to)


_TEXT_BYTES = 16
"""What a text in an answer is taken as."""


def _result_bytes(source: SourceSchema, binding: Binding) -> int:
    outputs = sum(((output.dtype and output.dtype.bytes) or _TEXT_BYTES) * output.width for output in binding.outputs)
    carried = [spec for spec in binding.columns if spec.dtype is None]
    return 8 + decoded_row_bytes(source, carried) + outputs
