"""Models, processes, and what the deployment remembers."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from scoring.core.errors import NotFound
from scoring.core.states import Priority
from scoring.ledger import meta, models, processes
from scoring.ledger.records import ModelVersion, NewVersion, Process, ProcessKind
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
