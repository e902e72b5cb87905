"""doctor: each problem by name, with its remedy."""

import json
from pathlib import Path

import pytest

from scoring.cli.doctor import examine
from scoring.cli.doctor_check import Status
from scoring.cli.errors import run_command
from scoring.cli.main import cli
from scoring.cli.network_disk import network_file_system
from scoring.ledger import processes
from scoring.ledger.database import Ledger
from tests.unit.cli.conftest import Schedules
from workers.presence import scheduler


def statuses() -> dict[str, Status]:
    """The worst status of each check by its name."""
    order = list(Status)
    found: dict[str, Status] = {}
    for check in examine():
        found[check.name] = max(found.get(check.name, Status.OK), check.status, key=order.index)
    return found


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCORING_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_fresh_machine_is_well(home: Path) -> None:
    """Nothing is wrong before the first command, and looking makes nothing."""
    assert set(statuses().values()) == {Status.OK}
    assert not home.exists()


def test_wrong_settings_are_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Settings that cannot be read end with 2, and nothing else is looked at."""
    monkeypatch.setenv("SCORING_LEASE_SECONDS", "soon")
    assert run_command(cli, "scoring", ["doctor", "--json"]) == 2
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is False
    assert report["checks"][-1]["name"] == "settings"
    assert report["checks"][-1]["remedy"]


def test_servers_that_are_away_end_with_six(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A ledger and a broker that refuse the connection are both named, without their passwords."""
    monkeypatch.setenv("SCORING_DATABASE_URL", "postgresql://scoring:hunter2@127.0.0.1:1/x")
    monkeypatch.setenv("SCORING_BROKER_URL", "redis://:hunter2@127.0.0.1:1/0")
    assert run_command(cli, "scoring", ["doctor"]) == 6
    out, err = capsys.readouterr()
    assert "FAILED   ledger" in out
    assert "FAILED   broker" in out
    assert "hunter2" not in out + err


def test_a_store_that_cannot_be_written_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file stands where a folder is needed."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SCORING_STORE", str(tmp_path / "file" / "store"))
    assert statuses()["store"] is Status.FAILED


def test_roots_that_are_no_folders_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An allow-list with a typing error would refuse everything."""
    monkeypatch.setenv("SCORING_INPUT_ROOTS", str(tmp_path / "missing"))
    assert statuses()["roots"] is Status.WARNING


@pytest.mark.parametrize(
    ("folder", "expected"), [("/home/ada", ""), ("/mnt/team/ada", "nfs4"), ("/mnt/with blank/x", "cifs"), ("/", "")]
)
def test_a_network_disk_is_known_by_its_mount(folder: str, expected: str, tmp_path: Path) -> None:
    """The nearest mount above the folder decides."""
    mounts = tmp_path / "mounts"
    mounts.write_text("/dev/sda / ext4 rw 0 0\nnas:/t /mnt/team nfs4 rw 0 0\n//n/s /mnt/with\\040blank cifs rw 0 0\n")
    assert expected == network_file_system(Path(folder), mounts)


def said_of_schedules() -> list[tuple[Status, str]]:
    return [(check.status, check.message) for check in examine() if check.name == "schedules"]


def test_schedules_that_nobody_fires_are_named(schedules: Schedules) -> None:
    """Also without a deployment, until a scheduler has shown itself; paused ones need none."""
    assert [(Status.OK, "there is none")] == said_of_schedules()
    schedules.add("one")
    schedules.add("two")
    schedules("pause", "two")
    assert [(Status.WARNING, "1 schedule, and 1 paused one; no scheduler seen in the last minute")] == (
        said_of_schedules()
    )
    ledger = Ledger.open(f"sqlite:///{schedules.folder}/home/ledger.db")
    ledger.run(lambda tx: processes.beat(tx, scheduler("box:1/scheduler")))
    assert [(Status.OK, "1 schedule, and 1 paused one; a scheduler was seen in the last minute")] == (
        said_of_schedules()
    )
    ledger.run(lambda tx: processes.forget(tx, "box:1/scheduler"))
    ledger.close()
    schedules("pause", "one")
    assert [(Status.OK, "0 schedules, and 2 paused ones")] == said_of_schedules()


def test_what_the_last_day_left_undone_is_counted(schedules: Schedules) -> None:
    """A count for each way to fail, whichever nights the slots are of."""
    schedules.add("churn")
    (schedules.folder / "rows.csv").unlink()
    for day in ("2026-01-01", "2026-01-02"):
        schedules("run", "churn", "--slot", f"{day}T02:00", code=4)
    assert (Status.WARNING, "in the last day 2 slots refused") == said_of_schedules()[-1]


def test_each_module_of_prepare_functions_is_looked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whether it is installed, not whether it runs: nothing of it is executed."""
    (tmp_path / "house_features.py").write_text("raise SystemExit('it ran')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("SCORING_PREPARE_MODULES", "house_features,no_such_module,no_such_package.part")
    found = [(check.status, check.message.split()[0]) for check in examine() if check.name == "prepare"]
    assert [
        (Status.OK, "house_features"),
        (Status.WARNING, "no_such_module"),
        (Status.WARNING, "no_such_package.part"),
    ] == found
