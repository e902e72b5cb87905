"""When a failed step is tried again."""


def backoff_seconds(failures: int, lease_seconds: float) -> float:
    """Pause after the n-th failure: 1, 2, 4 … seconds, never more than one lease."""
    return float(min(lease_seconds, 2.0 ** (failures - 1)))
