"""An evaluator of the command line that notes when each training began and ended, and trains nothing.

A search asks it by ``--evaluator '{"name": "tests.faults.noted:Noted", "log": ..., "seconds": 0.01}'``.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nas_gym.evaluators import Evaluation, Evaluator, FinalScore, Request

BEGAN, ENDED = "began", "ended"


class Noted(Evaluator):
    """Scores by the text of an architecture; every seventh training diverges.

    Args:
        search_space, task, device: as of every evaluator.
        log: file of the notes.
        seconds: what a training takes.
    """

    storable = True
    name = "tests.faults.noted:Noted"

    def __init__(self, search_space: Any, task: Any, device: str, log: str, seconds: float = 0.01) -> None:
        self.search_space, self.task, self.seeds = search_space, task, (0,)
        self.log, self.seconds = log, seconds

    def stream(self, requests: Sequence[Request]) -> Iterator[tuple[int, Evaluation]]:
        for position, request in enumerate(requests):
            self._train(str(request.architecture), request.seed)
            yield position, self._evaluation(request)

    def test(self, architecture: Any, seeds: Sequence[int]) -> list[FinalScore]:
        found = []
        for seed in seeds:
            self._train(f"test of {architecture}", seed)
            share = _share(f"{architecture} {seed}")
            found.append(FinalScore(seed, share, 0.9 * share))
        return found

    def config(self) -> dict[str, Any]:
        return {"name": self.name, "log": self.log, "seconds": self.seconds}

    def key(self, request: Request) -> dict[str, Any]:
        return {
            "architecture": str(request.architecture),
            "search_space": self.search_space.config(),
            "task": self.task.fingerprint,
            "recipe": {"by": "text"},
            "seed": request.seed,
            "fidelity": request.fidelity,
            "engine": 1,
            "numerics": "none",
        }

    def _evaluation(self, request: Request) -> Evaluation:
        share = _share(str(request.architecture))
        failed = share > 6 / 7
        network = self.search_space.network(request.architecture)
        return Evaluation(
            architecture=str(request.architecture),
            score=0.0 if failed else share,
            curve=() if failed else (share,),
            parameters=network.parameters,
            flops=network.flops,
            seconds=self.seconds,
            status="failed" if failed else "ok",
            error="training diverged" if failed else "",
            seeds=(request.seed,),
            fidelity=request.fidelity,
        )

    def _train(self, what: str, seed: int) -> None:
        note(Path(self.log), BEGAN, what, seed)
        time.sleep(self.seconds)
        note(Path(self.log), ENDED, what, seed)


def _share(text: str) -> float:
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 2**32


@dataclass(frozen=True)
class Note:
    """What a log says of a training.

    Attributes:
        event: BEGAN or ENDED.
        at: seconds by the clock of the machine.
        pid: process that trained.
        training: architecture and seed.
    """

    event: str
    at: float
    pid: int
    training: tuple[str, int]


def note(log: Path, event: str, what: str, seed: int) -> None:
    """Add a line at once, whichever processes do."""
    line = f"{event}\t{time.monotonic():.6f}\t{os.getpid()}\t{what}\t{seed}\n".encode()
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, line)
    os.close(file)


def notes(log: Path) -> list[Note]:
    """Return the lines of a log, in order."""
    lines = [line.split("\t") for line in log.read_text().splitlines()] if log.exists() else []
    return [Note(event, float(at), int(pid), (what, int(seed))) for event, at, pid, what, seed in lines]


def done_twice(log: Path) -> set[str]:
    """Return the requests that were finished more than once.

    The seeds of a final score are one request: they are stored together, when all of them are trained.
    """
    ended = Counter(note.training for note in notes(log) if note.event == ENDED)
    return {what for (what, _), count in ended.items() if count > 1}


def trained_at_once(log: Path, killed: dict[int, float]) -> dict[tuple[str, int], Any]:
    """Return the trainings that two processes did at the same time, with when and by whom.

    Args:
        log: file of the notes.
        killed: when processes were killed, which note no end.
    """
    spans: dict[tuple[str, int], list[tuple[float, float, int]]] = {}
    open_ones: dict[tuple[int, tuple[str, int]], float] = {}
    for one in notes(log):
        if one.event == BEGAN:
            open_ones[one.pid, one.training] = one.at
        else:
            began = open_ones.pop((one.pid, one.training))
            spans.setdefault(one.training, []).append((began, one.at, one.pid))
    for (pid, training), began in open_ones.items():
        spans.setdefault(training, []).append((began, killed.get(pid, float("inf")), pid))
    return {
        training: sorted(each)
        for training, each in spans.items()
        if any(after[0] < before[1] for before, after in itertools.pairwise(sorted(each)))
    }
