"""JSON lines of labels: what is a label, what is none, and what is refused."""

from pathlib import Path

import pytest

from scoring.core.errors import InputRefused
from scoring.query.json_labels import JsonLabels


def read(folder: Path, *lines: str) -> list[tuple[str | None, str | None]]:
    path = folder / "truth.jsonl"
    path.write_text("\n".join(lines) + "\n")
    with JsonLabels(path, key="id", label="y", true="1", false="0") as labels:
        return [
            (row["id"], row["y"]) for batch in labels.batches() for row in batch.rename_columns(["id", "y"]).to_pylist()
        ]


@pytest.mark.parametrize(
    ("value", "label"),
    [
        ("null", None),
        ("NaN", None),
        ("nan", None),
        ("true", "1"),
        ("false", "0"),
        ('"true"', "true"),
        ('"NaN"', "NaN"),
        ('" "', " "),
        ('"qu\\"ote\\u00e9"', 'qu"oteé'),
        ("1", "1"),
        ("1.50", "1.5"),
        ("9007199254740993", "9007199254740993"),
    ],
)
def test_a_value_is_a_label_or_none(tmp_path: Path, value: str, label: str | None) -> None:
    """Booleans are called as the classes are; texts are texts, whatever they spell; what is no number is no label."""
    assert [("a", label)] == read(tmp_path, f'{{"id": "a", "y": {value}}}')


@pytest.mark.parametrize("line", ['{"id": 2, "y": {"a": 1}}', '{"id": 2, "y": [1]}', '{"id": [1], "y": 2}'])
def test_an_object_is_neither_key_nor_label(tmp_path: Path, line: str) -> None:
    """The value that is one is shown."""
    with pytest.raises(InputRefused, match="an object or an array") as refused:
        read(tmp_path, '{"id": 1, "y": 1}', line)
    assert refused.value.got in ('{"a":1}', "[1]")


def test_keys_are_texts(tmp_path: Path) -> None:
    """Of texts, of numbers and of booleans alike; a member that is not there is null."""
    lines = ('{"id": "a", "y": 1}', '{"id": 7, "y": 1}', '{"id": true, "y": 1}', '{"y": 1}')
    assert ["a", "7", "true", None] == [key for key, _ in read(tmp_path, *lines)]
