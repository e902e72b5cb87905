"""What is known of a model version, for programs and for people."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from scoring.cli.output import Row, print_facts, print_table

if TYPE_CHECKING:
    from scoring.ledger.database import Tx
    from scoring.ledger.records import ModelVersion

Facts = dict[str, Any]

_SPEC_ALONE = ("features", "classes")
"""Lists of a spec that are shown under names of their own."""


def summary(version: "ModelVersion") -> Row:
    """What `model list` tells."""
    return {
        "name": version.name,
        "version": version.version,
        "aliases": list(version.aliases),
        "sha256": version.sha256,
        "path": version.path,
        "created_at": version.created_at,
    }


def facts(tx: "Tx", version: "ModelVersion") -> Facts:
    """What `model show --json` prints: all of it, JSON of the ledger as it is."""
    from scoring.ledger.model_uses import accuracy_so_far, job_tally
    from scoring.ledger.proofs import proof_sentence

    tally = job_tally(tx, version)
    return {
        **summary(version),
        "signature": version.signature,
        "spec": version.spec,
        "about": version.about,
        "served": _file(version.served_path, version.served_sha256),
        "parity": None
        if version.parity is None
        else {**version.parity.to_json(), "proof": proof_sentence(tx, version)},
        "baseline": None if version.baseline is None else version.baseline.to_json(),
        "micro_batch_rows": version.micro_batch_rows,
        "jobs": {"count": tally.count, "states": tally.states, "last_at": tally.last_at},
        "accuracy": accuracy_so_far(tx, version),
    }


def print_version(known: Facts) -> None:
    """The same for people: one line per fact, then the tensors."""
    about, jobs = known["about"] or {}, known["jobs"]
    print_facts(
        {
            "model": f"{known['name']}:{known['version']}",
            "aliases": known["aliases"],
            "registered": known["created_at"],
            "sha256": known["sha256"],
            "file": known["path"],
            "loaded": known["served"] and f"{known['served']['path']}, without ZipMap",
            "features": _features(known),
            "classes": known["spec"].get("classes") or known["signature"]["classes"],
            "spec": _spec(known["spec"]),
            "producer": about.get("producer"),
            "opset": about.get("opset"),
            "ir_version": about.get("ir_version"),
            "domain": about.get("domain"),
            "model_version": about.get("model_version") or None,
            "doc": about.get("doc"),
            "metadata": about.get("metadata"),
            "parity": _parity(known["parity"]),
            "baseline": known["baseline"] and f"{known['baseline']['rows']} rows",
            "rows_per_run": known["micro_batch_rows"],
            "jobs": _jobs(jobs) if jobs["count"] else "none",
            "last_job": jobs["last_at"],
            "accuracy": known["accuracy"],
        }
    )
    click.echo("")
    signature = known["signature"]
    print_table([*_tensors("input", signature["inputs"]), *_tensors("output", signature["outputs"])], _COLUMNS)


_COLUMNS = ("tensor", "name", "type", "shape", "classes")


def _tensors(kind: str, tensors: Iterable[Mapping[str, Any]]) -> list[Row]:
    from scoring.model.axes import shown

    return [
        {
            "tensor": kind,
            "name": tensor["name"],
            "type": tensor["dtype"],
            "shape": shown(tensor["dims"]),
            "classes": tensor["zipmap"],
        }
        for tensor in tensors
    ]


def _features(known: Facts) -> Sequence[str]:
    """Names of the columns that are fed, as far as they are known without an input."""
    spec, signature = known["spec"], known["signature"]
    named: Sequence[str] = spec.get("features") or signature["feature_names"]
    inputs = signature["inputs"]
    return named or ([] if len(inputs) == 1 else [tensor["name"] for tensor in inputs])


def _spec(spec: Mapping[str, Any]) -> Row:
    return {key: value for key, value in spec.items() if value and key not in _SPEC_ALONE}


def _parity(parity: Mapping[str, Any] | None) -> str:
    return "no reference rows: `scoring model parity`" if parity is None else str(parity["proof"])


def _jobs(jobs: Mapping[str, Any]) -> str:
    return ", ".join(f"{count} {state}" for state, count in jobs["states"].items())


def _file(path: str | None, sha256: str | None) -> Row | None:
    return None if path is None else {"path": path, "sha256": sha256}
