"""An answer as every reader can take it: a name for each column, and no type that only DuckDB knows."""

from collections.abc import Sequence

import duckdb
from duckdb.sqltypes import DuckDBPyType

from scoring.query.relations import quoted

# Neither Arrow's writers nor Python have these, or they lose a part of them on the way.
_UNKNOWN = frozenset({"interval", "bignum", "union", "bit", "time with time zone", "uhugeint", "variant", "geometry"})
_NESTED = frozenset({"list", "array", "struct", "map", "tuple"})


def known_types(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: dict[str, object] | None
) -> duckdb.DuckDBPyRelation:
    """The answer to one SELECT, where columns of types that only DuckDB knows are text."""
    answer = connection.sql(sql, params=parameters)
    known = [_is_known(kind) for kind in answer.types]
    if all(known):
        return answer
    # Without the semicolon and what stands behind it.
    [[select]] = connection.execute("SELECT json_deserialize_sql(json_serialize_sql(?::VARCHAR))", [sql]).fetchall()
    names = distinct(answer.columns)
    cells = [f"#{n}{'' if fine else '::VARCHAR'} AS {quoted(names[n - 1])}" for n, fine in enumerate(known, start=1)]
    return connection.sql(f"SELECT {', '.join(cells)} FROM ({select})", params=parameters)


def distinct(names: Sequence[str]) -> list[str]:
    """The second `v` becomes `v_1`; a name that another column has goes on counting."""
    taken, given = set(names), dict[str, None]()
    for name in names:
        free, number = name, 0
        while free in given or (number and free in taken):
            number += 1
            free = f"{name}_{number}"
        given[free] = None
    return list(given)


def _is_known(kind: DuckDBPyType) -> bool:
    if kind.id not in _NESTED:
        return kind.id not in _UNKNOWN
    return all(_is_known(inner) for _, inner in kind.children if isinstance(inner, DuckDBPyType))
