"""Quality gates: what may be asked of which model."""

import pytest

from scoring.core.accuracy import binary, multiclass, regression
from scoring.core.binding import Task
from scoring.core.errors import UsageError
from scoring.core.gates import METRICS, Requirement, check_requirements

FORMULAS = {Task.BINARY: binary.METRICS, Task.MULTICLASS: multiclass.METRICS, Task.REGRESSION: regression.METRICS}


def test_a_gate_may_ask_for_every_metric_that_is_computed() -> None:
    """The names that gates know are those of the formulas, task by task."""
    assert FORMULAS == METRICS
    for task, metrics in FORMULAS.items():
        check_requirements([Requirement.parse(f"{metric}>=0.9") for metric in metrics], task)


@pytest.mark.parametrize(
    ("task", "text"),
    [
        (Task.REGRESSION, "accuracy>=0.9"),
        (Task.BINARY, "rmse<3"),
        (Task.BINARY, "macro_f1>0.5"),
        (Task.MULTICLASS, "roc_auc>0.5"),
    ],
)
def test_a_gate_on_a_metric_of_another_task_is_wrong_usage(task: Task, text: str) -> None:
    """The message names the gate, the task, and the metrics that there are."""
    fits = Requirement(metric=METRICS[task][0], comparison=">", number=0.0)
    with pytest.raises(UsageError) as refused:
        check_requirements([fits, Requirement.parse(text)], task)
    assert 2 == refused.value.exit_code
    assert all(words in str(refused.value) for words in (text, task.value, *METRICS[task]))
