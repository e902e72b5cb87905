"""The file of a model is changed amid a job: the original does not matter, the stored copy is held to its digest."""

import hashlib
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from scoring.core.errors import ExitCode
from tests.faults.scene import Scene
from tests.faults.worker.conftest import CHUNK
from tests.faults.worker.hold import Hold
from tests.faults.worker.test_death import until_scored
from tests.small_models import linear_model

WORKER = ("worker", "--concurrency", 1)


def stored_model(scene: Scene) -> Path:
    """The one file that the workers load."""
    (found,) = [path for path in (scene.folder / "store" / "models").rglob("*.onnx") if path.is_file()]
    return found


@pytest.mark.exhaustive
@pytest.mark.fault("F36", "the original file of the model is moved away, another put in its place", "no effect")
def test_the_original_file_of_a_model_does_not_matter(scene: Scene, hold: Callable[..., Hold]) -> None:
    """The job reads the copy that was made at its submit."""
    moment = hold(f"score.read#{CHUNK}")
    with scene.running("scheduler"), scene.running(*WORKER, **moment.settings):
        work = scene.submit(rows=8_000)
        moment.pid()
        original = scene.folder / "churn.onnx"
        original.rename(scene.folder / "moved.onnx")
        linear_model(original, weights=[1.0, 2.0])
        moment.let_go()
        work.wait()
    assert [] == work.failures()
    work.prove()


@pytest.mark.exhaustive
@pytest.mark.fault("F36", "the stored copy of the model is replaced", "`model_changed` with both digests; never mixed")
def test_a_replaced_copy_of_a_model_is_refused_with_both_digests(
    scene: Scene, hold: Callable[..., Hold], recovered: Callable[[float], None]
) -> None:
    """No process loads the wrong one, not for a single chunk. Once it is back, `retry` ends the job."""
    moment = hold(f"score.read#{CHUNK}")
    with scene.running("scheduler"), scene.running(*WORKER, **moment.settings):
        work = scene.submit(rows=8_000)
        child = moment.pid()
        stored = stored_model(scene)
        right, wrong = stored.read_bytes(), linear_model(scene.folder / "other.onnx", weights=[1.0]).read_bytes()
        stored.write_bytes(wrong)
        os.kill(child, signal.SIGKILL)
        work.wait(code=ExitCode.JOB_FAILED)
        refused = [failure for failure in work.failures() if failure["error_code"] == "model_changed"]
        for data in (right, wrong):
            assert all(hashlib.sha256(data).hexdigest() in str(failure["error"]) for failure in refused)
        assert set(range(CHUNK, 8)) == {failure["chunk"] for failure in refused}
        assert CHUNK == work.done()
        work.prove(state="failed")
        stored.write_bytes(right)
        scene.program("retry", work.job_id)
        recovered(until_scored(work))
        work.wait()
    work.prove()
