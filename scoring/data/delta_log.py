"""Whose a Delta log is. Its commits are JSON: to look at them needs no Delta library."""

import json
import re
from pathlib import Path

DELTA_LOG = "_delta_log"
JOB_ID = "scoring.job_id"
"""In the commit's information: the job that made the version."""

_COMMIT = re.compile(r"\d{20}\.json")


def log_owner(output: Path) -> str | None:
    """Id of the job that made the newest version of the table in this folder; None where no job did.

    A version that a user made (OPTIMIZE, DELETE, …) makes the table theirs.
    """
    log = output / DELTA_LOG
    commits = sorted(path.name for path in log.iterdir() if _COMMIT.fullmatch(path.name)) if log.is_dir() else []
    return _committer(log / commits[-1]) if commits else None


def _committer(commit: Path) -> str | None:
    try:
        with commit.open("rb") as lines:
            actions = [json.loads(line) for line in lines if b'"commitInfo"' in line]
    except (OSError, ValueError):
        return None
    found = next((action["commitInfo"].get(JOB_ID) for action in actions if "commitInfo" in action), None)
    return None if found is None else str(found)
