"""Loaded models of one process: each is loaded once, however many chunks it scores."""

import json
import os
from pathlib import Path
from threading import Lock
from weakref import WeakSet

from scoring.ledger.records import Job, ModelContent
from scoring.model.runner import Model, runtime_version
from scoring.model.signature import Signature

KEPT = 4
"""Models kept loaded; a worker that serves more than these in turn loads again."""


class ModelCache:
    """Least recently used models, keyed by all that a loaded one depends on: versions of one file may differ in it."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self.start_anew()
        _caches.add(self)

    def start_anew(self) -> None:
        """Forget all models: a session that was opened before a fork is not used after it."""
        self._models: dict[tuple[str | None, ...], Model] = {}
        self._lock = Lock()

    def get(self, job: Job) -> Model:
        """The model of the job. Raises ModelChanged."""
        return self.of(job.model)

    def of(self, version: ModelContent) -> Model:
        """The model of the version, its file checked against the pinned digest. Raises ModelChanged."""
        key = (version.sha256, version.served_sha256, json.dumps(dict(version.signature), sort_keys=True))
        with self._lock:
            model = self._models.pop(key, None)
            if model is None:
                model = self._load(version)
                while len(self._models) >= KEPT:
                    del self._models[next(iter(self._models))]
            self._models[key] = model
            return model

    def _load(self, version: ModelContent) -> Model:
        signature = Signature.from_json(version.signature)
        if version.served_path is None or version.served_sha256 is None:
            return Model.load(self._store / version.path, version.sha256, signature)
        return Model.load(self._store / version.served_path, version.served_sha256, signature.without_zipmaps())


_caches: WeakSet[ModelCache] = WeakSet()


def _after_fork() -> None:
    for cache in list(_caches):
        cache.start_anew()


os.register_at_fork(after_in_child=_after_fork)


def part_metadata(job: Job, chunk: int) -> dict[str, str]:
    """What the footer of a part file says of its origin (CONTRACT section 9, Files)."""
    return {
        "scoring.job_id": job.id,
        "scoring.chunk": str(chunk),
        "scoring.model_sha256": job.model.sha256,
        "scoring.onnxruntime": runtime_version(),
    }
