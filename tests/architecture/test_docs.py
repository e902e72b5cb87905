"""Docs that cannot fall behind: whatever a user can type, set or read is named in `docs/`."""

import re
from collections.abc import Iterator
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import click
import pytest

from scoring.cli.main import cli
from scoring.core.errors import ErrorCode
from scoring.core.schedules.policies import SLOT_MOVES, SlotState
from scoring.core.states import JOB_MOVES, STEP_MOVES, JobState, Priority, StepState
from scoring.ledger.database import Ledger
from scoring.ledger.reports import VIEWS, view
from scoring.queue import KEY_PREFIX, queue_name
from scoring.settings import PREFIX, Settings

DOCS = Path(__file__).parents[2] / "docs"


def text(*names: str) -> str:
    """All pages, or those named, as one text."""
    pages = [DOCS / name for name in names] if names else sorted(DOCS.rglob("*.md"))
    return "\n".join(page.read_text(encoding="utf-8") for page in pages)


def commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    """Every command below a group as it is typed, groups included."""
    with click.Context(group, info_name=path) as context:
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            yield f"{path} {name}", command
            if isinstance(command, click.Group):
                yield from commands(command, f"{path} {name}")


COMMANDS = dict(commands(cli, "scoring"))
OPTIONS = sorted(
    {
        max(parameter.opts, key=len)
        for command in COMMANDS.values()
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.hidden
    }
)


@pytest.mark.parametrize("command", [*COMMANDS, "submit-job"])
def test_every_command_is_named(command: str) -> None:
    """A command stands in the docs as a person types it."""
    assert re.search(rf"\b{re.escape(command)}\b", text())


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_is_named(option: str) -> None:
    """An option of any command stands in the docs by its long name."""
    assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", text())


@pytest.mark.parametrize("setting", [PREFIX + field.name.upper() for field in fields(Settings)])
def test_every_setting_is_named(setting: str) -> None:
    """A setting stands on its page by the name that the environment has for it."""
    assert f"`{setting}`" in text("settings.md")


@pytest.mark.parametrize("name", VIEWS)
def test_every_view_is_named_with_its_columns(name: str, tmp_path: Path) -> None:
    """The section of a view in `sql.md` names each of its columns."""
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    with ledger.read() as tx:
        columns, _ = view(tx, name)
    ledger.close()
    section = re.search(rf"^### `{name}`.*?(?=^##|\Z)", text("sql.md"), re.MULTILINE | re.DOTALL)
    assert section, f"docs/sql.md has no section on {name}"
    assert [] == [column for column in columns if not re.search(rf"\b{column}\b", section[0])]


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_error_code_is_named(code: ErrorCode) -> None:
    """Whoever meets a code in SQL finds it in the docs."""
    assert f"`{code}`" in text()


State = JobState | StepState | SlotState

ARROWS = [
    (kind, old, new)
    for kind, moves in (("Jobs", JOB_MOVES), ("Steps", STEP_MOVES), ("Slots", SLOT_MOVES))
    for old in moves
    for new in sorted(moves[old])
]


@pytest.mark.parametrize(("kind", "old", "new"), ARROWS, ids=str)
def test_every_move_has_its_line(kind: str, old: State, new: State) -> None:
    """`state_machine.md` says of each move who makes it, on what, and in which function."""
    lines = re.findall(r"^\| (.*?) → (.*?) \|(.*)\|(.*)\|$", section_of(kind), re.MULTILINE)
    assert any(
        f"`{old}`" in start and f"`{new}`" in end and who.strip() and where.strip() for start, end, who, where in lines
    )


def section_of(kind: str) -> str:
    found = re.search(rf"^## {kind}.*?(?=^## |\Z)", text("state_machine.md"), re.MULTILINE | re.DOTALL)
    assert found, f"docs/state_machine.md has no section on {kind}"
    return found[0]


def test_functions_named_in_the_docs_exist() -> None:
    """`ledger.steps.claim` on a page is a function of that file: a renamed one is renamed there too."""
    named = set(re.findall(r"`(?:scoring\.)?(ledger|pipeline|data|model|query)\.(\w+)\.(\w+)`", text()))
    assert named
    assert [] == [name for name in named if not hasattr(import_module(f"scoring.{name[0]}.{name[1]}"), name[2])]


def test_queue_names_and_key_prefix_stand_on_the_operations_page() -> None:
    """Whoever looks into Redis finds what is ours."""
    page = text("operations.md")
    assert [] == [name for name in [KEY_PREFIX, *map(queue_name, Priority)] if f"`{name}`" not in page]
