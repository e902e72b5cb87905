"""What the tests of commands share: the program in this process, at home in a folder of the test."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scoring.cli.errors import run_command
from scoring.cli.main import cli
from tests.place import Place


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Schedules:
    """`schedules("add", "churn", …)` is `scoring schedule add churn …`, in this process."""

    def __init__(self, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capfd = capfd

    def __call__(self, *arguments: object, code: int = 0) -> Answer:
        self._capfd.readouterr()
        got = run_command(cli, "scoring", ["schedule", *map(str, arguments)])
        out, err = self._capfd.readouterr()
        assert code == got, f"{out}\n{err}"
        return Answer(code=got, out=out, err=err)

    def add(self, name: str = "churn", *options: object, cron: str = "0 2 * * *", code: int = 0) -> Answer:
        """A schedule over rows.csv, by the model beside it."""
        model = ("--model", self.folder / "churn.onnx", "--input", "rows.csv")
        return self("add", name, "--cron", cron, *model, *options, code=code)

    def one(self, name: str = "churn") -> dict[str, Any]:
        """What `show --json` says."""
        shown: dict[str, Any] = self("show", name, "--json").json
        return shown

    def states(self, name: str = "churn") -> Sequence[str]:
        return [slot["state"] for slot in self.one(name)["slots"]]


@pytest.fixture
def schedules(place: Place, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Schedules:
    """No schedule yet; a model and rows in the working folder."""
    monkeypatch.setenv("SCORING_HOME", str(place.folder / "home"))
    monkeypatch.chdir(place.put_back())
    return Schedules(place.folder, capfd)
