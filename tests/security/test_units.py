"""S33: the unit files of deploy/systemd hold a worker down, and the program works under what they forbid."""

import ctypes
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.program import BIN
from tests.small_models import churn_model

ROOT = Path(__file__).parents[2]
UNITS = sorted((ROOT / "deploy/systemd").glob("*.service"))
MOST_EXPOSED = 15
"""Tenths, of 100: what `systemd-analyze security` calls OK ends at 49."""

DEMANDED = {
    "User=scoring",
    "NoNewPrivileges=yes",
    "ProtectSystem=strict",
    "CapabilityBoundingSet=",
    "PrivateTmp=yes",
    "IPAddressDeny=any",
    "LimitCORE=0",
    "RestrictNamespaces=yes",
    "SystemCallFilter=@system-service",
}
needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")


def directives(unit: Path) -> set[str]:
    return {line for line in unit.read_text().splitlines() if line and not line.startswith(("#", "["))}


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_gives_no_more_than_the_work_needs(unit: Path) -> None:
    """No root, no new rights, nothing written but the store, no way out but to the servers, no secret."""
    found = directives(unit)
    assert set() == DEMANDED - found
    assert f"ExecStart=/opt/scoring/bin/scoring {unit.stem.removeprefix('scoring-')}" in found
    assert {"LoadCredential=database_url:/etc/scoring/database_url"} <= found
    assert "://" not in unit.read_text()


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_understands_every_line(unit: Path, tmp_path: Path) -> None:
    """A misspelt directive would be ignored, and protect nobody; the exposure is what was meant."""
    shell = shutil.which("true") or "/bin/true"
    copy = tmp_path / unit.name
    copy.write_text(unit.read_text().replace("/opt/scoring/bin/scoring", shell))
    verified = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, check=False)
    assert "" == "".join(line for line in verified.stderr.splitlines() if unit.name in line)
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED}", "--no-pager", copy]
    assert 0 == subprocess.run(command, capture_output=True, check=False).returncode


PR_SET_NO_NEW_PRIVS, PR_SET_MDWE = 38, 65


def held_down() -> None:
    """As the units do it, as far as a process can do it to itself."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(PR_SET_MDWE, 1, 0, 0, 0)  # from Linux 6.3 on; before, it does nothing
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))


@pytest.mark.exhaustive
@pytest.mark.skipif(sys.platform != "linux", reason="asks the Linux kernel")
def test_the_program_works_under_what_the_units_forbid(tmp_path: Path) -> None:
    """A job is scored where no memory may be written and run, no right be gained, and no core be left."""
    churn_model(tmp_path / "churn.onnx")
    (tmp_path / "rows.csv").write_text("age,plan\n31,free\n")
    program = (
        "import os, sys; from tests.security.test_units import held_down; held_down();"
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    command = [sys.executable, "-c", program, str(BIN / "scoring"), "run", "churn.onnx", "rows.csv", "-o", "out"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "SCORING_HOME": str(tmp_path / "home")}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    assert (tmp_path / "out/_SUCCESS").exists()
