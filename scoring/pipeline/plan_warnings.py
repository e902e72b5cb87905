"""What a person should know before the job is submitted."""

from collections import Counter
from collections.abc import Iterator

from scoring.core.parity import PROVIDER
from scoring.ledger import models, proofs
from scoring.ledger.database import Tx
from scoring.ledger.records import ModelVersion
from scoring.model.runner import runtime_version
from scoring.model.spec import ModelSpec
from scoring.pipeline.context import Context
from scoring.pipeline.model_files import FoundModel, ModelFile, RegisteredModel
from scoring.pipeline.parity_verdict import unproven
from scoring.pipeline.plan_sample import Sample
from scoring.pipeline.prepare import Prepared


def warnings_of(context: Context, prepared: Prepared, sample: Sample) -> tuple[str, ...]:
    """Sentences; none where there is nothing to say. The ledger is only read."""
    proof = context.ledger.look(lambda tx: _of_proof(tx, prepared.model))
    said = (*prepared.binding.notes, *_given_twice(prepared), proof, _of_rejects(prepared, sample))
    return tuple(sentence for sentence in said if sentence)


def _given_twice(prepared: Prepared) -> Iterator[str]:
    times = Counter(file.path for file in prepared.files)
    for path in sorted(path for path, count in times.items() if count > 1):
        yield f"{path} is given more than once; its rows count each time"


def _of_proof(tx: Tx, model: FoundModel) -> str:
    """What comes of reference rows that are not proven on this runtime; "" where they are, or there are none."""
    version = _version(tx, model)
    if version is None or version.parity is None:
        return ""
    proof = proofs.find(tx, version, runtime_version(), PROVIDER)
    if proof is None:
        return (
            f"model {version} is not proven on onnxruntime {runtime_version()} yet: the job would check its"
            f" {version.parity.rows:,} reference rows first, and be refused where the answers differ"
        )
    return "" if proof.passed else f"the job would be refused: {unproven(version, proof, proofs.proofs(tx, version))}"


def _version(tx: Tx, model: FoundModel) -> ModelVersion | None:
    """The version that a job would score with; None where it would be a new one."""
    match model:
        case RegisteredModel(version=version):
            return version
        case ModelFile(name=name, sha256=sha256, spec=spec):
            same = models.with_content(tx, sha256)
            return next(
                (found for found in same if found.name == name and ModelSpec.from_json(found.spec) == spec), None
            )


def _of_rejects(prepared: Prepared, sample: Sample) -> str:
    limit, source = prepared.options.max_rejected, prepared.source
    if limit.allows(sample.rejected, sample.rows):
        return ""
    every = sample.rows == prepared.options.limit or (source.rows_exact and sample.rows == source.rows)
    certain = limit.rows is not None or limit.none or every
    return (
        f"{sample.rejected:,} of the first {sample.rows:,} rows would be rejected, and --max-rejected allows {limit}:"
        f" the job would fail{'' if certain else ' if the others are like them'}"
    )
