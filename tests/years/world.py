"""A ledger, some schedules, three schedulers, and a time that the test moves; everything else is drawn from a seed."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from pathlib import Path

from sqlalchemy import text

from scoring.core.ids import StepId
from scoring.core.schedules.decide import first_after, passed_slots
from scoring.core.schedules.policies import SlotOrigin
from scoring.core.states import Priority
from scoring.ledger import schedules, slots
from scoring.ledger.clock import maybe_instant, microseconds
from scoring.ledger.database import Tx
from scoring.pipeline.context import Context
from scoring.pipeline.model_files import find_model
from scoring.pipeline.models import ModelCache
from scoring.pipeline.registry import register
from scoring.pipeline.schedule import fire
from scoring.settings import load_settings
from tests.small_models import linear_model
from tests.years.mortal import Killed, dying_after, make_mortal
from tests.years.oracle import Belief, Move, Oracle
from tests.years.plans import LINES, definition, definitions
from tests.years.trail import lay_trail, trail
from workers.process import open_context

SCHEDULERS = 3
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class Deaf:
    """Nobody works on the jobs: the world ends them."""

    def ring(self, steps: Sequence[StepId], priority: Priority) -> bool:
        return True

    def depth(self, priority: Priority) -> int | None:
        return None


class World:
    def __init__(self, url: str, folder: Path, *, seed: int, count: int, begin: datetime, days: int) -> None:
        self.dice = random.Random(seed)
        self.oracle = Oracle()
        self.kills = self.turns = 0
        self._inbox = folder / "inbox"
        self._now, self._end = begin, begin + days * DAY
        # (moment, what, name): "slot" and "job" are looked up then; the rest is an act of a person.
        self._events: list[tuple[datetime, str, str]] = []
        self._ends: list[tuple[datetime, str]] = []
        self._offsets = [timedelta()] * SCHEDULERS
        self._seen = 0
        self._context = self._open(url, folder)
        self._look_again = begin
        for made in definitions(self.dice, count, self._inbox):
            self._add(made.name, made)

    def run(self) -> None:
        """To the end of the time, then until nothing waits any more."""
        while self._now < self._end:
            self._step()
        self._offsets = [timedelta()] * SCHEDULERS
        for _ in range(10_000):
            if not self._waiting():
                break
            self._now += 10 * MINUTE
            self._end_jobs()
            self._turn(kill=False)
        self._check_jobs()
        self._context.ledger.close()

    def _open(self, url: str, folder: Path) -> Context:
        self._inbox.mkdir()
        for day in range(1, 7):
            (self._inbox / f"{day}.csv").write_text("a\n1\n")
        environ = {"SCORING_HOME": str(folder / "home"), "SCORING_DATABASE_URL": url}
        opened = open_context(load_settings(environ, folder=folder))
        context = replace(opened, bell=Deaf(), models=ModelCache(opened.settings.store))
        register(context, find_model(context, str(linear_model(folder / "linear.onnx", weights=[1.0])), None))
        context.ledger.run(lay_trail)
        make_mortal(context.ledger)
        return context

    # ── Time ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _step(self) -> None:
        """To the next moment at which something may happen, and what happens then."""
        self._now = min(self._next_moment(), self._end)
        if self.dice.random() < 0.001:
            self._now += self.dice.choice([5 * MINUTE, HOUR, 9 * HOUR, 2 * DAY])  # no scheduler is up
        else:
            self._now += timedelta(seconds=self.dice.uniform(0, 20))
        self._end_jobs()
        if self.dice.random() < 0.01:
            self._act()
        for _ in range(self.dice.choice([1, 1, 2])):
            self._turn(kill=self.dice.random() < 0.1)
            self._now += timedelta(seconds=self.dice.uniform(0, 3))

    def _next_moment(self) -> datetime:
        """The next slot of any schedule, end of a job, or look at what waits."""
        moments = [belief.cursor for belief in self.oracle.beliefs.values() if belief.cursor and not belief.paused]
        moments += [self._ends[0][0]] if self._ends else []
        if self._waiting():
            moments.append(self._look_again)
            self._look_again = self._now + self.dice.choice([timedelta(seconds=6), 20 * MINUTE, HOUR])
        return max(min(moments, default=self._end), self._now)

    def _waiting(self) -> int:
        with self._context.ledger.read() as tx:
            return int(tx.execute(text("SELECT count(*) FROM slots WHERE look_at IS NOT NULL")).scalar_one())

    def _end_jobs(self) -> None:
        while self._ends and self._ends[0][0] <= self._now:
            _, job_id = heappop(self._ends)
            self._context.ledger.run(lambda tx, job_id=job_id: _end(tx, job_id, self._now))  # type: ignore[misc]
            self.oracle.ended(job_id)

    # ── Schedulers ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _turn(self, *, kill: bool) -> None:
        """One scheduler, any of them, fires by its own clock, and may die of it."""
        who = self.dice.randrange(SCHEDULERS)
        if self.dice.random() < 0.02:
            jumps = [timedelta(), timedelta(), timedelta(seconds=40), -MINUTE, -HOUR, HOUR, 3 * HOUR]
            self._offsets[who] = self.dice.choice(jumps)
        clock = self._now + self._offsets[who]
        self.turns += 1
        whole = True
        more = True
        while more and whole:
            try:
                with dying_after(self.dice.randrange(60) if kill else None):
                    more = fire(self._context, clock)
            except Killed:
                self._context.ledger.close()  # as the system does for a process that is gone
                whole = False
                self.kills += 1
            self.oracle.fired(clock, self._cursors(), self._moves(), whole=whole)

    def _cursors(self) -> dict[str, datetime | None]:
        with self._context.ledger.read() as tx:
            rows = tx.execute(text("SELECT name, next_slot FROM cron_schedules")).all()
        return {row.name: maybe_instant(row.next_slot) for row in rows}

    def _moves(self) -> list[Move]:
        with self._context.ledger.read() as tx:
            self._seen, moves = trail(tx, self._seen)
        for move in moves:
            if move.job_id is not None:
                lasts = self.dice.choice([3 * MINUTE, 20 * MINUTE, 50 * MINUTE, 5 * HOUR, 30 * HOUR])
                heappush(self._ends, (self._now + lasts, move.job_id))
        return moves

    # ── People ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _act(self) -> None:
        name = self.dice.choice(sorted(self.oracle.beliefs))
        self.dice.choice([self._pause, self._pause, self._edit, self._backfill, self._run_one, self._replace])(name)

    def _pause(self, name: str) -> None:
        """Or resume, where it is paused."""
        belief = self.oracle.beliefs[name]
        if belief.paused:
            self._resume(name, belief)
            return
        self._context.ledger.run(lambda tx: schedules.pause(tx, name))
        belief.paused, belief.cursor = True, None

    def _resume(self, name: str, belief: Belief) -> None:
        line, found = belief.definition.line, self._find(name)
        passed = passed_slots(line, found.paused_from, self._now) if found.paused_from else ()
        cursor = first_after(line, self._now)
        self._context.ledger.run(lambda tx: schedules.resume(tx, name, next_slot=cursor, skipped=passed))
        belief.paused, belief.cursor = False, cursor
        moves = self._moves()
        self.oracle.asked(moves, reason="paused")
        assert {move.slot for move in moves} <= set(passed)
        assert all((name, slot) in self.oracle.moves for slot in passed)

    def _edit(self, name: str) -> None:
        belief = self.oracle.beliefs[name]
        changed = definition(self.dice, name, self.dice.choice([belief.definition.cron, *LINES[3:]]), self._inbox)
        cursor = first_after(changed.line, self._now)
        edited = self._context.ledger.run(lambda tx: schedules.edit(tx, changed, next_slot=cursor))
        assert edited.next_slot in (belief.cursor, None if belief.paused else cursor)
        belief.definition, belief.cursor = changed, edited.next_slot

    def _backfill(self, name: str) -> None:
        line = self.oracle.beliefs[name].definition.line
        wanted = passed_slots(line, self._now - 4 * DAY, self._now - DAY)[-9:]
        most = self.dice.choice([None, 1, 2])
        self._ask(name, wanted, SlotOrigin.BACKFILL, most)

    def _run_one(self, name: str) -> None:
        self._ask(name, [self._now.replace(microsecond=0)], SlotOrigin.MANUAL, None)

    def _ask(self, name: str, wanted: Sequence[datetime], origin: SlotOrigin, most: int | None) -> None:
        self._context.ledger.run(
            lambda tx: slots.ask(tx, name, wanted, origin=origin, max_parallel=most, now=self._now)
        )
        self.oracle.asked(self._moves())

    def _replace(self, name: str) -> None:
        """Remove the schedule, and make another one of its name at once."""
        self._context.ledger.run(lambda tx: schedules.remove(tx, name))
        self.oracle.asked(self._moves(), reason="removed")
        del self.oracle.beliefs[name]
        self._add(name, definition(self.dice, name, self.dice.choice(LINES[3:]), self._inbox))

    def _add(self, name: str, made: schedules.ScheduleDefinition) -> None:
        # An hour back: where it has a namesake, its first slots are decided already.
        cursor = first_after(made.line, self._now - HOUR)
        self._context.ledger.run(lambda tx: schedules.add(tx, made, next_slot=cursor))
        self.oracle.beliefs[name] = Belief(definition=made, cursor=cursor)

    def _find(self, name: str) -> schedules.Schedule:
        return self._context.ledger.look(lambda tx: schedules.find(tx, name))

    # ── The end ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _check_jobs(self) -> None:
        """Every slot with a job has one, every job its slot; nothing waits; templates speak of the slot."""
        with self._context.ledger.read() as tx:
            made = tx.execute(text("SELECT job_id, schedule, slot FROM jobs")).all()
            left = tx.execute(text("SELECT schedule, slot, reason FROM slots WHERE state = 'waiting'")).all()
        assert [] == left
        found = {row.job_id: (row.schedule, maybe_instant(row.slot)) for row in made}
        assert self.oracle.jobs == found
        assert len(found) == len(set(found.values())), "a slot has two jobs"
        assert {key for key, move in self.oracle.moves.items() if move.state == "submitted"} == set(found.values())


def _end(tx: Tx, job_id: str, now: datetime) -> None:
    """The job succeeds at a stroke: what workers do is no matter here."""
    tx.execute(text("DELETE FROM steps WHERE job_id = :job"), {"job": job_id})
    ends = (
        "UPDATE jobs SET state = 'succeeded', started_at = submitted_at, finished_at = :now, output_held = :no,"
        " chunks_done = 0, chunks_failed = 0, rows_scored = 0, rows_rejected = 0 WHERE job_id = :job"
    )
    tx.execute(text(ends), {"job": job_id, "now": microseconds(now), "no": False})


def year(number: int) -> datetime:
    return datetime(number, 1, 1, tzinfo=UTC)
