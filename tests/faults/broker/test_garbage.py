"""What others put into the queue: dropped with one line each, by a worker that lives on."""

import json
import pickle
from collections.abc import Callable

import pytest

from tests.faults.broker.envelopes import NOBODYS, envelope, headers, push
from tests.faults.broker.fleet import fleet, lines
from tests.faults.scene import Scene
from tests.waiting import wait_for

SOUND = json.loads(envelope(NOBODYS))

GARBAGE: dict[str, str | bytes] = {
    "no JSON": "LPUSH me",
    "bytes": b"\xff\x00\xfe",
    "nothing": "",
    "a pickle": pickle.dumps({"body": "x"}),
    "deep nesting": "[" * 100_000,
    "a type that kombu knows": '{"__type__": "uuid", "__value__": {"no": "uuid"}}',
    "a number": "7",
    "a list": "[]",
    "an empty envelope": "{}",
    "no properties": json.dumps({name: value for name, value in SOUND.items() if name != "properties"}),
    "no tag": envelope(NOBODYS, properties={}),
    "a body that is no base64": envelope(body="?"),
    "a body that is no text": envelope(body=[1]),
    "a body that is no JSON": envelope(body="eA=="),
    "a body of another shape": envelope(body="e30="),
    "pickle by its type": envelope(NOBODYS, content_type="application/x-python-serialize"),
    "no headers": envelope(NOBODYS, headers={}),
    "an unknown task": envelope(NOBODYS, headers=headers(task="os.system")),
    "no id": envelope(NOBODYS, headers=headers(id=None)),
    "later": envelope(NOBODYS, headers=headers(eta="2999-01-01T00:00:00+00:00")),
    "a time limit": envelope(NOBODYS, headers=headers(timelimit=[1])),
    "a chain": envelope(NOBODYS, further={"chain": [{"task": "os.system"}]}),
    "no argument": envelope(),
    "two arguments": envelope(NOBODYS, NOBODYS),
    "named arguments": envelope(NOBODYS, named={"model": "/etc/passwd"}),
    "no chunk": envelope({name: value for name, value in NOBODYS.items() if name != "chunk"}),
    "a chunk that is no number": envelope(NOBODYS | {"chunk": "all"}),
    "a text": envelope("score"),
}
DROPPED = "no doorbell was dropped"


@pytest.mark.fault("F13", "LPUSH of 28 kinds of garbage amid a job", "each dropped with one line; the worker lives")
@pytest.mark.exhaustive
def test_garbage_is_dropped_line_by_line(scene: Scene) -> None:
    """Neither the worker nor the job takes notice: no start anew, no failed attempt."""
    with fleet(scene) as worker:
        work = scene.submit()
        work.wait_for_parts(2)
        for kind, message in GARBAGE.items():
            before = len(lines(scene, DROPPED))
            push(scene.servers.redis, [message])
            wait_for(lambda before=before: len(lines(scene, DROPPED)) > before, f"a line for {kind}", seconds=20)
        work.wait()
        assert worker.poll() is None
    assert len(GARBAGE) == len(lines(scene, DROPPED))
    assert 1 == len(lines(scene, "slots, queues"))
    assert [] == lines(scene, "Traceback")
    assert [] == work.failures()
    work.prove()


@pytest.mark.fault("F15", "messages of version 0 and 2 in place of the job's own", "refused in words, rung again")
@pytest.mark.exhaustive
def test_messages_of_another_version_are_refused_in_words(scene: Scene, recovered: Callable[[float], None]) -> None:
    """The line names both versions; the chunks that they meant run none the less."""
    with fleet(scene):
        work = scene.submit()
        work.wait_for_parts(2)
        others = [{"v": version, "job": work.job_id, "kind": "score", "chunk": 19} for version in (0, 2)]
        with scene.servers.redis.client() as client:
            client.flushall()
        push(scene.servers.redis, [envelope(other) for other in others])
        recovered(work.recovery())
        work.wait()
    assert [0, 2] == [version for version in (0, 2) if lines(scene, f"expected version 1; got {version}")]
    assert [] == work.failures()
    work.prove()
