"""Values that model.yaml and the options say for a tensor: fills, and codes of categories."""

import pytest

from scoring.core.columns import Dtype, Lossy
from scoring.core.conversions import Categories
from scoring.core.errors import ModelRefused, UsageError
from scoring.core.options import JobOptions, NullRule
from scoring.model.bind import bind
from scoring.model.spec import ModelSpec
from tests.unit.model.test_bind_spec import BOOL, F32, I64, TEXT, csv, wants


@pytest.mark.parametrize(
    ("text", "dtype", "fits"),
    [
        ("0.5", F32, True),
        ("nan", F32, True),
        ("inf", F32, False),
        ("1e39", F32, False),
        ("70000", Dtype.FLOAT16, False),
        ("-1", Dtype.UINT8, False),
        ("256", Dtype.UINT8, False),
        ("255", Dtype.UINT8, True),
        ("1.0", I64, False),
        ("1_000", I64, False),
        ("1_000", F32, False),
        ("٣", I64, False),
        (".5e3", F32, True),
        ("yes", BOOL, False),
        ("TRUE", BOOL, True),
        ("", TEXT, True),
    ],
)
def test_a_fill_is_a_value_that_the_tensor_holds(text, dtype, fits):
    """A fill beyond its range would be another value than the one that was asked for."""
    options = JobOptions(nulls=NullRule.parse(f"fill={text}"))
    try:
        bind(wants(("a", dtype, 1)), ModelSpec(), csv("a"), options)
        bound = True
    except UsageError:
        bound = False
    assert fits == bound


@pytest.mark.parametrize(
    ("codes", "dtype", "words"),
    [
        (("16777217",), F32, "float32 holds exactly; got 16777217 for 'v0', of which 16777216 is the nearest"),
        (("0", "-16777217"), F32, "-16777217 for 'v1', of which -16777216 is"),
        (("9007199254740993",), Dtype.FLOAT64, "of which 9007199254740992 is"),
        (("16777217.0", "16777216"), F32, "float32 tells apart; got 16777217.0 and 16777216"),
        (("0", "1e-60"), F32, "tells apart"),
        (("16777216", "0.1", "1e30", "1.0", "1", "nan", "nan"), F32, None),
        (("16777217", "16777216"), Dtype.FLOAT64, None),
        (("9007199254740993", "9007199254740992"), I64, None),
    ],
)
def test_codes_reach_the_model_as_they_are_written(codes, dtype, words):
    """A whole number that the tensor's type would round is refused, and so are codes that it would make one."""
    spec = ModelSpec(categories={"a": Categories(codes={f"v{place}": code for place, code in enumerate(codes)})})
    if words is None:
        bind(wants(("a", dtype, 1)), spec, csv("a"), JobOptions())
        return
    with pytest.raises(ModelRefused, match=words):
        bind(wants(("a", dtype, 1)), spec, csv("a"), JobOptions())


@pytest.mark.parametrize(
    ("text", "lossy", "words"),
    [
        ("9007199254740993", None, "float64 holds exactly; got 9007199254740993, of which 9007199254740992 is"),
        ("9007199254740993", Lossy.ROUND, None),
        ("9007199254740994", None, None),
        ("1e300", None, None),
    ],
)
def test_a_fill_is_rounded_no_further_than_a_cell(text, lossy, words):
    """Beyond 2^53 a whole number that the type does not hold is refused, unless the job rounds all of them."""
    spec = ModelSpec(fill={"a": text})
    if words is None:
        bind(wants(("a", Dtype.FLOAT64, 1)), spec, csv("a"), JobOptions(lossy=lossy))
        return
    with pytest.raises(ModelRefused, match=words):
        bind(wants(("a", Dtype.FLOAT64, 1)), spec, csv("a"), JobOptions(lossy=lossy))
