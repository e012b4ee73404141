"""Starts command lines of nas-gym as processes, in milliseconds: copies of one that has imported all.

`python -m tests.faults.launcher` reads a JSON line for each and answers with its process number; asked to
wait for one, with its exit code. `Launcher` is the other end.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

ROOT = Path(__file__).parents[2]
IMPORTED = (
    "matplotlib.pyplot",
    "nas_agents.comparison.publish",
    "nas_agents.q_learning",
    "nas_agents.random_search",
    "nas_agents.runs.run",
    "nas_gym.cli.app",
    "nas_gym.envs.nas_env",
    "nas_gym.evaluators.store.evaluator",
    "nas_gym.explain.pipeline",
    "nas_gym.explain.report.tensorboard",
    "nas_gym.explain.report.writer",
    "nas_gym.explain.sections.summary.section",
    "nas_gym.tables.building.builder",
    "nas_gym.tables.resolve",
    "nas_gym.traces.tensorboard.writer",
    "nas_gym.traces.wrapper",
    "nas_gym.training",
    "sklearn.datasets",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "tests.faults.noted",
)
"""What no command has to import again."""


@dataclass
class Command:
    """A command line that runs.

    Attributes:
        launcher: what started it.
        pid: its process number.
        output: file of what it prints.
    """

    launcher: Launcher
    pid: int
    output: Path

    def kill(self) -> dict[int, float]:
        """Kill it as nothing can prevent, and return when it and the processes that it started ended.

        Those end later, in a thread that watches them. One that has ended stays ended.
        """
        left = self._processes()
        os.kill(self.pid, signal.SIGKILL)  # not reaped, so the number is still its own
        self.wait()
        ends = {self.pid: time.monotonic()}
        Thread(target=self._watch, args=(left - {self.pid}, ends), daemon=True).start()
        return ends

    def _processes(self) -> set[int]:
        """Return the processes of its session."""
        found = set()
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError, IndexError, ValueError):
                if int((folder / "stat").read_text().rpartition(")")[2].split()[3]) == self.pid:
                    found.add(int(folder.name))
        return found

    @staticmethod
    def _watch(left: set[int], ends: dict[int, float]) -> None:
        while left:
            for pid in list(left):
                if not runs(pid):
                    ends[pid] = time.monotonic()
                    left.remove(pid)
            time.sleep(0.002)

    def ended(self) -> bool:
        """Return whether it has ended."""
        return not runs(self.pid)

    def wait(self) -> int:
        """Return its exit code, that of a signal below 0."""
        return int(self.launcher.ask({"wait": self.pid}))

    def printed(self) -> str:
        """Return what it printed so far."""
        return self.output.read_text(errors="replace")


class Launcher:
    """The process that command lines are copied from."""

    def __init__(self) -> None:
        paths = os.pathsep.join([str(ROOT), str(ROOT / "agents")])
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.launcher"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"},
            text=True,
        )
        self._count = 0

    def start(self, *arguments: str, home: Path, hook: Sequence[Any] = (), **environment: str) -> Command:
        """Start a command line.

        Args:
            arguments: the command line.
            home: folder that it runs in.
            hook: ``"module:function"`` and its arguments, called in the process before.
            environment: variables of the environment.
        """
        self._count += 1
        output = home / f"output-{self._count}.txt"
        given = {"XDG_CACHE_HOME": str(home / "cache"), "PYTHONHASHSEED": "0", **environment}
        asked = {
            "arguments": list(map(str, arguments)),
            "home": str(home),
            "output": str(output),
            "environment": given,
            "hook": list(hook),
        }
        return Command(self, int(self.ask(asked)), output)

    def run(self, *arguments: str, home: Path, code: int = 0, hook: Sequence[Any] = ()) -> Command:
        """Run a command line to its end and check its exit code."""
        command = self.start(*arguments, home=home, hook=hook)
        found = command.wait()
        assert found == code, f"{found}: {command.printed()}"
        return command

    def ask(self, what: Mapping[str, Any]) -> Any:
        """Send a line and return the answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def runs(pid: int) -> bool:
    """Return whether a process has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def wait_until(condition: Any, seconds: float = 60.0) -> None:
    """Wait until something holds; a test that waits for too long fails."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def _child(asked: Mapping[str, Any]) -> int:
    os.setsid()
    output = os.open(asked["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(asked["home"])
    os.environ.update(asked["environment"])
    sys.argv = ["nas-gym", *asked["arguments"]]
    try:
        if asked["hook"]:
            path, *given = asked["hook"]
            module, _, name = path.partition(":")
            getattr(importlib.import_module(module), name)(*given)
        from nas_gym.cli.app import app
        from nas_gym.cli.errors import told

        return told(lambda: app(asked["arguments"], standalone_mode=False))
    except BaseException:  # noqa: BLE001 - printed, and seen by the exit code
        traceback.print_exc()
        return 99


def main() -> None:
    """Read lines until there are no more."""
    for name in IMPORTED:
        importlib.import_module(name)
    import torch

    from nas_gym.explain.registry import questions

    torch.set_num_threads(1)
    list(questions())
    gc.freeze()  # so that no copy touches, and so copies, all that is here
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        asked = json.loads(line)
        if "wait" in asked:
            _, status = os.waitpid(asked["wait"], 0)
            answer = os.waitstatus_to_exitcode(status)
        else:
            answer = os.fork()
            if answer == 0:
                code = _child(asked)
                sys.stdout.flush()
                sys.stderr.flush()
                atexit._run_exitfuncs()
                os._exit(code)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
