"""Keys as text, whatever type a file gave them."""

import datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from scoring.core.errors import InputRefused
from scoring.data.label_keys import comparable, key_texts


@pytest.mark.parametrize(
    ("column", "texts"),
    [
        (pa.array([1, None, -3]), ["1", None, "-3"]),
        (pa.array([7.0, None, 1.5, 123456789012.0]), ["7", None, "1.5", "123456789012"]),
        (pa.array([float("inf"), float("nan")]), ["inf", "nan"]),
        (pa.array([16777216.0], pa.float32()), ["16777216"]),
        (pa.array([" a", ""]), [" a", ""]),
        (pa.array(["a"], pa.large_string()), ["a"]),
        (pa.array([Decimal("1.50")]), ["1.50"]),
        (pa.array([datetime.date(2026, 1, 31)]), ["2026-01-31"]),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_keys_become_text(column: pa.Array, texts: list[str | None]) -> None:
    """pandas makes floats of whole numbers beside a null: they are written as the numbers that they were."""
    assert texts == key_texts(column).to_pylist()


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (pa.array(["a"]).dictionary_encode(), pa.string()),
        (pa.array([1.5], pa.float16()), pa.float32()),
        (pa.array([Decimal(10**40)], pa.decimal256(41)), pa.string()),
        (pa.array([3]), pa.int64()),
    ],
    ids=str,
)
def test_result_keys_have_types_that_sql_engines_know(column: pa.Array, kind: pa.DataType) -> None:
    """The others are brought to the nearest one."""
    assert kind == comparable(column, "id").type


def test_a_list_is_no_key() -> None:
    """Said with what works in its place."""
    with pytest.raises(InputRefused, match="_row"):
        comparable(pa.array([[1]]), "id")
