"""How columns become tensors, and tensors become columns. Decided once at submit, stored with the job."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from scoring.core.columns import ColumnSpec, Dtype, Lossy, NullAction
from scoring.core.conversions import conversion_of


class Shape(StrEnum):
    """Shapes of a model input, N being the rows of a micro-batch."""

    VECTOR = "[N]"
    COLUMN = "[N,1]"
    MATRIX = "[N,F]"
    TENSOR = "[N,...]"


class Layout(StrEnum):
    """How one model output becomes columns of the part file (CONTRACT section 6)."""

    SCALAR = "scalar"  # [N] or [N,1] → one column NAME
    WIDE = "wide"  # [N,K], K ≤ 32 → NAME_<class or index>
    LIST = "list"  # anything larger → one fixed_size_list column NAME


class Task(StrEnum):
    """What the model predicts; decides the metrics."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"


@dataclass(frozen=True, kw_only=True)
class InputBinding:
    """One model input and the slots that feed it, in tensor order."""

    # Name of the model input.
    input: str
    dtype: Dtype
    shape: Shape
    # Slots of the clean batch: one for VECTOR and COLUMN; else one scalar slot per value of a row, in C order, or one
    # list slot of as many values.
    slots: tuple[str, ...]
    # Sizes of the axes after N, for TENSOR.
    dims: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class OutputBinding:
    """One model output and the columns it becomes."""

    # Name of the model output.
    output: str
    dtype: Dtype
    layout: Layout
    # Names of the part file's columns: one for SCALAR and LIST, K for WIDE.
    columns: tuple[str, ...]
    # Values per row: 1 for SCALAR, K for WIDE, the flattened size for LIST.
    width: int = 1
    # Class names of the K values as text, where they are known.
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """Which outputs carry the prediction that accuracy is measured on."""

    task: Task
    # Output with the predicted label or value; None where only probabilities exist.
    label_output: str | None = None
    # Output with probabilities ([N,K], or one P(positive) per row); None for regression or labels alone.
    probability_output: str | None = None
    # Class names in probability order, as text; the last one is the positive class.
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Hook:
    """An installed function that makes the features: pandas DataFrame → DataFrame of as many rows, per micro-batch."""

    # "module:function"; the module must stand in SCORING_PREPARE_MODULES of the process that scores.
    function: str
    # Slots of `Binding.columns` that the frame holds, and the names that they have there.
    arguments: tuple[tuple[str, str], ...]
    # Columns that the frame must give: what `Binding.inputs` are fed by instead of columns of the file.
    columns: tuple[ColumnSpec, ...]


@dataclass(frozen=True, kw_only=True)
class Binding:
    """The whole of it: columns to read, tensors to feed, columns to write."""

    columns: tuple[ColumnSpec, ...]
    inputs: tuple[InputBinding, ...]
    outputs: tuple[OutputBinding, ...]
    # Carried columns in output order: (name in the part file, slot). Keys, kept columns, then the label.
    carried: tuple[tuple[str, str], ...] = ()
    # Slot of the label column, or None.
    label_slot: str | None = None
    prediction: Prediction | None = None
    # None: the columns feed the inputs as they are.
    hook: Hook | None = None
    # Sentences for `plan`: lossy casts, ignored columns, precision beyond 2^24.
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Binding":
        prediction = data["prediction"]
        return cls(
            columns=tuple(_column(column) for column in data["columns"]),
            inputs=tuple(
                InputBinding(
                    input=i["input"],
                    dtype=Dtype(i["dtype"]),
                    shape=Shape(i["shape"]),
                    slots=tuple(i["slots"]),
                    dims=tuple(i.get("dims", ())),
                )
                for i in data["inputs"]
            ),
            outputs=tuple(
                OutputBinding(
                    output=o["output"],
                    dtype=Dtype(o["dtype"]),
                    layout=Layout(o["layout"]),
                    columns=tuple(o["columns"]),
                    width=o["width"],
                    classes=tuple(o["classes"]),
                )
                for o in data["outputs"]
            ),
            carried=tuple((name, slot) for name, slot in data["carried"]),
            label_slot=data["label_slot"],
            prediction=prediction
            and Prediction(
                task=Task(prediction["task"]),
                label_output=prediction["label_output"],
                probability_output=prediction["probability_output"],
                classes=tuple(prediction["classes"]),
            ),
            hook=_hook(data.get("hook")),
            notes=tuple(data["notes"]),
        )


def _hook(data: Mapping[str, Any] | None) -> Hook | None:
    if data is None:
        return None
    return Hook(
        function=data["function"],
        arguments=tuple((slot, name) for slot, name in data["arguments"]),
        columns=tuple(_column(column) for column in data["columns"]),
    )


def _column(data: Mapping[str, Any]) -> ColumnSpec:
    return ColumnSpec(
        name=data["name"],
        slot=data["slot"],
        dtype=Dtype(data["dtype"]) if data["dtype"] else None,
        list_size=data["list_size"],
        list_dims=tuple(data.get("list_dims", ())),
        nulls=NullAction(data["nulls"]),
        fill=data["fill"],
        conversion=conversion_of(data.get("conversion")),
        lossy=Lossy(data["lossy"]) if data.get("lossy") else None,
    )
