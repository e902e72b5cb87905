"""The program as a person types it: a process with settings of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from tests.acceptance.warm import WarmProgram

BIN = Path(sys.executable).parent
TIMEOUT_SECONDS = 120
WARM = WarmProgram()


class Program:
    """`program("run", model, file)` runs `scoring run …` in the folder of the test."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None, *, before: Sequence[str] = ()) -> None:
        """before: a command that runs the program in surroundings of its own, such as `nsenter --mount`."""
        self.folder = folder
        self.settings = {"SCORING_HOME": str(folder / "home"), **(settings or {})}
        self._before = before

    def with_settings(self, **settings: str) -> "Program":
        return Program(self.folder, self.settings | settings, before=self._before)

    def start(self, *arguments: object, name: str = "scoring", **options: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self._before, str(BIN / name), *map(str, arguments)],
            cwd=self.folder,
            env=os.environ | self.settings,
            stdin=options.pop("stdin", subprocess.DEVNULL),
            stdout=options.pop("stdout", subprocess.PIPE),
            stderr=options.pop("stderr", subprocess.PIPE),
            text=True,
            **options,
        )

    def __call__(
        self, *arguments: object, code: int = 0, name: str = "scoring", stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run to the end; fails unless the exit code is `code`."""
        done = self.run(*arguments, name=name, stdin=stdin)
        assert done.returncode == code, f"exit {done.returncode}, expected {code}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def run(
        self, *arguments: object, name: str = "scoring", stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run to the end, whatever that is."""
        with TemporaryFile("w+") as given, TemporaryFile("w+") as out, TemporaryFile("w+") as err:
            given.write(stdin or "")
            given.seek(0)
            if self._before or any(setting.startswith("PYTHON") for setting in self.settings):
                # The interpreter reads these when it starts.
                returned = self.start(*arguments, name=name, stdin=given, stdout=out, stderr=err).wait(TIMEOUT_SECONDS)
            else:
                command = WARM.start(name, list(map(str, arguments)), self.folder, self.settings, (given, out, err))
                returned = command.wait(TIMEOUT_SECONDS)
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(arguments, returned, out.read(), err.read())

    def json(self, *arguments: object, code: int = 0) -> Any:
        """Run with --json; the one document on stdout."""
        return json.loads(self(*arguments, "--json", code=code).stdout)
