"""The names that may feed a model: columns of the input, and what the spec makes of them."""

from collections.abc import Iterable
from dataclasses import dataclass

from scoring.core.conversions import Conversion
from scoring.core.source import ColumnKind, FileColumn, SourceSchema
from scoring.model.hints import require_columns
from scoring.model.spec import ModelSpec


@dataclass(frozen=True, kw_only=True)
class Feature:
    """A column by the name that a model's input knows it by."""

    # Of the column, or a key of `derive`.
    name: str
    column: FileColumn
    conversion: Conversion | None = None


class Catalogue:
    """Features by name, in file order."""

    def __init__(self, source: SourceSchema, spec: ModelSpec, *, taken: frozenset[str] = frozenset()) -> None:
        """taken: columns that are asked for as key, kept or label; never features unless they are named."""
        self._source = source
        self._spec = spec
        self._taken = taken

    def feature(self, name: str) -> Feature | None:
        derived = self._spec.derive.get(name)
        column = self._source.column(derived.column if derived else name)
        if column is None:
            return None
        conversion = derived.conversion if derived else self._spec.categories.get(name)
        return Feature(name=name, column=column, conversion=conversion)

    def features(self, names: Iterable[str]) -> tuple[Feature, ...]:
        """InputRefused naming all columns that the input lacks for them."""
        wanted = list(names)
        self.require(wanted)
        return tuple(found for name in wanted if (found := self.feature(name)) is not None)

    def require(self, names: Iterable[str]) -> None:
        derive = self._spec.derive
        needed = (derive[name].column if name in derive else name for name in names)
        require_columns(needed, self._source, what="features of the model")

    @property
    def names(self) -> list[str]:
        return [column.name for column in self._source.columns]

    @property
    def free(self) -> list[Feature]:
        """One per column that nothing else is asked of."""
        found = (self.feature(column.name) for column in self._source.columns if column.name not in self._taken)
        return [feature for feature in found if feature is not None]

    @property
    def numbers(self) -> list[str]:
        """Free columns that are numbers, or that the spec makes numbers of."""
        return [feature.name for feature in self.free if feature.conversion is not None or _numeric(feature.column)]


class PreparedColumns(Catalogue):
    """Columns that a `prepare` function has yet to make: any name is one, and its cells tell what they are."""

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__(SourceSchema(columns=(), rows=0, rows_exact=False, bytes=0, sample={}), spec)

    def feature(self, name: str) -> Feature | None:
        return Feature(name=name, column=FileColumn(name=name, kind=ColumnKind.JSON, type="prepared"))

    def require(self, names: Iterable[str]) -> None:
        """All of them are promised."""


def _numeric(column: FileColumn) -> bool:
    return column.kind.numeric or column.looks_numeric
