"""Nothing is left to the broker's clock: a message that waits in a worker's memory is lost with it, or doubled."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DELAYS = frozenset({"eta", "countdown", "expires", "retry_backoff", "autoretry_for", "default_retry_delay"})


def delays(path: Path) -> Iterator[str]:
    """Where a call names a delay, or asks Celery to try a task again."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Attribute) and node.func.attr == "retry":
            yield f"{path}:{node.lineno}: .retry()"
        for keyword in node.keywords:
            if keyword.arg in DELAYS:
                yield f"{path}:{node.lineno}: {keyword.arg}="


@pytest.mark.fault("F12", "a look through the source for eta, countdown, expires and retry()", "there are none")
def test_no_message_is_sent_for_later() -> None:
    """When a step is due stands in the ledger, and only there."""
    sources = [path for room in ("scoring", "workers") for path in sorted((ROOT / room).rglob("*.py"))]
    touching_celery = [path for path in sources if "celery" in path.read_text(encoding="utf-8").lower()]
    assert len(touching_celery) >= 5
    assert [] == [found for path in touching_celery for found in delays(path)]


def test_a_delay_would_be_found(tmp_path: Path) -> None:
    """The look itself sees each form."""
    source = tmp_path / "late.py"
    source.write_text("app.send_task('x', countdown=5)\nstep.apply_async(eta=when)\nself.retry()\n")
    assert 3 == len(list(delays(source)))
