"""A group whose commands are imported when they are called, and whose help is printed from a table."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click

from scoring.core.errors import UsageError


@dataclass(frozen=True)
class Entry:
    """One command, known without importing it."""

    name: str
    # Where it lies: the module, a colon, its name there.
    target: str
    # One sentence, also the command's own short help.
    help: str

    def load(self) -> click.Command:
        module, _, attribute = self.target.partition(":")
        command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{self.target} is no command")
        return command


class PlainGroup(click.Group):
    """A group that prints its help when it is called without a command, and guesses what a wrong one meant."""

    def parse_args(self, context: click.Context, arguments: list[str]) -> list[str]:
        if not arguments:
            click.echo(context.get_help())
            context.exit()
        return super().parse_args(context, arguments)

    def resolve_command(
        self, context: click.Context, arguments: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = arguments[0]
        if self.get_command(context, name) is None:
            known = self.list_commands(context)
            close = get_close_matches(name, known, n=1)
            raise UsageError(
                f"{context.command_path} has no command {name!r}",
                expected=", ".join(known),
                got=name,
                remedy=f"did you mean {context.command_path} {close[0]}?"
                if close
                else f"{context.command_path} --help",
            )
        return super().resolve_command(context, arguments)


class LazyGroup(PlainGroup):
    """The top group: commands under headings."""

    def __init__(self, *arguments: Any, sections: Mapping[str, tuple[Entry, ...]], **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.sections = sections
        self._entries = {entry.name: entry for entries in sections.values() for entry in entries}

    def list_commands(self, context: click.Context) -> list[str]:
        return list(self._entries)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        entry = self._entries.get(name)
        return entry.load() if entry else None

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        for title, entries in self.sections.items():
            with formatter.section(title):
                formatter.write_dl([(entry.name, entry.help) for entry in entries])
