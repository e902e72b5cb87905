"""The program as a person types it: a subprocess with settings of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent
TIMEOUT_SECONDS = 120


class Program:
    """`program("run", model, file)` runs `scoring run …` in the folder of the test."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.settings = {"SCORING_HOME": str(folder / "home"), **(settings or {})}

    def with_settings(self, **settings: str) -> "Program":
        return Program(self.folder, self.settings | settings)

    def start(self, *arguments: object, name: str = "scoring", **options: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(BIN / name), *map(str, arguments)],
            cwd=self.folder,
            env=os.environ | self.settings,
            stdin=options.pop("stdin", subprocess.DEVNULL),
            stdout=subprocess.PIPE,
            stderr=options.pop("stderr", subprocess.PIPE),
            text=True,
            **options,
        )

    def __call__(
        self, *arguments: object, code: int = 0, name: str = "scoring", stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run to the end; fails unless the exit code is `code`."""
        process = self.start(*arguments, name=name, stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL)
        out, err = process.communicate(stdin, timeout=TIMEOUT_SECONDS)
        assert process.returncode == code, f"exit {process.returncode}, expected {code}\n{out}\n{err}"
        assert "Traceback" not in err, err
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def json(self, *arguments: object, code: int = 0) -> Any:
        """Run with --json; the one document on stdout."""
        return json.loads(self(*arguments, "--json", code=code).stdout)
