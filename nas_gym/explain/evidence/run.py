"""What the explanations of a run may look at: its trace, its snapshots, its evaluator, read once."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from nas_gym._clock import Clock
from nas_gym.errors import StoreError
from nas_gym.search_spaces import Architecture, SearchSpace
from nas_gym.traces import (
    Ask,
    Policy,
    Recording,
    RunFolder,
    Step,
    check_surroundings,
    load_policy,
    read_trace,
    rebuild,
)

if TYPE_CHECKING:
    from nas_gym.envs import Problem
    from nas_gym.evaluators import Evaluator
    from nas_gym.tasks import Metric


@dataclass(frozen=True, slots=True)
class SeenEvaluation:
    """A distinct evaluation of the run, as the agent saw it.

    Attributes:
        architecture: what was evaluated.
        score: score on the validation examples, in [0, 1].
        failed: whether training failed.
        order: number of the evaluation in order of first request, from 0.
        line: line of the trace, from 0 without the header.
        fidelity: epochs; None for the full recipe.
    """

    architecture: Architecture
    score: float
    failed: bool
    order: int
    line: int
    fidelity: int | None = None


@dataclass(frozen=True, eq=False)
class Evidence:
    """A run as explanations read it.

    Attributes:
        folder: folder of the run.
        config: its config.json.
        problem: the environment of the run, built again; its evaluator answers further questions.
        recording: the trace.
        seen: the distinct evaluations in order of first request, including failed ones.
        clock: the limit by the clock of what is asked beyond the run.
    """

    folder: RunFolder
    config: dict[str, Any]
    problem: Problem
    recording: Recording
    seen: tuple[SeenEvaluation, ...]
    clock: Clock = field(default_factory=Clock)

    @property
    def search_space(self) -> SearchSpace[Any]:
        """The architectures and their edits."""
        return self.problem.search_space

    @property
    def evaluator(self) -> Evaluator:
        """Answers for architectures that the run did not see, at a cost."""
        return self.problem.evaluator

    @property
    def metric(self) -> Metric:
        """What the score of the run's task is; reports call the score by its label."""
        return self.problem.task.target.metric

    @property
    def steps(self) -> list[Step]:
        """The steps of the run in order; empty for an agent that requests evaluations without edits."""
        return self.recording.steps

    @property
    def succeeded(self) -> tuple[SeenEvaluation, ...]:
        """The evaluations that did not fail, which explanations are made from."""
        return tuple(one for one in self.seen if not one.failed)

    @property
    def chosen(self) -> SeenEvaluation:
        """The network that the run chose, or would choose now: the best it saw, the first of ties.

        As in a run's result the highest fidelity comes first: scores of different ones are not compared.
        A finished run may have chosen another: by a reward that is not of the score, or by training its best
        networks again.
        """
        text = None if self.result is None else self.result.get("architecture")
        return max(
            [one for one in self.succeeded if str(one.architecture) == text] or self.succeeded,
            key=lambda one: (math.inf if one.fidelity is None else one.fidelity, one.score),
        )

    @cached_property
    def result(self) -> dict[str, Any] | None:
        """The outcome of the run; None if it is not finished."""
        return self.folder.result() if self.folder.is_finished else None

    @property
    def snapshots(self) -> list[int]:
        """The numbers of distinct evaluations after which the policy was saved, in order."""
        return list(self.folder.snapshots())

    def policy(self, snapshot: int | None = None) -> Policy | None:
        """Return the policy of a snapshot, by default the last; None for an agent without one."""
        files = self.folder.snapshots()
        if not files:
            return None
        return load_policy(files[max(files) if snapshot is None else snapshot], self.search_space)


def read_evidence(run: str | os.PathLike[str], store: Any = "memory", clock: Clock | None = None) -> Evidence:
    """Read a run, also one that was interrupted or is still going on.

    Args:
        run: folder of the run.
        store: store of the evaluator that answers further questions.
        clock: limit by the clock of what is asked beyond the run; None for none.

    Raises:
        NASGymError: if the folder holds no run, its data or code have changed since, or nothing was
            evaluated in it.
    """
    folder = RunFolder(run)
    config = folder.config()
    recording = read_trace(folder.trace_file)
    problem: Any = rebuild(config, store, folder=folder).unwrapped
    check_surroundings(folder, config, problem)
    seen = tuple(seen_in(recording, problem.search_space))
    if not seen:
        raise StoreError(f"nothing was evaluated in the run of {folder.path} so far: let it go on first")
    return Evidence(folder, config, problem, recording, seen, clock or Clock())


def seen_in(recording: Recording, space: SearchSpace[Any]) -> Iterator[SeenEvaluation]:
    """Yield the first evaluation of every architecture and fidelity."""
    known: set[tuple[str, int | None]] = set()
    for number, line in enumerate(recording.lines):
        for text, score, failed, fidelity in _evaluations(line):
            if (text, fidelity) not in known:
                known.add((text, fidelity))
                yield SeenEvaluation(space.parse(text), score, failed, len(known) - 1, number, fidelity)


def _evaluations(line: Step | Ask) -> Iterator[tuple[str, float, bool, int | None]]:
    if isinstance(line, Ask):
        yield line.architecture, line.score, line.status == "failed", line.fidelity
    elif line.score is not None:
        yield line.next, line.score, bool(line.error), None
