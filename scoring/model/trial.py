"""A first run of a model in a child process with caps on memory and time, before anything trusts it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from tempfile import TemporaryDirectory
from typing import Any

from scoring.core.errors import ModelRefused
from scoring.model.shapes import require_rows, settle
from scoring.model.signature import Signature, TensorInfo

GIB = 2**30
MEMORY_BYTES = 2 * GIB
"""What the runtime and two rows may take beside the weights: a hundred times what tabular models do."""

MEMORY_PER_BYTE = 6
"""Weights lie in memory several times while a session is made: the file, its parsed form, the session's own copy."""

CPU_SECONDS = 20
"""A small model takes a tenth of a second; this leaves room for a slow host, and ends an endless loop."""

BYTES_PER_SECOND = 8 * 2**20
"""Of a large file, further time: trees of this many bytes load in a second on a slow core."""

WALL_FACTOR = 3
"""The host may be busy with other work."""

_PASSED = (
    *("HOME", "LANG", "LC_ALL", "LC_CTYPE", "PATH", "TMPDIR"),
    *("PYTHONHOME", "PYTHONNOUSERSITE", "PYTHONPATH", "PYTHONUSERBASE"),
    *("DYLD_LIBRARY_PATH", "LD_LIBRARY_PATH"),
)
"""Of the environment: where Python and the libraries are found."""

_CRASH_WORDS = ("bad_alloc", "MemoryError", "Cannot allocate memory")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a model may take in its trial run."""

    # Beyond the child process itself.
    memory_bytes: int
    cpu_seconds: int
    wall_seconds: float

    @classmethod
    def of(cls, size: int) -> "Limits":
        """size: bytes of the model file."""
        seconds = CPU_SECONDS + size // BYTES_PER_SECOND
        return cls(
            memory_bytes=MEMORY_BYTES + MEMORY_PER_BYTE * size,
            cpu_seconds=seconds,
            wall_seconds=seconds * WALL_FACTOR,
        )


def warm_up(
    data: bytes, signature: Signature, shapes: Mapping[str, Sequence[int]], limits: Limits | None = None
) -> Signature:
    """Load the model and run it on two rows of zeros; the signature with all widths known.

    A model that loads may fail on zeros: they may be outside of what it knows. ModelRefused where it does not load,
    takes more than the limits, or brings the process down. shapes: input → sizes of its axes after the rows.
    """
    limits = limits or Limits.of(len(data))
    inputs = tuple(_shaped(tensor, shapes.get(tensor.name)) for tensor in signature.inputs)
    answer = _answer(_child(data, replace(signature, inputs=inputs), limits), limits)
    if answer.get("memory"):
        raise _too_large(answer["refused"], limits)
    if "refused" in answer:
        raise ModelRefused(
            "the model cannot be loaded",
            expected="a model that ONNX Runtime runs on a CPU",
            got=answer["refused"],
            remedy=answer["remedy"],
        )
    require_rows(answer["dims"], answer["rows"])
    return settle(signature, answer["dims"], answer["failure"])


def _shaped(tensor: TensorInfo, sizes: Sequence[int] | None) -> TensorInfo:
    # Where the spec contradicts the model, binding says so.
    return tensor if sizes is None else replace(tensor, dims=(*tensor.dims[:1], *sizes))


def _child(data: bytes, signature: Signature, limits: Limits) -> subprocess.CompletedProcess[bytes]:
    request = {
        "signature": signature.to_json(),
        "memory_bytes": limits.memory_bytes,
        "cpu_seconds": limits.cpu_seconds,
    }
    # An empty folder: whatever a path in the model may mean, there is nothing here.
    with TemporaryDirectory(prefix="scoring-model-") as folder:
        try:
            return subprocess.run(
                [sys.executable, "-P", "-m", "scoring.model.warm_up"],
                input=json.dumps(request).encode() + b"\n" + data,
                capture_output=True,
                check=False,
                cwd=folder,
                env=_environment(),
                timeout=limits.wall_seconds,
            )
        except subprocess.TimeoutExpired as error:
            raise _too_slow(f"no answer after {limits.wall_seconds:g} seconds", limits) from error


def _environment() -> dict[str, str]:
    """What Python and its libraries start with, and no password; numpy's threads would take address space."""
    kept = {name: os.environ[name] for name in _PASSED if name in os.environ}
    return kept | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def _answer(done: subprocess.CompletedProcess[bytes], limits: Limits) -> dict[str, Any]:
    told = done.stdout.splitlines()[-1:]
    if done.returncode == 0 and told:
        answer: dict[str, Any] = json.loads(told[0])
        return answer
    words = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
    if any(word in line for word in _CRASH_WORDS for line in words):
        return {"refused": words[0][:300], "memory": True}
    if done.returncode == -signal.SIGXCPU:
        raise _too_slow(f"no end after {limits.cpu_seconds} seconds of CPU", limits)
    raise ModelRefused(
        "the model brings the runtime down",
        expected="a run on two rows of zeros",
        got="; ".join([_ending(done.returncode), *words])[:300],
        remedy="export the model again, with another opset",
    )


def _ending(returncode: int) -> str:
    return f"signal {signal.Signals(-returncode).name}" if returncode < 0 else f"exit code {returncode}"


def _too_large(got: str, limits: Limits) -> ModelRefused:
    return ModelRefused(
        "the model asks for too much memory",
        expected=f"a run on two rows within {limits.memory_bytes / GIB:.1f} GiB of memory",
        got=got,
        remedy="look at where the model came from: a model for tables needs far less",
    )


def _too_slow(got: str, limits: Limits) -> ModelRefused:
    return ModelRefused(
        "the model takes too long",
        expected=f"a run on two rows within {limits.cpu_seconds} seconds",
        got=got,
        remedy="look at where the model came from: it may hold a loop without an end",
    )
