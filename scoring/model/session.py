"""Opening an ONNX Runtime session, and telling its errors apart. Imports onnxruntime."""

import re

import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as state

from scoring.core.errors import ModelRefused, OutOfMemory, ScoringError

ORT_ERRORS: tuple[type[Exception], ...] = (
    state.EPFail,
    state.Fail,
    state.InvalidArgument,
    state.InvalidGraph,
    state.InvalidProtobuf,
    state.NotImplemented,
    state.RuntimeException,
    RuntimeError,
    ValueError,
)
"""What a session raises for a model or an input; they share no root but Exception."""

_MEMORY_WORDS = ("allocate memory", "bad_alloc", "bad allocation", "out of memory")
_UNKNOWN_OPERATOR = ("not a registered function/op", "No Op registered for")
_FATAL_ONLY = 4
_SOURCE_PLACE = re.compile(r"/onnxruntime_src/\S+:\d+ [^)]*\) (?:const )?")
"""File, line and C++ signature, which take up most of a message."""


def open_session(data: bytes) -> ort.InferenceSession:
    """A CPU session over a model in memory. ModelRefused where ONNX Runtime will not have it."""
    options = ort.SessionOptions()
    # One, wherever it runs: with more, sums of a tree model are added in another order, and the last bit of a score
    # would tell how many cores the host has. Cores are used by scoring several chunks at once.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # Spinning threads burn a third more CPU at the same speed, and starve the neighbours.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Its own lines on stderr would stand between ours; errors come as exceptions.
    options.log_severity_level = _FATAL_ONLY
    try:
        return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except ORT_ERRORS as error:
        raise memory_or(error, _refused(error)) from error


def memory_or(error: BaseException, otherwise: ScoringError) -> ScoringError:
    """OutOfMemory where the runtime ran out of it, else `otherwise`."""
    text = str(error).lower()
    if any(words in text for words in _MEMORY_WORDS):
        return OutOfMemory("the model ran out of memory", got=said(error), remedy="use fewer workers or smaller chunks")
    return otherwise


def said(error: BaseException) -> str:
    """The runtime's own words: without its prefix and the places in its source, one line, 300 characters."""
    words = str(error).removeprefix("[ONNXRuntimeError] : ").replace("\n", " ")
    return _SOURCE_PLACE.sub("", words)[:300].strip()


def _refused(error: Exception) -> ModelRefused:
    custom = any(words in str(error) for words in _UNKNOWN_OPERATOR)
    return ModelRefused(
        "the model cannot be loaded",
        expected=f"a model that ONNX Runtime {ort.__version__} runs on a CPU",
        got=said(error),
        remedy="custom operators are not supported; export the model without them"
        if custom
        else "export the model again, with an older opset if it is newer than the runtime",
    )
