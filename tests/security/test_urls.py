"""S17, S18: no URL that a user writes is opened by anything. A listener here counts who comes."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from scoring.core.arguments import job_options
from scoring.core.errors import ScoringError
from scoring.data.export_target import export_target
from scoring.data.inputs import expand_inputs
from scoring.data.label_files import find_file
from scoring.model.spec import load_spec
from scoring.pipeline.model_files import find_model
from scoring.pipeline.prepare import JobRequest
from scoring.pipeline.submit import submit
from scoring.query.engine import Catalog
from scoring.settings import load_settings
from tests.small_models import churn_model
from tests.unit.query.conftest import catalog, output  # noqa: F401  # fixtures
from tests.unit.query.test_query import ask
from workers.process import open_context


class Listener:
    """Takes connections on loopback, answers nothing, and counts them."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.visits = 0
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while True:
            try:
                visitor, _ = self._socket.accept()
            except OSError:
                return
            self.visits += 1
            visitor.close()

    def close(self) -> None:
        """Every visitor has been counted by then: they stand in line before this one."""
        with socket.create_connection(("127.0.0.1", self.port)) as last:
            last.recv(1)
        self._socket.close()
        self.visits -= 1


@pytest.fixture
def listener() -> Iterator[Listener]:
    """Nobody may have come by the end of the test."""
    listener = Listener()
    yield listener
    listener.close()
    assert 0 == listener.visits


ADDRESSES = [
    "http://127.0.0.1:{port}/x{ending}",
    "https://127.0.0.1:{port}/x{ending}",
    "http://2130706433:{port}/x{ending}",  # 127.0.0.1 as one number
    "http://0177.0.0.1:{port}/x{ending}",
    "http://[::ffff:127.0.0.1]:{port}/x{ending}",
    "http://user@127.0.0.1:{port}/x{ending}",
    "ftp://127.0.0.1:{port}/x{ending}",
    "s3://127.0.0.1:{port}/x{ending}",
    "s3://key:secret@bucket/x{ending}?endpoint_override=127.0.0.1:{port}&scheme=http",
    "gs://bucket/x{ending}?endpoint_override=127.0.0.1:{port}&scheme=http",
    "hdfs://127.0.0.1:{port}/x{ending}",
    "abfs://container@127.0.0.1:{port}/x{ending}",
    "hf://datasets/x{ending}",
    "file:///etc/hostname{ending}",
    "file://127.0.0.1:{port}/x{ending}",
    "simplecache::http://127.0.0.1:{port}/x{ending}",
    "zip://x::http://127.0.0.1:{port}/x{ending}",
    "reference://http://127.0.0.1:{port}/x{ending}",
    "\\\\127.0.0.1@{port}\\x{ending}",
    "//127.0.0.1:{port}/x{ending}",
    "http:/127.0.0.1:{port}/x{ending}",
    "@http://127.0.0.1:{port}/x{ending}",
    "grpc://127.0.0.1:{port}/x{ending}",
    "postgresql://127.0.0.1:{port}/x{ending}",
]


@pytest.fixture(params=ADDRESSES)
def address(request: pytest.FixtureRequest, listener: Listener) -> str:
    """An address with a gap for the extension."""
    return str(request.param).replace("{port}", str(listener.port))


def test_no_path_is_taken_for_a_url(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inputs of each format, lists, labels, specs and exports: refused in words, and nobody is asked."""
    monkeypatch.chdir(tmp_path)
    Path("list.txt").write_text(address.format(ending=".csv") + "\n")
    tries = [
        *(
            lambda e=ending: expand_inputs([address.replace("{ending}", e)])
            for ending in (".csv", ".parquet", ".jsonl.gz")
        ),
        lambda: expand_inputs(["@list.txt"]),
        lambda: find_file(address.replace("{ending}", ".csv"), ()),
        lambda: load_spec(address.replace("{ending}", ".yaml")),
        lambda: export_target(Path(address.replace("{ending}", ".csv")), store=tmp_path, sources=()),
    ]
    for act in tries:
        with pytest.raises(ScoringError):
            act()


def test_no_model_and_no_output_is_taken_for_a_url(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model, an MLflow folder's file, an output: of a whole submit nothing asks anybody."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCORING_HOME", str(tmp_path / "home"))
    Path("logged").mkdir()
    Path("logged/MLmodel").write_text(f"flavors: {{onnx: {{data: '{address.replace('{ending}', '.onnx')}'}}}}\n")
    Path("rows.csv").write_text("age,plan\n31,free\n")
    churn_model(Path("churn.onnx"))
    context = open_context(load_settings())
    try:
        for model in (address.replace("{ending}", ".onnx"), "./logged"):
            with pytest.raises(ScoringError):
                find_model(context, model, None)
        if "://" in address:
            options = job_options(output=address.replace("{ending}", ""))
            with pytest.raises(ScoringError, match="URL"):
                submit(context, JobRequest(model="churn.onnx", inputs=("rows.csv",), options=options))
    finally:
        context.ledger.close()


def test_no_statement_opens_a_url(address: str, request: pytest.FixtureRequest) -> None:
    """`scoring sql`: as a table, by each reader, attached, installed."""
    found: Catalog = request.getfixturevalue("catalog")
    url = address.replace("{ending}", ".parquet").replace("'", "''")
    statements = (
        f"FROM '{url}'",
        f"FROM read_parquet('{url}')",
        f"FROM read_csv('{url}')",
        f"FROM read_text('{url}')",
        f"ATTACH '{url}' AS x",
        f"INSTALL httpfs FROM '{url}'",
        f"COPY (SELECT 1) TO '{url}'",
    )
    for statement in statements:
        with pytest.raises(ScoringError):
            ask(found, statement)


def test_labels_in_json_lines_are_files(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their reader is DuckDB, which would open URLs."""
    from scoring.data.json_labels import plain_lines

    monkeypatch.chdir(tmp_path)
    with pytest.raises(ScoringError):
        plain_lines(address.replace("{ending}", ".jsonl"), "utf-8", (), tmp_path)
