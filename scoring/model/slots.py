"""The columns that feed the model: their slots, types, and what a null in them does."""

import math
from collections.abc import Mapping
from itertools import chain, count

from scoring.core.columns import EXACT_BITS, ColumnSpec, Dtype, Lossy, NullAction
from scoring.core.conversions import Conversion, Scale
from scoring.core.errors import ModelRefused, ScoringError, UsageError
from scoring.core.options import JobOptions
from scoring.core.source import ColumnKind, FileColumn
from scoring.model.catalogue import Feature
from scoring.model.features import Feed
from scoring.model.fits import check_fits
from scoring.model.hints import listed
from scoring.model.values import is_value, nearest

_EXACT = ("int8", "int16", "int32")
_Use = tuple[str, Dtype, tuple[int, ...], str]


class Slots:
    """Collects the feature columns of one binding; a column that is used twice in one way is read once."""

    def __init__(self, options: JobOptions, fills: Mapping[str, str]) -> None:
        self._nulls = options.nulls
        self._lossy = options.lossy
        self._fills = fills
        self._columns: dict[_Use, ColumnSpec] = {}
        self._taken: set[str] = set()
        # What a cast does → the columns that it is done to.
        self._casts: dict[str, list[str]] = {}

    @property
    def columns(self) -> tuple[ColumnSpec, ...]:
        return tuple(self._columns.values())

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(f"{cast}: {listed(names)}" for cast, names in self._casts.items())

    def slots_of(self, feed: Feed) -> tuple[str, ...]:
        """The slots that hold the features as the input's type. InputRefused where one cannot be read so."""
        return tuple(self._slot_of(feature, feed) for feature in feed.features)

    def _slot_of(self, feature: Feature, feed: Feed) -> str:
        dtype = feed.tensor.dtype
        use = (feature.name, dtype, feed.lists, repr(feature.conversion))
        if use not in self._columns:
            check_fits(feature, feed)
            cast = _cast_note(feature.column, dtype, self._lossy) if feature.conversion is None else ""
            if cast:
                self._casts.setdefault(cast, []).append(feature.column.name)
            self._columns[use] = self._spec(feature, feed)
        return self._columns[use].slot

    def _spec(self, feature: Feature, feed: Feed) -> ColumnSpec:
        dtype = feed.tensor.dtype
        nulls, fill = self._null_policy(feature.name, dtype)
        return ColumnSpec(
            name=feature.column.name,
            slot=self._free_slot(feature.name, dtype),
            dtype=dtype,
            list_size=math.prod(feed.lists) if feed.lists else None,
            list_dims=feed.lists if len(feed.lists) > 1 else (),
            nulls=nulls,
            fill=fill,
            conversion=feature.conversion,
            lossy=self._lossy if _may_round(feature.column, feature.conversion, dtype) else None,
        )

    def _free_slot(self, name: str, dtype: Dtype) -> str:
        more = (f"x.{name}:{dtype}:{number}" for number in count(2))
        slot = next(slot for slot in chain((f"x.{name}", f"x.{name}:{dtype}"), more) if slot not in self._taken)
        self._taken.add(slot)
        return slot

    def _null_policy(self, name: str, dtype: Dtype) -> tuple[NullAction, str | None]:
        if name in self._fills:
            return NullAction.FILL, self._checked_fill(self._fills[name], dtype, name)
        if self._nulls.action is NullAction.FILL:
            return NullAction.FILL, self._checked_fill(self._nulls.fill or "", dtype, name)
        if self._nulls.action is NullAction.REJECT or not dtype.is_float:
            return NullAction.REJECT, None
        return NullAction.NAN, None

    def _checked_fill(self, text: str, dtype: Dtype, name: str) -> str:
        if not is_value(text, dtype):
            raise self._bad_fill(name, f"a value of type {dtype}", repr(text))
        held = nearest(text, dtype)
        if held is not None and self._refuses(int(text)):
            raise self._bad_fill(name, f"a value that {dtype} holds exactly", f"{text}, of which {held} is the nearest")
        return text

    def _bad_fill(self, name: str, expected: str, got: str) -> ScoringError:
        """Of model.yaml it is refused input, of the command line wrong usage."""
        what = f"the fill for nulls in {name!r}"
        if name in self._fills:
            return ModelRefused(what, expected=expected, got=got, remedy="correct `fill` in model.yaml")
        remedy = f"give each column its own in model.yaml: `fill: {{{name}: …}}`"
        return UsageError(what, expected=expected, got=got, remedy=remedy)

    def _refuses(self, inexact: int) -> bool:
        """As for the cells that it stands for."""
        beyond = abs(inexact) > 1 << EXACT_BITS[Dtype.FLOAT64]
        return beyond if self._lossy is None else self._lossy is Lossy.REJECT


def _may_round(column: FileColumn, conversion: Conversion | None, dtype: Dtype) -> bool:
    """Whether whole numbers of any size may come to a float tensor."""
    kind = column.element or column.kind
    wide = kind in (ColumnKind.INTEGER, ColumnKind.TEXT, ColumnKind.JSON)
    return dtype.is_float and wide and (conversion is None or isinstance(conversion, Scale))


def _cast_note(column: FileColumn, dtype: Dtype, lossy: Lossy | None) -> str:
    """What a person should know before it is done to a column of a Parquet file; empty where nothing is lost."""
    kind = column.element or column.kind
    if kind is ColumnKind.INTEGER and dtype.is_float:
        if dtype is Dtype.FLOAT64 and _is_narrow(column.type):
            return ""
        return f"{column.type} → {dtype}, exact up to 2^{EXACT_BITS[dtype]}, {_beyond(dtype, lossy)}"
    if kind is ColumnKind.DECIMAL and dtype.is_float:
        return f"{column.type} → {dtype}, rounded to {EXACT_BITS[dtype]} bits"
    if kind is ColumnKind.FLOAT and "double" in column.type and dtype in (Dtype.FLOAT32, Dtype.FLOAT16):
        return f"{column.type} → {dtype}, rounded to {EXACT_BITS[dtype]} bits"
    if kind is ColumnKind.FLOAT and dtype.is_integer:
        return f"{column.type} → {dtype}, rows with a fraction are rejected"
    return ""


def _is_narrow(type: str) -> bool:
    """Whether float64 holds every whole number of the type, or of its elements; a dictionary's indices say nothing."""
    return "dictionary" not in type and any(name in type for name in _EXACT)


def _beyond(dtype: Dtype, lossy: Lossy | None) -> str:
    if lossy is not None:
        return {Lossy.ROUND: "rounded beyond", Lossy.REJECT: "rejected beyond"}[lossy]
    return "rejected beyond" if dtype is Dtype.FLOAT64 else "rounded up to 2^53, rejected beyond"
