"""The keys of a file of labels that no row has, in a file of their own."""

from collections.abc import Iterable, Sequence

import pyarrow as pa

from scoring.data.export import export
from scoring.data.export_target import ExportTarget, export_target
from scoring.ledger.records import Job
from scoring.pipeline.context import Context
from scoring.pipeline.label_source import LabelRequest, path_of_labels


def unknown_target(context: Context, jobs: Sequence[Job], request: LabelRequest) -> ExportTarget | None:
    """The file that takes them; None where the user named none.

    To be asked before anything is attached. Raises UsageError, InputRefused and its kin.
    """
    if request.unknown_to is None:
        return None
    inputs = [file.path for job in jobs for file in job.inputs]
    sources = [path_of_labels(request, context.settings.input_roots), *inputs]
    return export_target(request.unknown_to, store=context.settings.store, sources=sources)


def export_unknown(target: ExportTarget, request: LabelRequest, rows: Iterable[pa.RecordBatch]) -> None:
    """rows: keys and labels, under any names. Raises StorageFault."""
    schema = pa.schema([(request.columns.key, pa.string()), (request.columns.label, pa.string())])
    export(target, schema, (pa.RecordBatch.from_arrays(batch.columns, schema=schema) for batch in rows))
