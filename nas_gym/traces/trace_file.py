"""trace.jsonl: every decision of a run, one JSON object a line, written so that a kill loses none.

The first line is the header, the last, if the run came to its end, is the end; between them a
``step`` line for each step and an ``ask`` line for each architecture asked for without a step. All
fields are reproducible: no times, nothing that a warm store changes.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from nas_gym.errors import NASGymError

VERSION = 1


@dataclass(frozen=True, slots=True)
class Header:
    """The first line.

    Attributes:
        agent: name of the agent.
        budget: of the run, None for none.
        actions: the edit of every action, in words.
        scores: what the scores of the steps are: ``"q_values"`` or ``"probabilities"``; None
            where the agent had no policy over edits when the run began.
        version: of this format.
    """

    agent: str
    budget: int | dict[str, float] | None
    actions: list[str]
    scores: str | None
    version: int = VERSION


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Attributes:
        episode, t: number of the episode and of the step in it, from 0.
        architecture: before the step.
        steps_left: before the step, under an episodic reward; else None.
        mask: the legal actions, in order.
        action: taken; `edit` is its words.
        scores: the policy's score of each action of `mask`, before the step; None for no policy.
            An entry is None where the score was not finite.
        reward, terminated, truncated: as the environment returned them.
        next: the architecture after the step.
        accuracy: validation accuracy after the step; None where the step evaluated nothing.
        illegal_action: whether the action was illegal and acted as keep.
        error: why training failed, "" otherwise.
        unique: distinct evaluations of the run so far.
    """

    episode: int
    t: int
    architecture: str
    steps_left: int | None
    mask: list[int]
    action: int
    edit: str
    scores: list[float | None] | None
    reward: float
    terminated: bool
    truncated: bool
    next: str
    accuracy: float | None
    illegal_action: bool
    error: str
    unique: int


@dataclass(frozen=True, slots=True)
class Ask:
    """One architecture asked for without a step.

    Attributes:
        batch: number of the batch it was asked for in, from 0.
        architecture, accuracy, status, error, fidelity, seeds, parameters, flops: of the evaluation.
        unique: distinct evaluations of the run so far, of a batch after all of it.
    """

    batch: int
    architecture: str
    fidelity: int | None
    seeds: list[int]
    accuracy: float
    status: str
    error: str
    parameters: int
    flops: int
    unique: int


@dataclass(frozen=True, slots=True)
class End:
    """The last line of a run that came to its end.

    Attributes:
        stopped: why it ended.
        architecture, accuracy: of the choice; None where nothing was evaluated.
        lines: steps and asks of the trace.
        unique: distinct evaluations.
    """

    stopped: str
    architecture: str | None
    accuracy: float | None
    lines: int
    unique: int


Line = Header | Step | Ask | End
KINDS: dict[str, type[Line]] = {"header": Header, "step": Step, "ask": Ask, "end": End}
NAMES = {cls: (name, tuple(field.name for field in fields(cls))) for name, cls in KINDS.items()}


@dataclass(frozen=True, slots=True)
class Recording:
    """A trace that was read.

    Attributes:
        header: the first line.
        lines: the steps and asks in order.
        end: the last line, None if the run did not come to its end.
        cut: whether the last line was cut off by a kill and left out.
    """

    header: Header
    lines: list[Step | Ask]
    end: End | None
    cut: bool

    @property
    def steps(self) -> list[Step]:
        """The steps in order."""
        return [line for line in self.lines if isinstance(line, Step)]

    @property
    def asks(self) -> list[Ask]:
        """The architectures asked for without a step, in order."""
        return [line for line in self.lines if isinstance(line, Ask)]


class TraceWriter:
    """Writes a trace line by line, each handed to the operating system at once.

    It holds the file from its construction on, however its process ends; `begin` empties it.

    Args:
        path: the file, in an existing folder.

    Raises:
        NASGymError: if another writer holds the file.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")
        _lock(self._file, path)

    def begin(self, header: Header) -> None:
        """Empty the file and write the first line."""
        self._file.truncate(0)
        self.write(header)

    def write(self, line: Line) -> None:
        """Append a line."""
        kind, names = NAMES[type(line)]
        values = {"kind": kind} | {name: getattr(line, name) for name in names}
        self._file.write(json.dumps(values, separators=(",", ":"), allow_nan=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_trace(path: Path) -> Recording:
    """Read a trace; a last line that a kill cut off is left out.

    Raises:
        NASGymError: if the file is missing, is no trace, is of another version, or is damaged
            before its last line.
    """
    try:
        texts = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except FileNotFoundError:
        raise NASGymError(f"{path} is missing: pass the folder of a run that made a step") from None
    # A complete line ends with a line break, so what follows the last one is empty or cut off.
    complete, cut = texts[:-1], texts[-1] != ""
    lines = [_parse(text, number, path) for number, text in enumerate(complete, start=1)]
    if not lines or not isinstance(lines[0], Header):
        raise NASGymError(f"{path} is no trace: its first line must be a complete header")
    end = lines[-1] if isinstance(lines[-1], End) else None
    body = [line for line in lines[1:] if isinstance(line, Step | Ask)]
    return Recording(lines[0], body, end, cut)


def _parse(text: str, number: int, path: Path) -> Line:
    try:
        values = json.loads(text)
        if number == 1:
            _check_version(values, path)
        return KINDS[values.pop("kind")](**values)
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise NASGymError(
            f"line {number} of {path} is damaged ({error!r}): run again to record it anew"
        ) from error


def _check_version(values: Mapping[str, Any], path: Path) -> None:
    if values["version"] != VERSION:
        raise NASGymError(
            f"{path} is a trace of version {values['version']!r}, this nas-gym reads version {VERSION}: "
            "read it with the version of nas-gym that config.json names"
        )


def _lock(file: TextIOWrapper, path: Path) -> None:
    # Windows has no fcntl, but refuses to delete a file that is open, which protects a running search too.
    with contextlib.suppress(ImportError):
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise NASGymError(
                f"{path} is being written by a running search: give each run its own folder"
            ) from None
