"""Which outputs are the prediction, and of what task (CONTRACT section 9, models and metrics)."""

from collections.abc import Sequence

from scoring.core.binding import Layout, OutputBinding, Prediction, Task
from scoring.core.columns import Dtype
from scoring.core.errors import InputRefused
from scoring.core.options import JobOptions
from scoring.model.classes import ShownClasses, check_classes, check_task
from scoring.model.signature import Signature
from scoring.model.spec import ModelSpec


def find_prediction(
    signature: Signature, spec: ModelSpec, outputs: Sequence[OutputBinding], options: JobOptions
) -> Prediction | None:
    """The prediction, or None where the outputs do not tell; with a label that is refused."""
    found = _Outputs(signature, outputs)
    told = Task(options.task) if options.task != "auto" else spec.task
    task = told or _guess(found, spec.classes or signature.classes)
    shown = _shown(found, signature)
    if told is not None:
        check_task(told, shown)
    check_classes(spec.classes, task, shown)
    prediction = _of(task, found, spec, signature) if task is not None else None
    if prediction is None and (options.label is not None or options.task != "auto"):
        raise InputRefused(
            "it is not clear which output is the prediction",
            expected=f"outputs of a {task} model"
            if task
            else "a predicted label, probabilities, or one number per row",
            got=", ".join(f"{output.output} ({output.dtype}, {output.width} per row)" for output in outputs),
            remedy="name the task with --task, and the classes in model.yaml",
        )
    return prediction


class _Outputs:
    """The outputs by the part that they can play."""

    def __init__(self, signature: Signature, outputs: Sequence[OutputBinding]) -> None:
        producer = {tensor.name: tensor.producer for tensor in signature.outputs}
        flat = {tensor.name for tensor in signature.outputs if len(tensor.dims) <= 2}
        floats = [output for output in outputs if output.dtype.is_float and output.output in flat]
        scalars = [output for output in outputs if output.layout is Layout.SCALAR]
        tables = [output for output in floats if output.layout is not Layout.SCALAR]
        # One column per class: the first table whose classes are told, else the first.
        self.table = next((table for table in tables if table.classes), tables[0] if tables else None)
        self.label = next((output for output in scalars if not output.dtype.is_float), None)
        self.number = next((output for output in scalars if output.dtype.is_float), None)
        number = self.number.output if self.number else ""
        self.number_is_probability = producer.get(number) == "Sigmoid" or (
            self.label is not None and "prob" in number.lower()
        )
        self.table_is_probability = self.table is not None and (
            self.label is not None or bool(self.table.classes) or producer[self.table.output] == "Softmax"
        )


def _shown(found: _Outputs, signature: Signature) -> ShownClasses:
    table = found.table
    return ShownClasses(
        columns=table.width if table is not None else None,
        columns_are_probabilities=found.table_is_probability,
        number=found.number is not None,
        number_is_probability=found.number_is_probability,
        named=len(signature.classes) or None,
    )


def _guess(found: _Outputs, classes: Sequence[str]) -> Task | None:
    if found.table is not None and found.table_is_probability:
        return Task.BINARY if found.table.width == 2 else Task.MULTICLASS
    if found.number is not None and found.number_is_probability:
        return Task.BINARY
    if found.label is not None:
        return Task.BINARY if len(classes) == 2 else Task.MULTICLASS
    return Task.REGRESSION if found.number is not None and found.table is None else None


def _of(task: Task, found: _Outputs, spec: ModelSpec, signature: Signature) -> Prediction | None:
    if task is Task.REGRESSION:
        value = found.number or (found.label if found.label and found.label.dtype is not Dtype.STRING else None)
        return Prediction(task=task, label_output=value.output) if value else None
    probability = found.table
    if task is Task.BINARY and (probability is None or probability.width != 2):
        # A lone number is P(positive) where the task says so, or the model.
        probability = found.number if found.label is None or found.number_is_probability else None
    if probability is None and found.label is None:
        return None
    classes = _classes(task, probability, spec, signature)
    return Prediction(
        task=task,
        label_output=found.label.output if found.label else None,
        probability_output=probability.output if probability else None,
        classes=classes,
    )


def _classes(task: Task, probability: OutputBinding | None, spec: ModelSpec, signature: Signature) -> tuple[str, ...]:
    """Names in probability order: told by the spec, the ZipMap or the graph, else numbers from 0."""
    wanted = 2 if task is Task.BINARY else probability.width if probability else None
    for names in (spec.classes, probability.classes if probability else (), signature.classes):
        if names and wanted in (None, len(names)):
            return tuple(names)
    return tuple(str(code) for code in range(wanted)) if wanted else ()
