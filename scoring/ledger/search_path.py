"""Names that the program does not qualify mean the ledger's tables, and nothing that others have put beside them."""

from typing import Any

from sqlalchemy import Engine, event

# Without a schema that this role may use there is nothing to keep to, and the first question says so.
_KEEP = (
    "SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', false)"
    " WHERE current_schema() IS NOT NULL"
)


def keep_to_own_schema(engine: Engine) -> None:
    """Each new connection looks into the first schema of its path alone, and last into the session's own."""

    @event.listens_for(engine, "connect")
    def _keep(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_KEEP)
        connection.commit()
