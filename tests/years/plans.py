"""Fifty schedules, unlike each other, that a seed draws."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scoring.core.schedules.cron import CronLine
from scoring.core.schedules.definition import ScheduleDefinition
from scoring.core.schedules.policies import CatchUp, Overlap

ZONES = ("Europe/Berlin", "America/New_York")

LINES = (
    *("30 */2 * * *", "0 */6 * * *", "15 1,13 * * *"),
    # In both zones one of these falls into the hour that is left out, and one into the hour that comes twice.
    *("30 2 * * *", "30 1 * * *", "0 2 * * *", "0 3 * * *", "0 0 * * *"),
    *("45 23 * * 1-5", "10 4 * * *", "5 5 * * *", "0 6 * * 1", "20 7 * * 0", "0 1 1 * *", "0 8 L * *"),
)
"""From every two hours to once a month. The first are rare: they make most of the slots."""

OFTEN = 3


def definitions(dice: random.Random, count: int, inbox: Path) -> Iterator[ScheduleDefinition]:
    for number in range(count):
        often = number % 8 == 0
        line = dice.choice(LINES[:OFTEN] if often else LINES[OFTEN:])
        yield definition(dice, f"s{number:02}", line, inbox)


def definition(dice: random.Random, name: str, line: str, inbox: Path) -> ScheduleDefinition:
    values: dict[str, Any] = {
        "overlap": dice.choice(list(Overlap)),
        "catch_up": dice.choice(list(CatchUp)),
        "deadline_seconds": dice.choice([None, None, None, 1800.0, 7200.0]),
        "expect_by": dice.choice([None, "06:00", "3h"]),
        "wait_for_input_seconds": dice.choice([None, None, None, 3600.0]),
    }
    return ScheduleDefinition(
        name=name,
        line=CronLine.parse(line, dice.choice(ZONES)),
        model="linear",
        # There is no input on Sundays.
        inputs=(f"{inbox}/{{slot:%u}}.csv",),
        arguments={"tag": ("of={name}", "day={slot-1d:%Y-%m-%d}")},
        **values,
    )
