"""What `scoring plan` shows to people."""

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

import click

from scoring.cli.output import Row, cell, print_facts, print_table, say

if TYPE_CHECKING:
    from scoring.pipeline.plan import Plan
    from scoring.pipeline.plan_binding import BoundColumn, BoundInput
    from scoring.pipeline.plan_sample import Sample

SHOWN = 10
"""Names in one line: the rest is counted."""

_COLUMNS = ("input", "tensor", "column", "type", "cast", "nulls", "conversion")


def print_plan(plan: "Plan") -> None:
    """Facts and the binding table on stdout, examples of rejects below it, warnings on stderr."""
    print_facts(
        {
            "files": f"{len(plan.files)}: {_names(plan.files)}",
            "rows": f"{plan.rows:,}" if plan.rows_exact else f"about {plan.rows:,}",
            "chunks": plan.chunks,
            "disk": f"about {size_in_words(plan.disk_bytes)}",
            "time": _time(plan),
            "prepare": plan.prepare,
            "ignored": _names(plan.ignored),
            "sample": _sample(plan.sample),
        }
    )
    click.echo()
    rows = [row for bound in plan.binding for row in _rows(bound)]
    # A column of the table that would be empty says nothing.
    print_table(rows, [name for name in _COLUMNS if name in _COLUMNS[:4] or any(row[name] for row in rows)])
    if plan.sample.examples:
        click.echo("\nrejected in the sample")
        for example in plan.sample.examples:
            line = "" if example.line is None else f":{example.line}"
            column = f" in column {cell(example.column)}" if example.column else ""
            click.echo(f"  {cell(example.file)}{line}  {example.code}{column}: {cell(example.reason)}")
    for warning in plan.warnings:
        say(f"warning: {warning}")


def _rows(bound: "BoundInput") -> Iterator[Row]:
    """One for each stretch of columns that are alike in all but the name."""
    from scoring.pipeline.plan_binding import sampled

    for _, stretch in groupby(
        bound.sources, key=lambda source: (source.type, source.cast, source.nulls, source.conversion)
    ):
        sources = list(stretch)
        yield {
            "input": bound.input,
            "tensor": bound.dtype,
            "column": _stretch(sources),
            "type": sources[0].type,
            "cast": sources[0].cast,
            "nulls": sources[0].nulls + sampled(sources),
            "conversion": sources[0].conversion,
        }


def _stretch(sources: "list[BoundColumn]") -> str:
    if len(sources) <= 3:
        return ", ".join(source.column for source in sources)
    return f"{sources[0].column} … {sources[-1].column} ({len(sources)} columns)"


def _names(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return cell(names[:SHOWN]) + more


def _sample(sample: "Sample") -> str:
    if not sample.rows:
        return "no row"
    untried = f"; the model was not given {sample.untried:,} of them" if sample.untried else ""
    return f"{sample.rejected:,} of the first {sample.rows:,} rows would be rejected{untried}"


def size_in_words(count: int) -> str:
    """count: of bytes."""
    if count < 2**10:
        return f"{count} bytes"
    return f"{count / 2**10:,.1f} KiB" if count < 2**20 else f"{count / 2**20:,.1f} MiB"


def _time(plan: "Plan") -> str | None:
    if plan.seconds is None:
        return None
    took = f"about {plan.seconds:,g} s" if plan.seconds >= 1 else "less than a second"
    probed = ", by a probe of reading and of the model on all cores, without writing"
    return took + (", as the last job went" if plan.forecast == "past" else probed)
