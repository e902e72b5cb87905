"""Batch scoring: a model, files of any size, every row accounted for in SQL.

>>> import scoring
>>> job = scoring.run("model.onnx", ["customers.csv"], key="customer_id", output="out/")
>>> job.to_pandas()
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scoring.api import Job, run, sql, submit

__all__ = ["Job", "__version__", "run", "sql", "submit"]

__version__: str


def __getattr__(name: str) -> object:
    # Late: every room of the package is imported through this file, and must not pay for the others.
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("batch-scoring")
        except PackageNotFoundError:
            return "0+unknown"
    if name in __all__:
        from scoring import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """What completion offers: the names that are there once they are asked for."""
    return sorted(__all__)
