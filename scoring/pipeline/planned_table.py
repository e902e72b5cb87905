"""The Postgres table that a job asks for, before the job exists."""

from scoring.core.result_table import PartitionBy, ResultTable
from scoring.data.pg_types import table_columns
from scoring.data.result_schema import result_schema
from scoring.ledger import result_tables
from scoring.pipeline.context import Context
from scoring.pipeline.prepare import Prepared
from scoring.telemetry import announce


def planned_table(context: Context, prepared: Prepared) -> ResultTable | None:
    """The table that the job asks for, checked against the one that is there.

    Raises UsageError, OutputRefused where it cannot take the rows, InputRefused for names that no table has.
    """
    options = prepared.options
    if options.to_table is None:
        return None
    written = options.to_table
    table = ResultTable(
        name=context.ledger.look(lambda tx: result_tables.resolve(tx, written)),
        columns=table_columns(result_schema(prepared.files, prepared.binding)),
        partition_by=PartitionBy.of(options.partition_by),
    )
    found = context.ledger.look(lambda tx: result_tables.check(tx, table))
    if found is not None and found.indexes:
        announce("table.indexed", table=table.name, indexes=found.indexes)
    return table
