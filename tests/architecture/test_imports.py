"""What import contracts cannot say: costs at start-up, and what is touched inside a library."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {"alembic", "celery", "duckdb", "kombu", "onnx", "onnxruntime", "pandas", "pyarrow", "sqlalchemy"}

# Modules that read or write something: no place in a floor that only decides.
INPUT_OUTPUT = {
    "asyncio",
    "glob",
    "http",
    "io",
    "os",
    "pathlib",
    "shutil",
    "socket",
    "sqlite3",
    "subprocess",
    "tempfile",
}

# Parts of pyarrow that open files; arrays, tables and kernels are for everyone. A Dataset may be handed on and named as
# a type, so of pyarrow.dataset only the functions count.
READERS_AND_WRITERS = {"csv", "feather", "fs", "ipc", "json", "orc", "parquet"}
DATASET_FUNCTIONS = {"dataset", "parquet_dataset", "write_dataset"}

SERIALISERS = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}

PRINT_HEAVY = f"print(json.dumps(sorted({HEAVY!r} & set(sys.modules))))"


def sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """Full names of what a file imports, wherever it does so, with the line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def offences(paths: list[Path], wrong: set[str]) -> list[str]:
    """Places that import one of the names in `wrong`, or something inside it."""
    return [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in paths
        for name, line in imported(path)
        if any(name == each or name.startswith(f"{each}.") for each in wrong)
    ]


def calls(paths: list[Path]) -> Iterator[tuple[Path, ast.Call, str]]:
    """Every call, with the last part of the name that is called."""
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
                yield path, node, node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id


def loaded_by(code: str) -> list[str]:
    """Heavy libraries that a fresh process has loaded after `code`."""
    program = f"import json, sys\n{code}\n{PRINT_HEAVY}"
    answer = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)
    loaded: list[str] = json.loads(answer.stdout.splitlines()[-1])
    return loaded


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("main:cli", ["--help"]),
        ("main:cli", ["--version"]),
        ("main:cli", ["run", "--help"]),
        ("score:submit", ["--help"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_help_loads_no_heavy_library(command: str, arguments: list[str]) -> None:
    """A person who asks how a command is called does not wait for libraries that would do its work."""
    module, name = command.split(":")
    code = f"""
from scoring.cli.errors import run_command
from scoring.cli.{module} import {name}
assert run_command({name}, "scoring", {arguments!r}) == 0
"""
    assert [] == loaded_by(code)


@pytest.mark.parametrize("package", ["scoring", "scoring.core", "scoring.cli"])
def test_the_light_packages_load_no_heavy_library(package: str) -> None:
    """The package itself, core and the commands' files import heavy libraries inside functions only."""
    modules = [package]
    if package != "scoring":
        folder = ROOT / package.replace(".", "/")
        modules += [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in folder.rglob("*.py")]
    assert [] == loaded_by("\n".join(f"import {name.removesuffix('.__init__')}" for name in modules))


def test_core_is_the_standard_library_numpy_and_cronsim() -> None:
    """Floor 0 imports nothing else, whatever is installed."""
    allowed = sys.stdlib_module_names | {"numpy", "cronsim"}
    found = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in sources("scoring/core")
        for name, line in imported(path)
        if name.partition(".")[0] not in allowed and not name.startswith("scoring.core.")
    ]
    assert [] == found


def test_core_touches_no_file_and_no_network() -> None:
    """Values and decisions are the same on every machine."""
    assert [] == offences(sources("scoring/core"), INPUT_OUTPUT)


def test_only_the_data_room_reads_and_writes_files_with_pyarrow() -> None:
    """How a file looks on disk is known in one room."""
    mine = (ROOT / "scoring/data", ROOT / "scoring/demo")  # the demo makes an input, as a user would
    others = [path for path in sources("scoring", "workers", "migrations") if not any(map(path.is_relative_to, mine))]
    assert [] == offences(others, {f"pyarrow.{name}" for name in READERS_AND_WRITERS})
    assert [] == [
        f"{path.relative_to(ROOT)}:{call.lineno} calls {name}"
        for path, call, name in calls(others)
        if name in DATASET_FUNCTIONS
    ]


def test_only_users_enter_by_the_front_door() -> None:
    """`scoring.run` and its like are for programs of others: below floor 4 nothing asks the package for them."""
    insiders = sources("scoring/core", "scoring/ledger", "scoring/data", "scoring/model", "scoring/query")
    insiders += [*sources("scoring/pipeline", "workers"), *sorted((ROOT / "scoring").glob("[!_a]*.py"))]
    found = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in insiders
        for name, line in imported(path)
        if name in {"scoring", "scoring.Job", "scoring.run", "scoring.submit"}
    ]
    assert [] == found


def test_nothing_is_pickled() -> None:
    """A file or a message that runs code when it is read has no place here."""
    assert [] == offences(sources("scoring", "workers", "migrations"), SERIALISERS)


def test_celery_keeps_no_time_and_counts_no_attempts() -> None:
    """Delays and retries are rows: a message with an ETA is delivered again and again past the visibility timeout."""
    found = list(calls([ROOT / "scoring/queue.py", *sources("workers")]))
    assert found
    assert [] == [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path, call, name in found
        if name == "retry" or any(keyword.arg in {"countdown", "eta"} for keyword in call.keywords)
    ]


def test_every_room_has_its_floor() -> None:
    """A new file or folder of the package is named in the import contract, else nothing would hold it."""
    contract = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    package = ROOT / "scoring"
    rooms = [path.parent for path in package.glob("*/__init__.py")] + sorted(package.glob("[!_]*.py"))
    assert [] == [room.stem for room in rooms if f"scoring.{room.stem}" not in contract]
