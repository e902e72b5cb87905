"""A `prepare` function: the columns that it gets, and those that it must give."""

from collections.abc import Sequence
from dataclasses import dataclass

from scoring.core.binding import Hook
from scoring.core.columns import ColumnSpec
from scoring.core.source import SourceSchema
from scoring.model.fits import check_kind
from scoring.model.hints import require_columns
from scoring.model.spec_prepare import Prepare


@dataclass(frozen=True, kw_only=True)
class BoundHook:
    hook: Hook
    # Columns to read for its frame.
    reads: tuple[ColumnSpec, ...]


def bind_hook(
    prepare: Prepare, source: SourceSchema, taken: frozenset[str], features: Sequence[ColumnSpec]
) -> BoundHook:
    """taken: columns that are asked for as key, kept or label; features: what the model's inputs are fed by.

    InputRefused naming the columns that the input lacks. Nulls come to the function as they are.
    """
    require_columns(prepare.columns, source, what="columns for `prepare`")
    free = (column.name for column in source.columns if column.name not in taken)
    types = prepare.columns or dict.fromkeys(free)
    for name, dtype in prepare.columns.items():
        column = source.column(name)
        if column is not None:
            check_kind(column, dtype, what="`prepare`")
    reads = tuple(ColumnSpec(name=name, slot=f"r.{name}", dtype=dtype) for name, dtype in types.items())
    hook = Hook(
        function=prepare.function,
        arguments=tuple((spec.slot, spec.name) for spec in reads),
        columns=tuple(features),
    )
    return BoundHook(hook=hook, reads=reads)
