"""Models, processes, and what the deployment remembers."""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import insert

from scoring.core.errors import NotFound, UsageError
from scoring.core.schedules.cron import CronLine
from scoring.core.schedules.definition import ScheduleDefinition
from scoring.core.states import Priority
from scoring.ledger import jobs, meta, model_uses, models, processes, schedules
from scoring.ledger.database import Tx
from scoring.ledger.records import ModelVersion, NewVersion, Process, ProcessKind
from scoring.ledger.tables import job_metrics
from tests.ledger.desk import Desk


def _register(desk: Desk, name: str = "churn", sha256: str = "a" * 64, **spec: str) -> ModelVersion:
    new = NewVersion(name=name, sha256=sha256, path=sha256, signature={"inputs": ["x"]}, spec=spec)
    return desk.run(lambda tx: models.register(tx, new))


def test_the_same_file_is_the_same_version(desk: Desk) -> None:
    """Other bytes, or another spec beside them, are the next one."""
    versions = [_register(desk), _register(desk), _register(desk, sha256="b" * 64), _register(desk, task="binary")]
    assert [1, 1, 2, 3] == [version.version for version in versions]
    assert versions[0] == versions[1]
    assert {"inputs": ["x"]} == versions[0].signature


def test_versions_are_numbered_without_gap_or_double(desk: Desk) -> None:
    """However many register at once."""
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda digit: _register(desk, sha256=digit * 64).version, "123456"))
    assert [1, 2, 3, 4, 5, 6] == sorted(found)


def test_a_model_is_found_by_name_version_and_alias(desk: Desk) -> None:
    """The bare name is the newest version."""
    for digit in "12":
        _register(desk, sha256=digit * 64)
    desk.run(lambda tx: models.set_alias(tx, "churn", "champion", 1))
    find = lambda ref: desk.ledger.look(lambda tx: models.find_model(tx, ref))  # noqa: E731
    assert [2, 1, 1] == [find(ref).version for ref in ("churn", "churn:1", "churn@champion")]
    assert ("champion",) == find("churn:1").aliases
    desk.run(lambda tx: models.set_alias(tx, "churn", "champion", 2))
    assert 2 == find("churn@champion").version
    listed = desk.ledger.look(models.list_models)
    assert [(2, ("champion",)), (1, ())] == [(version.version, version.aliases) for version in listed]


@pytest.mark.parametrize(
    ("ref", "hint"),
    [
        ("chrun", "did you mean churn"),
        ("churn:9", "churn:1"),
        ("churn@nobody", "churn:1"),
        ("zzz", "model list"),
    ],
)
def test_an_unknown_model_is_answered_with_what_there_is(desk: Desk, ref: str, hint: str) -> None:
    """A slip of the finger gets its hint."""
    _register(desk)
    with pytest.raises(NotFound, match=hint):
        desk.ledger.look(lambda tx: models.find_model(tx, ref))


def test_an_unknown_version_or_alias_is_answered_with_those_there_are(desk: Desk) -> None:
    """The newest versions and all aliases stand in the message, and what to do; a near alias is proposed."""
    for number in range(12):
        _register(desk, sha256=f"{number:064x}")
    find = lambda ref: desk.ledger.look(lambda tx: models.find_model(tx, ref))  # noqa: E731
    with pytest.raises(NotFound) as refused:
        find("churn:99")
    assert "there are churn:12, churn:11, churn:10, " in refused.value.remedy
    assert refused.value.remedy.endswith("churn:3 and 2 more, and no alias")
    desk.run(lambda tx: models.set_alias(tx, "churn", "champion", 4))
    for ref, hint in [("churn@champ", "did you mean churn@champion? there are"), ("churn:0", "there are")]:
        with pytest.raises(NotFound) as refused:
            find(ref)
        assert refused.value.remedy.startswith(f"{hint} churn:12, ")
        assert refused.value.remedy.endswith(", and churn@champion")


def test_a_removed_version_is_found_by_nothing(desk: Desk) -> None:
    """Its number is never used again, its rows stay for its jobs, and the same content brings it back."""
    versions = [_register(desk, sha256=digit * 64) for digit in "123"]
    desk.run(lambda tx: models.remove(tx, [versions[2], versions[0]]))
    assert [2] == [version.version for version in desk.ledger.look(models.list_models)]
    assert 2 == desk.ledger.look(lambda tx: models.find_model(tx, "churn")).version
    with pytest.raises(NotFound, match="got churn:3, which was removed; there are churn:2, and no alias"):
        desk.ledger.look(lambda tx: models.find_model(tx, "churn:3"))
    assert [] == desk.ledger.look(lambda tx: models.with_content(tx, "3" * 64))
    assert 4 == _register(desk, sha256="4" * 64).version
    assert versions[2] == _register(desk, sha256="3" * 64)
    job = desk.submit(model_version_id=versions[0].id)
    assert ("churn", 1) == (job.model.name, job.model.version)


def test_a_name_without_a_version_in_use_is_unknown(desk: Desk) -> None:
    """The message says that it was there."""
    version = _register(desk)
    desk.run(lambda tx: models.remove(tx, [version]))
    with pytest.raises(NotFound, match="got churn, which was removed; `scoring model list`"):
        desk.ledger.look(lambda tx: models.find_model(tx, "churn"))


def test_a_version_learns_where_its_files_lie_now(desk: Desk) -> None:
    """In use or not: what was written anew may bear another name."""
    new = NewVersion(name="churn", sha256="a" * 64, path="a/old.onnx", signature={}, served_path="b/old.onnx")
    first = desk.run(lambda tx: models.register(tx, new))
    moved = replace(new, path="a/new.onnx", served_path="b/new.onnx")
    second = desk.run(lambda tx: models.register(tx, moved))
    assert (first.id, "a/new.onnx", "b/new.onnx") == (second.id, second.path, second.served_path)


@pytest.mark.parametrize("ref", ["churn:" + "9" * 30, "churn:" + "9" * 5000, "ch\udcffrn", "churn@\udcff", "a\0b"])
def test_what_the_ledger_cannot_hold_is_no_model(desk: Desk, ref: str) -> None:
    """A number that no version has, bytes of a file name that is no text."""
    _register(desk)
    for find in (models.find_model, models.find_versions):
        with pytest.raises(NotFound):
            desk.ledger.look(lambda tx, find=find: find(tx, ref))  # type: ignore[misc]


def test_names_of_columns_are_part_of_a_version(desk: Desk) -> None:
    """The same bytes with other columns beside them are another model."""
    new = NewVersion(name="churn", sha256="a" * 64, path="a", signature={})
    named = [replace(new, columns=columns) for columns in ((), ("a", "b"), ("b", "a"), ("a", "b"))]
    assert [1, 2, 3, 2] == [desk.run(lambda tx, one=one: models.register(tx, one)).version for one in named]  # type: ignore[misc]


def test_an_alias_is_dropped(desk: Desk) -> None:
    """Its version stays, and an unknown one is not found."""
    _register(desk)
    desk.run(lambda tx: models.set_alias(tx, "churn", "champion", 1))
    assert () == desk.run(lambda tx: models.drop_alias(tx, "churn", "champion")).aliases
    with pytest.raises(NotFound, match="churn@champion"):
        desk.run(lambda tx: models.drop_alias(tx, "churn", "champion"))


@pytest.mark.parametrize(
    ("model", "of_first", "of_last"),
    [
        ("churn", False, True),
        ("churn:1", True, False),
        ("churn@champion", True, False),
        ("churn@nobody", False, False),
        ("/models/churn.onnx", False, False),
    ],
)
def test_a_schedule_uses_the_version_that_it_would_take(desk: Desk, model: str, of_first: bool, of_last: bool) -> None:
    """By name, version or alias; a file needs no version."""
    first, last = (_register(desk, sha256=digit * 64) for digit in "12")
    desk.run(lambda tx: models.set_alias(tx, "churn", "champion", 1))
    line = CronLine.parse("0 2 * * *", "UTC")
    nightly = ScheduleDefinition(name="nightly", line=line, model=model, inputs=("/a.csv",))
    desk.run(lambda tx: schedules.add(tx, nightly, next_slot=None))
    user = f"schedule nightly (model {model})"
    users = [desk.ledger.look(lambda tx, one=one: model_uses.users(tx, [one])) for one in (first, last)]  # type: ignore[misc]
    assert [of_first, of_last] == [user in found for found in users]
    assert ["alias churn@champion"] == [name for name in users[0] if name.startswith("alias")]


def test_jobs_and_figures_of_a_version_are_told(desk: Desk) -> None:
    """A live job uses it, a settled one only counts; of each metric the last figure."""
    version, other = _register(desk), _register(desk, sha256="b" * 64)
    live = desk.submit(model_version_id=version.id)
    assert [f"job {live.id} (accepted)"] == desk.ledger.look(lambda tx: model_uses.users(tx, [version, other]))
    desk.run(lambda tx: jobs.cancel(tx, live.id))
    last = desk.submit(model_version_id=version.id)
    tally = desk.ledger.look(lambda tx: model_uses.job_tally(tx, version))
    assert (2, {"accepted": 1, "cancelled": 1}, last.submitted_at) == (tally.count, tally.states, tally.last_at)
    none = desk.ledger.look(lambda tx: model_uses.job_tally(tx, other))
    assert (0, {}, None) == (none.count, none.states, none.last_at)
    assert {} == desk.ledger.look(lambda tx: model_uses.accuracy_so_far(tx, version))


def test_of_each_metric_the_last_figure_is_told(desk: Desk) -> None:
    """Whichever batch has it; one without a value says nothing."""
    version = _register(desk)
    for accuracy, recall in [(0.5, 0.25), (0.75, None)]:
        job = desk.running(0, model_version_id=version.id)
        figures = {"accuracy": accuracy, "recall": recall}
        named = [
            {"job_id": job.id, "metric": name, "value": figure, "rows": 9, "reason": "-"}
            for name, figure in figures.items()
        ]
        desk.finish(job.id)
        desk.run(lambda tx, named=named: tx.execute(insert(job_metrics), named))  # type: ignore[misc]
    assert {"accuracy": 0.75, "recall": 0.25} == desk.ledger.look(lambda tx: model_uses.accuracy_so_far(tx, version))


def test_versions_are_named_one_by_one_or_all(desk: Desk) -> None:
    """An alias is refused: it may name another version tomorrow."""
    for digit in "12":
        _register(desk, sha256=digit * 64)
    desk.run(lambda tx: models.set_alias(tx, "churn", "champion", 1))
    found = lambda ref: [one.version for one in desk.ledger.look(lambda tx: models.find_versions(tx, ref))]  # noqa: E731
    assert ([1], [2, 1]) == (found("churn:1"), found("churn"))
    with pytest.raises(UsageError, match="give churn:1"):
        found("churn@champion")
    for unknown in ("churn:3", "nobody"):
        with pytest.raises(NotFound):
            found(unknown)


def test_a_version_that_is_held_is_removed_later(desk: Desk, other_desk: Desk) -> None:
    """A job that is being recorded keeps its model: the removal waits, then sees the job."""
    version = _register(desk)
    with ThreadPoolExecutor(1) as pool:

        def record(tx: Tx) -> Future[list[str]]:
            models.hold(tx, version.id)
            removing = pool.submit(other_desk.run, lambda tx: (models.lock(tx, [version]), users(tx))[1])
            with pytest.raises(TimeoutError):
                removing.result(0.2)
            jobs.insert_job(tx, new)
            return removing

        def users(tx: Tx) -> list[str]:
            return model_uses.users(tx, [version])

        new = desk.new(model_version_id=version.id)
        assert [f"job {new.id} (accepted)"] == desk.run(record).result(20)
    desk.run(lambda tx: models.remove(tx, [version]))
    with pytest.raises(NotFound, match="got churn:1"):
        desk.run(lambda tx: models.hold(tx, version.id))


def test_nobody_clears_away_while_files_are_named(desk: Desk, other_desk: Desk) -> None:
    """Who names files of models and who removes those without a name wait for each other."""
    with ThreadPoolExecutor(1) as pool:

        def name_them(tx: Tx) -> Future[set[str]]:
            models.lock_files(tx)
            clearing = pool.submit(other_desk.run, lambda tx: (models.lock_files(tx), model_uses.files_in_use(tx))[1])
            with pytest.raises(TimeoutError):
                clearing.result(0.2)
            models.register(tx, NewVersion(name="churn", sha256="a" * 64, path="a/m.onnx", signature={}))
            return clearing

        assert {"a/m.onnx"} == desk.run(name_them).result(20)


def _process(name: str, slots: int, *queues: Priority, kind: ProcessKind = ProcessKind.WORKER) -> Process:
    return Process(process=name, kind=kind, host="box", version="1", slots=slots, queues=queues or tuple(Priority))


def test_processes_are_seen_while_they_beat(desk: Desk) -> None:
    """Their slots make the publisher's window."""
    for process in (_process("box:1", 4), _process("box:2", 2, Priority.HIGH), _process("box:1", 8)):
        desk.run(lambda tx, process=process: processes.beat(tx, process))  # type: ignore[misc]
    slots = lambda priority=None: desk.ledger.look(lambda tx: processes.live_slots(tx, priority))  # noqa: E731
    assert (10, 10, 8) == (slots(), slots(Priority.HIGH), slots(Priority.LOW))
    seen = desk.ledger.look(processes.seen)
    assert ["box:1", "box:2"] == [process.process for process in seen]
    assert all(process.started_at and process.last_seen_at for process in seen)
    desk.run(lambda tx: processes.forget(tx, "box:1"))
    assert 2 == slots()


def test_a_process_that_went_silent_counts_no_more(desk: Desk) -> None:
    """It is still listed, with the time when it was last seen."""
    desk.run(lambda tx: processes.beat(tx, _process("box:1", 4)))
    assert [] == desk.ledger.look(lambda tx: processes.seen(tx, within_seconds=-1))
    assert 1 == len(desk.ledger.look(processes.seen))


def test_the_first_store_id_counts(desk: Desk) -> None:
    """Two hosts that open a new store at once agree."""
    remember = lambda value: desk.run(lambda tx: meta.remember(tx, meta.STORE_ID, value))  # noqa: E731
    assert desk.ledger.look(lambda tx: meta.recall(tx, meta.STORE_ID)) is None
    assert ("one", "one") == (remember("one"), remember("two"))
    assert "one" == desk.ledger.look(lambda tx: meta.recall(tx, meta.STORE_ID))
