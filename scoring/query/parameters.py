"""Values for `$name`: each that the statement names is given, and each that is given is named."""

from collections.abc import Mapping, Set
from types import MappingProxyType

from scoring.core.errors import UsageError

NO_PARAMETERS: Mapping[str, object] = MappingProxyType({})


def check_parameters(named: Set[str], given: Mapping[str, object]) -> None:
    """Raises UsageError with every name that only one side has."""
    missing, unknown = sorted(named - given.keys()), sorted(given.keys() - named)
    if not missing and not unknown:
        return
    wrong = [f"no value for {_list(missing)}"] * bool(missing) + [f"no use for {_list(unknown)}"] * bool(unknown)
    raise UsageError(
        f"the parameters do not fit the query: {', '.join(wrong)}",
        expected=_list(sorted(named)) if named else "no parameter, for the query names none",
        got=_list(sorted(given)) if given else "none",
        remedy="give each with -p name=value, once",
    )


def _list(names: list[str]) -> str:
    return ", ".join(f"${name}" for name in names)
