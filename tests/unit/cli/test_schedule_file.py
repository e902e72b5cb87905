"""`schedule apply`: a file and the ledger made alike, at once or not at all, with what differs shown first."""

from pathlib import Path
from textwrap import dedent

import pytest

from scoring.cli.schedule_file import read_file
from scoring.core.errors import InputMissing, UsageError
from tests.unit.cli.conftest import Schedules

ONE = """
x-defaults: &defaults
  model: churn.onnx
  input: rows.csv
  key: [id]
schedules:
  churn:
    <<: *defaults
    cron: "0 2 * * *"
    timezone: Europe/Berlin
    expect-by: 10:30
    overwrite: yes
    output: out
"""

TWO = f"""{ONE}
  hourly:
    <<: *defaults
    cron: "@hourly"
    na: [no, 007]
    tag: {{team: growth, day: "{{slot:%d}}"}}
    threshold: 0.4
    keep: 30
    keep_column: plan
"""


def write(schedules: Schedules, text: str) -> Path:
    path = schedules.folder / "jobs.yaml"
    path.write_text(dedent(text))
    return path


def test_a_file_is_applied_and_then_nothing_differs(schedules: Schedules) -> None:
    """What was added, changed and left is told; the second time all of it is unchanged."""
    file = write(schedules, TWO)
    first = schedules("apply", "-f", file)
    assert ["+ churn  At 02:00 every day", "+ hourly  At the start of every hour"] == first.out.splitlines()
    assert "2 added" in first.err
    again = schedules("apply", "-f", file, "--json").json
    assert [("churn", "unchanged"), ("hourly", "unchanged")] == [(step["schedule"], step["change"]) for step in again]
    shown = schedules.one("hourly")
    assert (["no", "007"], ["team=growth", "day={slot:%d}"], 0.4) == (shown["na"], shown["tag"], shown["threshold"])
    assert ("30", ["plan"], True) == (shown["keep"], shown["keep_column"], shown["managed"])
    assert ("10:30", True) == (schedules.one()["expect_by"], schedules.one()["overwrite"])


def test_an_own_option_counts_before_one_that_is_merged_in(schedules: Schedules) -> None:
    """And of several merged mappings the first, as YAML has it."""
    file = write(
        schedules,
        """
        x-a: &a {cron: "1 * * * *", key: a, label: a}
        x-b: &b {cron: "2 * * * *", key: b, model: churn.onnx, input: rows.csv}
        schedules:
          churn: {key: own, <<: [*a, *b]}
        """,
    )
    schedules("apply", "-f", file)
    shown = schedules.one()
    assert ("1 * * * *", ["own"], "a") == (shown["cron"], shown["key"], shown["label"])


def test_paths_count_from_the_folder_of_the_file(schedules: Schedules, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the command is called."""
    file = write(schedules, TWO)
    elsewhere = schedules.folder / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    schedules("apply", "-f", "../jobs.yaml")
    shown = schedules.one()
    assert [f"{schedules.folder}/rows.csv"] == shown["input"]
    assert (f"{schedules.folder}/churn.onnx", f"{schedules.folder}/out") == (shown["model"], shown["output"])
    assert file.exists()


def test_differences_are_shown_field_by_field_and_dry_run_changes_nothing(schedules: Schedules) -> None:
    """Old → new, for each field that differs."""
    schedules("apply", "-f", write(schedules, TWO))
    changed = TWO.replace("0 2 * * *", "30 2 * * *").replace("overwrite: yes", "").replace("output: out", "")
    file = write(schedules, changed)
    shown = schedules("apply", "-f", file, "--dry-run")
    assert "~ churn\n    cron: 0 2 * * * → 30 2 * * *\n" in shown.out
    assert "overwrite: True → none" in shown.out
    assert "= hourly" in shown.out
    assert "0 2 * * *" == schedules.one()["cron"]
    schedules("apply", "-f", file)
    assert ("30 2 * * *", 2) == (schedules.one()["cron"], schedules.one()["revision"])


def test_prune_removes_what_an_earlier_apply_made_and_nothing_else(schedules: Schedules) -> None:
    """A schedule made by hand stays; without --prune all stay."""
    schedules.add("by-hand")
    schedules("apply", "-f", write(schedules, TWO))
    file = write(schedules, ONE)
    schedules("apply", "-f", file)
    assert ["by-hand", "churn", "hourly"] == [row["schedule"] for row in schedules("list", "--json").json]
    assert "- hourly" in schedules("apply", "-f", file, "--prune").out
    assert ["by-hand", "churn"] == [row["schedule"] for row in schedules("list", "--json").json]


def test_a_schedule_made_by_hand_that_the_file_names_becomes_the_files(schedules: Schedules) -> None:
    """That is shown as a difference, too."""
    schedules.add("churn")
    assert "managed: False → True" in schedules("apply", "-f", write(schedules, TWO)).out
    assert schedules.one()["managed"]


def test_every_problem_of_a_file_is_named_at_once_with_its_line(schedules: Schedules) -> None:
    """And nothing is applied, not even the schedule that is right."""
    file = write(
        schedules,
        """
        schedules:
          good: {cron: "@daily", model: churn.onnx, input: rows.csv}
          no_line: {cron: nightly, model: churn.onnx, input: rows.csv}
          slip: {cron: "@daily", modle: churn.onnx, input: rows.csv}
          gone: {cron: "@daily", model: missing.onnx, input: rows.csv}
          flag: {cron: "@daily", model: churn.onnx, input: rows.csv, strict: perhaps}
          number: {cron: "@daily", model: churn.onnx, input: rows.csv, threshold: high}
          parts: {cron: {a: b}, model: churn.onnx, input: rows.csv}
          good: {cron: "@daily", model: churn.onnx, input: rows.csv}
        more: 1
        """,
    )
    refused = schedules("apply", "-f", file, code=2).err
    assert "has 8 problems" in refused
    for line, said in (
        (4, "no_line: the cron line"),
        (5, "slip.modle: there is no option 'modle'"),
        (6, "gone: no model at"),
        (7, "flag.strict"),
        (8, "number.threshold"),
        (9, "parts.cron"),
        (10, "'good' stands here twice"),
        (11, "more"),
    ):
        assert f"line {line}: " in refused, line
        assert said in refused, said
    assert len(refused.splitlines()) <= 12
    assert [] == schedules("list", "--json").json


def test_every_problem_of_one_schedule_is_named_at_once(schedules: Schedules) -> None:
    """Each on its line, whatever else is wrong beside it; what is right is not blamed."""
    file = write(
        schedules,
        """
        schedules:
          churn:
            cron: nightly
            timezone: Europe/Berlni
            model: unknown
            input: "-"
            overlap: maybe
            modle: churn.onnx
            strict: true
            max-rejected: 1
            label: plan
            require: accuracy>=high
        """,
    )
    refused = schedules("apply", "-f", file, code=2).err
    found = [
        (6, "no model unknown"),
        (4, "the cron line"),
        (5, "--timezone"),
        (7, "--input"),
        (8, "--overlap"),
        (9, "churn.modle"),
        (10, "--strict"),
        (13, "accuracy>=high"),
    ]
    assert f"has {len(found)} problems" in refused, refused
    for line, said in found:
        assert any(f"line {line}: churn" in text and said in text for text in refused.splitlines()), said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("{}", ["--cron", "--model", "--input"], id="all that is needed"),
        pytest.param("{cron: {a: b}}", ["churn.cron", "--model", "--input"], id="a line that cannot be read is there"),
        pytest.param("{cron: '@hourly', model: m, input: i, output: o}", ["--output"], id="what two options make"),
        pytest.param(
            "{cron: '@daily', model: m, input: i, require: 'f1>0'}", ["--require"], id="one that lacks another"
        ),
        pytest.param("{cron: '@daily', model: m, input: '{slto}', keep: x}", ["{slto}", "--keep"], id="a template"),
    ],
)
def test_each_problem_is_told_once(tmp_path: Path, text: str, said: list[str]) -> None:
    """As many as there are, and no more."""
    file = tmp_path / "jobs.yaml"
    file.write_text(f"schedules: {{churn: {text}}}")
    _, problems = read_file(file)
    assert len(said) == len(problems.found), problems.found
    for word in said:
        assert any(word in line for _, line in problems.found), word


def test_a_bad_name_hides_no_other_problem(tmp_path: Path) -> None:
    """It is one more."""
    file = tmp_path / "jobs.yaml"
    file.write_text("schedules: {Churn: {cron: x, model: m, input: i}}")
    assert 2 == len(read_file(file)[1].found)


@pytest.mark.parametrize("option", ["key: null", "key: [id, ~]", "output: NULL", "strict: ~", "tag: {a: null}"])
def test_nothing_is_no_text(tmp_path: Path, option: str) -> None:
    """A column called null has quotes."""
    file = tmp_path / "jobs.yaml"
    file.write_text(f"schedules: {{churn: {{cron: '@daily', model: m, input: i, {option}}}}}")
    [(_, said)] = read_file(file)[1].found
    assert "quote it" in said
    file.write_text("schedules: {churn: {cron: '@daily', model: m, input: i, key: 'null'}}")
    entries, problems = read_file(file)
    problems.check()
    assert entries[0].definition is not None
    assert ("null",) == entries[0].definition.arguments["key"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("- a", id="a list"),
        pytest.param("schedules:", id="nothing below it"),
        pytest.param("schedules: [a]", id="a list of names"),
        pytest.param("schedules: {a: }", id="a name alone"),
        pytest.param("schedules: {a: {<<: b, cron: x}}", id="a merge of a text"),
        pytest.param("schedules: {[a]: {}}", id="a name that is a list"),
        pytest.param("schedules: &a {a: *a}", id="a loop"),
    ],
)
def test_a_file_that_is_none_of_schedules_is_refused(tmp_path: Path, text: str) -> None:
    """Whatever its shape, it is said in words."""
    file = tmp_path / "jobs.yaml"
    file.write_text(text)
    _, problems = read_file(file)
    with pytest.raises(UsageError, match="problem"):
        problems.check()


@pytest.mark.parametrize("content", [b"a: [", b"\xff\xfe\x00", b"!!python/object:os.system {}\n: :", b"[" * 2000])
def test_what_is_no_yaml_is_refused(tmp_path: Path, content: bytes) -> None:
    """No tag is obeyed, and no depth brings the reader down."""
    file = tmp_path / "jobs.yaml"
    file.write_bytes(content)
    with pytest.raises(UsageError):
        read_file(file)[1].check()


def test_a_file_that_is_missing_is_said(tmp_path: Path) -> None:
    """By name."""
    with pytest.raises(InputMissing, match="no file"):
        read_file(tmp_path / "none.yaml")
