"""Reference rows of a model: read from a user's file the way a job reads its input, kept in the store, read back."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from scoring.core.binding import Binding, OutputBinding
from scoring.core.columns import ColumnSpec, NullAction
from scoring.core.errors import InputRefused
from scoring.core.options import CsvDialect, JobOptions
from scoring.core.parity import MAX_REFERENCE_BYTES, MAX_REFERENCE_ROWS
from scoring.core.source import InputFile, Position, SourceSchema
from scoring.data.chunk_files import CleanChunk, read_chunk
from scoring.data.inputs import expand_inputs
from scoring.data.nulls import rows_with_nulls
from scoring.data.reference_files import keep_reference, read_reference_file
from scoring.data.schema import check_files, decoded_row_bytes, describe
from scoring.data.split import split
from scoring.ledger.records import ModelContent, Reference
from scoring.model.bind import bind
from scoring.model.expected import PREFIX, find_expected, refuse_strays, typed
from scoring.model.outputs import bind_outputs
from scoring.model.signature import Signature
from scoring.model.spec import ModelSpec
from scoring.pipeline.context import Context
from scoring.pipeline.prepare import named_dialect

_EXPECTED = "e."
_ORIGINAL = "n."


@dataclass(frozen=True, kw_only=True)
class ReferenceFiles:
    """Rows that a user gives with a model."""

    # Rows with the answers to expect, and how far these may be missed; None: the default.
    parity: Path | None = None
    tolerance: float | None = None
    # Rows that later batches are compared with.
    baseline: Path | None = None

    @property
    def given(self) -> bool:
        return any(value is not None for value in (self.parity, self.tolerance, self.baseline))


@dataclass(frozen=True, kw_only=True)
class ReferenceRows:
    """Rows that can be scored, with the answers to expect."""

    # Slots of the binding, typed as the model takes them.
    features: pa.RecordBatch
    binding: Binding
    # Result column → the answers, typed as `expected.typed` does; empty for a baseline.
    expected: Mapping[str, pa.Array]
    # Rows with a null in a column that feeds the model.
    rows_with_nulls: int
    # Columns of the file that are of no use.
    idle: tuple[str, ...] = ()

    @property
    def takes_nulls(self) -> bool:
        """True where a null does not reject its row: the model, or a fill, makes something of it."""
        columns = (*self.binding.columns, *(self.binding.hook.columns if self.binding.hook else ()))
        return any(spec.nulls is not NullAction.REJECT for spec in columns)


def read_rows(context: Context, model: ModelContent, path: Path, *, answers: bool = True) -> ReferenceRows:
    """The rows of a CSV, Parquet or JSON lines file, as a job of the model would feed them.

    answers: every row must be scorable, and have at least one answer to expect; else rows that are rejected are left
    out. Raises InputMissing, InputRefused, ModelRefused.
    """
    file = _one_file(context, path)
    dialect = named_dialect(CsvDialect(), (file,))
    source = describe((file,), dialect)
    signature, spec = Signature.from_json(model.signature), ModelSpec.from_json(model.spec)
    outputs = bind_outputs(signature, spec)
    names = [column.name for column in source.columns]
    named = _named(signature, spec)
    wanted = find_expected(outputs, names, named) if answers else {}
    taken = {column for _, column in wanted.values()}
    rest = replace(source, columns=tuple(column for column in source.columns if column.name not in taken))
    binding = bind(signature, spec, rest, JobOptions())
    idle = _idle(rest, binding)
    if answers:
        refuse_strays(outputs, wanted, [*idle, *_given_unasked(binding, named)])
    filled = [column for column in binding.columns if column.nulls is NullAction.FILL]
    columns = (
        *binding.columns,
        *(ColumnSpec(name=column, slot=_EXPECTED + name, dtype=None) for name, (_, column) in wanted.items()),
        *(ColumnSpec(name=column.name, slot=_ORIGINAL + column.slot, dtype=None) for column in filled),
    )
    check_files((file,), columns, dialect)
    room = max(1, MAX_REFERENCE_BYTES // max(1, decoded_row_bytes(source, columns)))
    clean = _read(file, columns, dialect, min(MAX_REFERENCE_ROWS, room))
    _require_rows(file, clean, all_of_them=answers)
    return ReferenceRows(
        features=clean.batch.select([column.slot for column in binding.columns]),
        binding=binding,
        expected=_typed(clean.batch, wanted),
        rows_with_nulls=rows_with_nulls(clean.batch, binding.columns, originals=_ORIGINAL),
        idle=idle,
    )


def keep_rows(context: Context, rows: ReferenceRows, name: str, tolerance: float = 0.0) -> Reference:
    """Put the rows into the store, once, whoever attaches them."""
    store = context.settings.store
    arrays = [*rows.features.columns, *rows.expected.values()]
    names = [*rows.features.schema.names, *(_EXPECTED + column for column in rows.expected)]
    facts = {"binding": rows.binding.to_json(), "rows_with_nulls": rows.rows_with_nulls}
    batch = pa.RecordBatch.from_arrays(arrays, names=names)
    sha256, path = keep_reference(batch, facts, store / "models", f"{name}.parquet")
    return Reference(
        path=str(path.relative_to(store)),
        sha256=sha256,
        rows=batch.num_rows,
        rows_with_nulls=rows.rows_with_nulls,
        tolerance=tolerance,
        columns=tuple(rows.expected),
    )


def kept_rows(context: Context, reference: Reference) -> ReferenceRows:
    """What `keep_rows` has kept. ModelRefused where the file is gone, or another one."""
    batch, facts = read_reference_file(context.settings.store / reference.path, reference.sha256)
    binding = Binding.from_json(facts["binding"])
    return ReferenceRows(
        features=batch.select([column.slot for column in binding.columns]),
        binding=binding,
        expected={
            name.removeprefix(_EXPECTED): batch.column(name)
            for name in batch.schema.names
            if name.startswith(_EXPECTED)
        },
        rows_with_nulls=facts["rows_with_nulls"],
    )


def _one_file(context: Context, path: Path) -> InputFile:
    files = expand_inputs((str(path),), roots=context.settings.input_roots)
    if len(files) != 1:
        raise InputRefused(
            f"{path} is no reference file", expected="one file", got=f"{len(files)} files", remedy="name the file"
        )
    return files[0]


def _named(signature: Signature, spec: ModelSpec) -> frozenset[str]:
    """Columns that the model, or its spec, calls features by their names."""
    told = [name for columns in spec.inputs.values() for name in columns]
    derived = [derived.column for derived in spec.derive.values()]
    prepared = spec.prepare.columns if spec.prepare else ()
    inputs = [tensor.name for tensor in signature.inputs]
    return frozenset((*inputs, *signature.feature_names, *spec.features, *told, *derived, *prepared))


def _idle(source: SourceSchema, binding: Binding) -> tuple[str, ...]:
    fed = {column.name for column in binding.columns}
    return tuple(column.name for column in source.columns if column.name not in fed)


def _given_unasked(binding: Binding, named: frozenset[str]) -> list[str]:
    """Columns called as answers are that a prepare function gets only because it gets all there are."""
    taken = binding.columns if binding.hook else ()
    return [column.name for column in taken if column.name.startswith(PREFIX) and column.name not in named]


def _read(file: InputFile, columns: Sequence[ColumnSpec], dialect: CsvDialect, limit: int) -> CleanChunk:
    with tempfile.TemporaryDirectory(prefix="scoring-reference-") as folder:
        work = Path(folder)
        found = None
        for chunk, _ in split((file,), columns, dialect, chunk_rows=limit, start=Position(), work=work):
            if found is not None:
                raise InputRefused(
                    f"{file.path} has more rows than a reference may have",
                    expected=f"at most {limit:,} rows of this width",
                    got="more",
                    remedy="take a sample of the rows: it proves as much",
                )
            found = read_chunk(chunk, work, columns)
    if found is None:
        raise InputRefused(f"{file.path} has no row", expected="at least one row", remedy="write some rows")
    return found


def _require_rows(file: InputFile, clean: CleanChunk, *, all_of_them: bool) -> None:
    rejects = clean.rejects
    if clean.batch.num_rows and not (all_of_them and rejects is not None and rejects.num_rows):
        return
    first = rejects.slice(0, 1).to_pylist()[0] if rejects is not None else {}
    line = f", line {first['line']}" if first.get("line") else ""
    column = f"column {first['column']!r}: " if first.get("column") else ""
    raise InputRefused(
        f"row {first.get('_row', 0) + 1} of {file.path}{line} cannot be scored",
        expected="rows that the model can be given, every one" if all_of_them else "at least one that it can be given",
        got=f"{first.get('code')}, {column}{first.get('reason')}",
        remedy="correct the row, or leave it out",
    )


def _typed(batch: pa.RecordBatch, wanted: Mapping[str, tuple[OutputBinding, str]]) -> Mapping[str, pa.Array]:
    return {name: typed(batch.column(_EXPECTED + name), output, column) for name, (output, column) in wanted.items()}
