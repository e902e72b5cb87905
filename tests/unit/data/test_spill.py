"""Folders for what does not fit into memory."""

import stat
import subprocess
import sys
from pathlib import Path

from scoring.data.spill import FOLDER, spill_folder

HOLD = """
import sys
from pathlib import Path
from scoring.data.spill import spill_folder
with spill_folder(Path(sys.argv[1])) as folder:
    (folder / "rows").write_bytes(b"x")
    print(folder, flush=True)
    sys.stdin.read()
"""


def test_a_folder_is_private_and_goes_with_its_use(tmp_path: Path) -> None:
    """Two at once are two; each is for its owner alone."""
    with spill_folder(tmp_path) as one, spill_folder(tmp_path) as other:
        assert one != other
        assert 0o700 == stat.S_IMODE(one.stat().st_mode) == stat.S_IMODE((tmp_path / FOLDER).stat().st_mode)
    assert [] == list((tmp_path / FOLDER).iterdir())


def test_what_a_killed_process_left_goes_with_the_next_one(tmp_path: Path) -> None:
    """A live process keeps its folder; a dead one's is removed."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        left = Path(process.stdout.readline().strip())
        with spill_folder(tmp_path):
            assert (left / "rows").exists()
        process.kill()
        process.wait()
    assert left.exists()
    with spill_folder(tmp_path):
        assert not left.exists()
