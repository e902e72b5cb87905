"""Values for `$name`."""

import pytest

from scoring.core.errors import NotFound, UsageError
from scoring.query.engine import Catalog
from tests.unit.query.test_query import ask


@pytest.mark.parametrize(
    "value", ["'; DROP TABLE job_progress; --", "aaaa1111' OR '1'='1", "../../etc/passwd", "\x1b[2J", "$job", "%", "\\"]
)
def test_a_parameter_is_a_value(catalog: Catalog, value: str) -> None:
    """No text that is given for `$name` becomes a part of the statement, or of a file's name."""
    sql = "SELECT job_id, $job AS given FROM job_progress WHERE job_id = $job OR job_id = 'aaaa1111'"
    assert [{"job_id": "aaaa1111", "given": value}] == ask(catalog, sql, {"job": value})
    with pytest.raises(NotFound):
        ask(catalog, "SELECT * FROM results($job)", {"job": value})


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT n FROM (SELECT 7::BIGINT AS n) WHERE n = $v", [{"n": 7}]),
        ("SELECT d FROM (SELECT 7.5::DOUBLE AS d) WHERE d > $v", [{"d": 7.5}]),
        ("SELECT t FROM (SELECT '7' AS t) WHERE t = $v", [{"t": "7"}]),
        ("SELECT range AS r FROM range(9) WHERE range > $v::BIGINT LIMIT $v", [{"r": 8}]),
        ("SELECT $v::INTEGER + 1 AS n", [{"n": 8}]),
    ],
)
def test_a_parameter_is_a_text_that_fits_where_it_stands(catalog: Catalog, sql: str, expected: object) -> None:
    """Compared with a number it is that number, with a text that text; elsewhere a cast says what it is."""
    assert expected == ask(catalog, sql, {"v": "7"})


@pytest.mark.parametrize(
    ("sql", "given", "words"),
    [
        ("SELECT $a, $b", {"a": "1"}, ["no value for $b"]),
        ("SELECT $a", {"a": "1", "c": "2", "d": "3"}, ["no use for $c, $d"]),
        ("SELECT $a", {"b": "1"}, ["no value for $a", "no use for $b"]),
        ("SELECT 1", {"b": "1"}, ["no use for $b"]),
        ("SELECT * FROM results($job)", {}, ["no value for $job"]),
    ],
)
def test_parameters_that_do_not_fit_are_all_named(
    catalog: Catalog, sql: str, given: dict[str, object], words: list[str]
) -> None:
    """Missing and unknown ones alike, at once."""
    with pytest.raises(UsageError) as refusal:
        ask(catalog, sql, given)
    assert [] == [word for word in words if word not in refusal.value.message]
