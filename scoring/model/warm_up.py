"""The trial run of a model that nobody knows yet, in a process of its own: `python -m scoring.model.warm_up`.

Reads a line of JSON, then the model, from stdin; writes a line of JSON to stdout. What the model does to memory and
time, it does to this process alone. Imports onnxruntime and numpy, nothing heavier.
"""

import json
import resource
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from scoring.core.columns import Dtype
from scoring.core.errors import OutOfMemory, ScoringError
from scoring.model.session import ORT_ERRORS, memory_or, open_session, said
from scoring.model.signature import Signature, TensorInfo

ROWS = 2

OPEN_SIZES = (8, 16)
"""Sizes of the axes that a model leaves open, beside the rows: what comes out the same for both has that width."""

_PAGE_BYTES = resource.getpagesize()


def main() -> None:
    """Answers {rows: int, dims: {output: [size | null]}, failure: text}; for no session {refused: text, memory: bool}.

    rows: as many as the inputs had.
    """
    request = json.loads(sys.stdin.buffer.readline())
    limit(request["memory_bytes"], request["cpu_seconds"])
    answer = _answer(sys.stdin.buffer.read(), Signature.from_json(request["signature"]))
    sys.stdout.write("\n" + json.dumps(answer) + "\n")


def limit(memory_bytes: int, cpu_seconds: int) -> None:
    """Memory beyond what the process has now, CPU time in all, no file written, no core dumped."""
    wanted = {
        resource.RLIMIT_CPU: cpu_seconds,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    if sys.platform == "linux":  # elsewhere the system takes the limit and does not hold to it
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
        wanted[resource.RLIMIT_AS] = pages * _PAGE_BYTES + memory_bytes
    for kind, value in wanted.items():
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


def _answer(data: bytes, signature: Signature) -> dict[str, Any]:
    try:
        session = open_session(data)
    except ScoringError as refused:
        return {"refused": refused.got, "remedy": refused.remedy, "memory": isinstance(refused, OutOfMemory)}
    except MemoryError:
        return {"refused": "not enough memory to load it", "memory": True}
    rows = signature.fixed_rows or ROWS
    try:
        return {"rows": rows, "dims": _dims(session, signature, rows), "failure": ""}
    except MemoryError as error:
        return {"refused": str(error) or "not enough memory to run it", "memory": True}
    except ORT_ERRORS as error:
        if isinstance(memory_or(error, ScoringError("")), OutOfMemory):
            return {"refused": said(error), "memory": True}
        return {"rows": rows, "dims": {}, "failure": said(error)}


def _dims(session: ort.InferenceSession, signature: Signature, rows: int) -> dict[str, list[int | None]]:
    """Sizes of each output; None for an axis that follows an open one of the inputs. [] for what has no axis."""
    is_open = any(tensor.width is None for tensor in signature.inputs)
    shapes = [_run(session, signature, rows, size) for size in (OPEN_SIZES if is_open else OPEN_SIZES[:1])]
    return {name: _common([seen[name] for seen in shapes]) for name in shapes[0]}


def _run(session: ort.InferenceSession, signature: Signature, rows: int, size: int) -> dict[str, tuple[int, ...]]:
    feed = {tensor.name: _dummy(tensor, rows, size) for tensor in signature.inputs}
    values = session.run([tensor.name for tensor in signature.outputs], feed)
    return {
        tensor.name: value.shape if isinstance(value, np.ndarray) else ()
        for tensor, value in zip(signature.outputs, values, strict=True)
    }


def _dummy(tensor: TensorInfo, rows: int, size: int) -> np.ndarray:
    shape = (rows, *(dim or size for dim in tensor.dims[1:]))
    return np.full(shape, "", object) if tensor.dtype is Dtype.STRING else np.zeros(shape, tensor.dtype.value)


def _common(shapes: Sequence[tuple[int, ...]]) -> list[int | None]:
    first = shapes[0]
    if any(len(shape) != len(first) for shape in shapes):
        return []
    return [size if all(shape[axis] == size for shape in shapes) else None for axis, size in enumerate(first)]


if __name__ == "__main__":
    main()
