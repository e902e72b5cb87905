"""What a statement names, and whether it is one that only reads. DuckDB's own parser says so, not a regular expression.

Fails closed: a kind of node, a table function or a name that is not listed here is refused. DuckDB's settings
(``engine.py``) are the second fence behind this one.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from scoring.core.errors import UsageError
from scoring.query.parameters import NO_PARAMETERS, check_parameters

JOB_FUNCTIONS = ("results", "rejects")
"""Table functions of ours; each takes one job."""

MAX_CHARACTERS = 100_000
"""Of a statement: the parser of a longer one may take minutes, or all of the stack."""

MAX_NAME_PARTS = 16
"""Of `a.b.c`: to look up one of thousands takes hours, and no time limit ends it."""

_QUERY_NODES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
_TABLE_FUNCTIONS = {*JOB_FUNCTIONS, "range", "generate_series", "unnest", "json_each", "json_tree", "repeat"}
# Scalar functions that wait, count or write instead of computing.
_REFUSED_SCALARS = {"sleep_ms", "pg_sleep", "write_log", "nextval", "setval", "currval", "setseed", "getvariable"}
_REFUSED_SCALARS |= {"current_setting", "getenv"}

Node = Mapping[str, Any]
"""One JSON object of DuckDB's syntax tree: its shape is DuckDB's, known only by the keys read here."""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One SELECT that reads only."""

    sql: str
    # Relations it names, lower case, CTEs left out.
    relations: frozenset[str]
    # (function, job) of `results('…')`, `rejects($name)`.
    jobs: frozenset[tuple[str, str]]
    # SHOW TABLES: it wants to see every relation.
    shows_all: bool


def read_statement(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Mapping[str, object] = NO_PARAMETERS
) -> Statement:
    """Parse `sql`; UsageError unless it is exactly one statement that only selects, and names each parameter given."""
    _check_text(sql)
    tree = _tree(connection, sql)
    nodes = tuple(_nodes(tree))
    for node in nodes:
        _check(node)
    check_parameters({str(node["identifier"]) for node in nodes if _is_parameter(node)}, parameters)
    ctes = {str(entry["key"]).lower() for node in nodes for entry in node.get("cte_map", {}).get("map", ())}
    relations = {_relation(node) for node in nodes if node.get("type") == "BASE_TABLE"}
    return Statement(
        sql=sql,
        relations=frozenset(relations - ctes),
        jobs=frozenset(_job(node["function"], parameters) for node in nodes if _is_of_job(node)),
        shows_all=any(node.get("type") == "SHOW_REF" and not node.get("query") for node in nodes),
    )


def require_select(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """The same said by DuckDB's other parser, the one that runs it: the files handed in could be written by a COPY."""
    kinds = [statement.type for statement in connection.extract_statements(sql)]
    if kinds != [duckdb.StatementType.SELECT]:
        raise refused("it is not exactly one SELECT", _head(sql))


def refused(reason: str, got: str) -> UsageError:
    return UsageError(
        f"the query was refused: {reason}",
        expected="one SELECT over the views, results('JOB'), rejects('JOB') and results_<model>",
        got=got,
        remedy="rewrite it as a SELECT; `scoring sql 'SHOW TABLES'` lists what can be read",
    )


def _empty() -> UsageError:
    return UsageError(
        "the query is empty",
        expected="one SELECT",
        got="no statement",
        remedy="SELECT job_id, state FROM job_progress; `scoring sql 'SHOW TABLES'` lists what can be read",
    )


def _check_text(sql: str) -> None:
    if len(sql) > MAX_CHARACTERS:
        raise refused(f"it has more than {MAX_CHARACTERS:,} characters", f"{len(sql):,} characters")
    if not sql.strip():
        raise _empty()
    if "\0" in sql:
        raise refused("it holds a NUL character", _head(sql.replace("\0", "␀")))


def _tree(connection: duckdb.DuckDBPyConnection, sql: str) -> Node:
    # fetchall: a result that is not read to its end keeps the connection busy.
    [[text]] = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [sql]).fetchall()
    try:
        answer: Node = json.loads(text)
    except RecursionError:
        raise refused("it is nested too deeply", _head(sql)) from None
    if answer["error"]:
        if answer.get("error_type") == "parser":
            raise UsageError(
                "the query cannot be parsed",
                expected="SQL as DuckDB writes it",
                got=_where(sql, answer),
                remedy="correct the statement; a name with blanks or dashes stands in double quotes",
            )
        raise refused("it is not a SELECT", _head(sql))
    statements: list[Node] = answer["statements"]
    if not statements:
        raise _empty()
    if len(statements) != 1:
        raise refused("it is not exactly one statement", f"{len(statements)} statements")
    return statements[0]


def _where(sql: str, answer: Node) -> str:
    position = int(answer.get("position", 0))
    return f"{answer['error_message']} (character {position + 1} of {_head(sql)})"


def _head(sql: str) -> str:
    text = " ".join(sql.split())
    return repr(text if len(text) <= 80 else text[:77] + "...")


def _nodes(tree: object) -> Iterator[Node]:
    """Every JSON object of the tree, with a stack of our own: nesting is the user's to choose."""
    stack = [tree]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            yield item
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)


def _check(node: Node) -> None:
    kind = str(node.get("type", ""))
    if kind.endswith("_NODE") and kind not in _QUERY_NODES:
        raise refused("it changes data", kind.removesuffix("_NODE").replace("_", " ").lower())
    if kind == "TABLE_FUNCTION":
        name = str(node["function"].get("function_name", "")).lower()
        if name not in _TABLE_FUNCTIONS or _qualified(node["function"]):
            raise refused("this table function is not allowed here", f"{name}()")
    elif kind == "COLUMN_REF" and len(node["column_names"]) > MAX_NAME_PARTS:
        raise refused(f"a name has more than {MAX_NAME_PARTS} parts", f"{len(node['column_names']):,} parts")
    elif kind == "FUNCTION" and str(node.get("function_name", "")).lower() in _REFUSED_SCALARS:
        raise refused("this function is not allowed here", f"{node['function_name']}()")


def _qualified(node: Node) -> bool:
    return bool(node.get("schema") or node.get("catalog") or node.get("schema_name") or node.get("catalog_name"))


def _relation(node: Node) -> str:
    if _qualified(node):
        raise refused("views have no schema", ".".join(node.get("qualified_name", {}).get("path", ())))
    return str(node["table_name"]).lower()


def _is_of_job(node: Node) -> bool:
    return node.get("type") == "TABLE_FUNCTION" and str(node["function"]["function_name"]).lower() in JOB_FUNCTIONS


def _is_parameter(node: Node) -> bool:
    return node.get("class") == "PARAMETER"


def _job(function: Node, parameters: Mapping[str, object]) -> tuple[str, str]:
    name, arguments = str(function["function_name"]).lower(), function.get("arguments", ())
    given: Node = arguments[0]["expression"] if len(arguments) == 1 else {}
    if _is_parameter(given):
        return name, str(parameters[given["identifier"]])
    literal = given.get("literal", {})
    if literal.get("kind") != "STRING":
        raise refused(f"{name}() takes one job, in single quotes or as $name", "another argument")
    return name, str(literal["text"])
