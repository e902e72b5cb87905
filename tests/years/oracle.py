"""What should have become of each slot, told from cron lines, declared policies and the jobs that were live.

It sees what a person sees: the rows of `slots` as they change, in order (a trigger of the database notes them), and
where the cursors of the schedules stand. It knows nothing of how the program decides.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from scoring.core.schedules.definition import ScheduleDefinition
from scoring.core.schedules.policies import SLOT_MOVES, CatchUp, Overlap, SlotState

MISSED = timedelta(seconds=120)
_TICK = timedelta(microseconds=1)
SUNDAY = 7


@dataclass(frozen=True, kw_only=True)
class Move:
    """One row of `slots` that came (old is None) or changed its state."""

    schedule: str
    slot: datetime
    old: str | None
    state: str
    reason: str | None
    origin: str
    max_parallel: int | None
    start_by: datetime | None
    job_id: str | None


@dataclass
class Belief:
    """What the oracle holds to be true of one schedule."""

    definition: ScheduleDefinition
    cursor: datetime | None
    paused: bool = False


class Oracle:
    def __init__(self) -> None:
        self.beliefs: dict[str, Belief] = {}
        self.moves: dict[tuple[str, datetime], Move] = {}
        # Of each schedule the slots with a live job, by the origin of the slot.
        self.live: defaultdict[str, dict[datetime, str]] = defaultdict(dict)
        self.jobs: dict[str, tuple[str, datetime]] = {}
        # Of each schedule the slots that its cron line has made and that still wait.
        self.waiting: defaultdict[str, set[datetime]] = defaultdict(set)
        self.seen: Counter[str] = Counter()

    def fired(self, now: datetime, cursors: dict[str, datetime | None], moves: list[Move], *, whole: bool) -> None:
        """Judge one turn of a scheduler whose clock said `now`; `whole`: nobody killed it."""
        came: defaultdict[str, dict[datetime, Move]] = defaultdict(dict)
        for move in moves:
            if move.old is None:
                came[move.schedule][move.slot] = move
        for name, belief in self.beliefs.items():
            before, after = belief.cursor, cursors[name]
            if after == before:
                assert not came[name], f"{name}: slots without a decision: {came[name]}"
                assert not whole or before is None or before > now, f"{name}: due since {before}, now {now}"
                continue
            assert before is not None
            self._decided(belief, before, after, now, came[name])
            belief.cursor = after
        for move in moves:
            self._moved(move, now)

    def asked(self, moves: list[Move], *, reason: str | None = None) -> None:
        """Take note of what a person did, which needs no judging but for its reason."""
        for move in moves:
            assert reason == move.reason
            self._note(move)

    def ended(self, job_id: str) -> None:
        schedule, slot = self.jobs[job_id]
        del self.live[schedule][slot]

    def _decided(
        self, belief: Belief, before: datetime, after: datetime | None, now: datetime, came: dict[datetime, Move]
    ) -> None:
        """The cursor went from `before` to `after`: what lies between got its row now, as --catch-up says."""
        name, line = belief.definition.name, belief.definition.line
        passed = list(takewhile(lambda slot: slot <= now, line.after(before - _TICK)))
        assert next(line.after(now), None) == after, f"{name}: cursor at {after}, now {now}"
        expected = {slot: self._verdict(belief, slot, passed[-1], now) for slot in passed}
        new = {slot: move.state if move.reason is None else move.reason for slot, move in came.items()}
        old = {slot for slot in passed if (name, slot) in self.moves}
        assert {slot: state for slot, state in expected.items() if slot not in old} == new, f"{name} at {now}"
        self.seen.update(new.values())

    @staticmethod
    def _verdict(belief: Belief, slot: datetime, newest: datetime, now: datetime) -> str:
        runs = {
            CatchUp.ALL: True,
            CatchUp.NONE: now - slot <= MISSED,
            CatchUp.LATEST: now - slot <= MISSED or slot == newest,
        }
        return "waiting" if runs[belief.definition.catch_up] else "catch_up"

    def _moved(self, move: Move, now: datetime) -> None:
        if move.old is not None:
            known = self.moves[move.schedule, move.slot]
            assert known.state == move.old, f"{move} after {known}"
            assert move.state in SLOT_MOVES[SlotState(move.old)], f"no such move: {move}"
            {"submitted": self._submitted, "skipped": self._skipped, "refused": self._refused}[move.state](move, now)
            self.seen[f"{move.origin} {move.state} {move.reason or ''}".strip()] += 1
        self._note(move)

    def _note(self, move: Move) -> None:
        self.moves[move.schedule, move.slot] = move
        if move.state == "waiting" and move.origin == "cron":
            self.waiting[move.schedule].add(move.slot)
        else:
            self.waiting[move.schedule].discard(move.slot)
        if move.job_id is not None:
            assert move.job_id not in self.jobs, f"one job for two slots: {move}"
            self.jobs[move.job_id] = (move.schedule, move.slot)
            self.live[move.schedule][move.slot] = move.origin

    def _submitted(self, move: Move, now: datetime) -> None:
        belief, others = self.beliefs[move.schedule], self.live[move.schedule]
        assert self._has_input(belief, move.slot), f"no input: {move}"
        if move.origin == "backfill":
            side_by_side = sum(origin == "backfill" for origin in others.values())
            assert move.max_parallel is None or side_by_side < move.max_parallel, f"too many at once: {move}"
        elif move.origin == "cron":
            assert not belief.paused, f"while paused: {move}"
            assert move.start_by is None or now <= move.start_by, f"after its deadline, at {now}: {move}"
            if belief.definition.overlap is not Overlap.ALLOW:
                assert not self._in_the_way(move.schedule), f"beside {others}: {move}"
            if belief.definition.overlap is Overlap.QUEUE:
                assert min(self.waiting[move.schedule]) == move.slot, f"out of its turn: {move}"

    def _skipped(self, move: Move, now: datetime) -> None:
        assert "cron" == move.origin, f"asked for by a person: {move}"
        if move.reason == "deadline":
            assert move.start_by is not None, f"it has none: {move}"
            assert now > move.start_by, f"in time, at {now}: {move}"
        else:
            assert "overlap" == move.reason
            assert Overlap.FORBID is self.beliefs[move.schedule].definition.overlap
            assert self._in_the_way(move.schedule), f"nothing is live: {move}"

    def _refused(self, move: Move, now: datetime) -> None:
        belief = self.beliefs[move.schedule]
        assert not self._has_input(belief, move.slot), f"the input is there, at {now}: {move}"

    def _in_the_way(self, name: str) -> bool:
        return any(origin != "backfill" for origin in self.live[name].values())

    @staticmethod
    def _has_input(belief: Belief, slot: datetime) -> bool:
        return slot.astimezone(belief.definition.line.zone).isoweekday() != SUNDAY
