"""Whether the classes and the task that a person told are those that the model shows."""

from collections.abc import Sequence
from dataclasses import dataclass

from scoring.core.binding import Task
from scoring.core.errors import InputRefused, ModelRefused
from scoring.model.hints import listed


@dataclass(frozen=True, kw_only=True)
class ShownClasses:
    """What the outputs tell of the number of classes."""

    # Float output with several values per row: how many; None where there is no such output.
    columns: int | None
    columns_are_probabilities: bool
    # A float output with one value per row, which may be P(positive).
    number: bool
    number_is_probability: bool
    # Classes that the graph names; None where it names none.
    named: int | None

    @property
    def sure(self) -> frozenset[int]:
        """Numbers of classes that the model can be taken to have; empty where nothing tells."""
        columns = {self.columns} if self.columns is not None and self.columns_are_probabilities else set()
        counts = columns | ({2} if self.number_is_probability else set())
        return frozenset(counts or ({self.named} if self.named is not None else set()))

    def nameable(self, task: Task | None) -> frozenset[int]:
        """Numbers of classes that a spec may name; empty where any number is as good."""
        columns = {self.columns} if self.columns is not None else set()
        return self.sure | columns | ({2} if task is Task.BINARY else set())


def check_classes(classes: Sequence[str], task: Task | None, shown: ShownClasses) -> None:
    """ModelRefused where the spec names another number of classes than the model has: the names would be lost."""
    counts = shown.nameable(task)
    if not classes or len(classes) in counts or (not counts and task is not Task.REGRESSION):
        return
    raise ModelRefused(
        "the spec names another number of classes than the model has",
        expected=_count(counts) if counts else "none: it is a regression model",
        got=f"{len(classes)}: {listed(classes)}",
        remedy=_remedy(classes, counts, shown),
    )


def _remedy(classes: Sequence[str], counts: frozenset[int], shown: ShownClasses) -> str:
    if counts:
        return "correct `classes` in model.yaml: one name per class, in the order of the probabilities"
    if shown.number and len(classes) == 2:
        return f"write `task: binary` beside them if the model's number is P({classes[-1]}), else take `classes` out"
    return "take `classes` out of model.yaml"


def check_task(task: Task, shown: ShownClasses) -> None:
    """InputRefused where a task was told that the model's probabilities cannot serve."""
    counts = shown.sure
    if task is Task.BINARY and counts and 2 not in counts:
        raise InputRefused(
            "the task binary does not fit the model",
            expected="a model of 2 classes",
            got=f"one of {_count(counts)}",
            remedy="leave --task and `task` in model.yaml out, or say multiclass",
        )
    if task is Task.MULTICLASS and shown.columns is None and shown.number_is_probability:
        raise InputRefused(
            "the task multiclass does not fit the model",
            expected="a probability per class",
            got="one number per row, the probability of the second of 2 classes",
            remedy="leave --task and `task` in model.yaml out, or say binary",
        )


def _count(counts: frozenset[int]) -> str:
    return " or ".join(str(count) for count in sorted(counts)) + (" class" if counts == {1} else " classes")
