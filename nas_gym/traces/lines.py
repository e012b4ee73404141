"""The lines of trace.jsonl: what is recorded of a run, decision by decision."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from nas_gym.traces.entries import (
    FLAG,
    MAYBE_NUMBER,
    MAYBE_TEXT,
    MAYBE_WHOLE,
    NOTHING,
    NUMBER,
    TEXT,
    TEXTS,
    WHOLE,
    WHOLES,
    Entry,
)
from nas_gym.traces.migrations import TRACE


@dataclass(frozen=True, slots=True)
class Header:
    """The first line.

    Attributes:
        agent: name of the agent.
        budget: budget of the run, None for none.
        actions: the edit of every action, in words.
        scores: what the scores of the steps are: ``"q_values"`` or ``"probabilities"``; None
            where the agent had no policy over edits when the run began.
        version: version of the trace.
    """

    agent: str
    budget: int | dict[str, float] | None
    actions: list[str]
    scores: str | None
    version: int = TRACE.newest


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Attributes:
        episode, t: number of the episode and of the step in it, from 0.
        architecture: before the step.
        steps_left: before the step, under an episodic reward; else None.
        mask: the legal actions, in order.
        action: taken; `edit` is its words.
        scores: the policy's score (not a network's) of each action of `mask`, before the step; None for no
            policy. An entry is None where the score was not finite.
        reward, terminated, truncated: as the environment returned them; of a vector of several objectives
            the first entry, by which the choice of a search goes, see `recorded_reward`.
        next: the architecture after the step.
        score: validation score after the step; None where the step evaluated nothing.
        illegal_action: whether the action was illegal and acted as keep.
        error: why training failed, "" otherwise.
        unique: distinct evaluations of the run so far.
        generator: state of the environment's generator before the step, where it draws the seeds
            of evaluations; else None, and not in the file.
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
    score: float | None
    illegal_action: bool
    error: str
    unique: int
    generator: dict[str, Any] | None = None


def recorded_reward(reward: Any) -> float:
    """Return what a line holds of a reward, float or float32 (objectives,): of a vector its first entry."""
    return float(np.ravel(reward)[0])


@dataclass(frozen=True, slots=True)
class Ask:
    """One architecture asked for without a step.

    Attributes:
        batch: number of the batch it was asked for in, from 0.
        architecture, score, status, error, fidelity, seeds, parameters, flops: the evaluation's.
        unique: distinct evaluations of the run so far, of a batch after all of it.
    """

    batch: int
    architecture: str
    fidelity: int | None
    seeds: list[int]
    score: float
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
        architecture, score: the choice's; None where nothing was evaluated.
        lines: steps and asks of the trace.
        unique: distinct evaluations.
    """

    stopped: str
    architecture: str | None
    score: float | None
    lines: int
    unique: int


ENTRIES: dict[type, dict[str, Entry]] = {
    Header: {
        "agent": TEXT,
        "budget": Entry((int, dict, NOTHING)),
        "actions": TEXTS,
        "scores": MAYBE_TEXT,
        "version": WHOLE,
    },
    Step: {
        "episode": WHOLE,
        "t": WHOLE,
        "architecture": TEXT,
        "steps_left": MAYBE_WHOLE,
        "mask": WHOLES,
        "action": WHOLE,
        "edit": TEXT,
        "scores": Entry((list, NOTHING), (int, float, NOTHING)),
        "reward": NUMBER,
        "terminated": FLAG,
        "truncated": FLAG,
        "next": TEXT,
        "score": MAYBE_NUMBER,
        "illegal_action": FLAG,
        "error": TEXT,
        "unique": WHOLE,
        "generator": Entry((dict, NOTHING), needed=False),
    },
    Ask: {
        "batch": WHOLE,
        "architecture": TEXT,
        "fidelity": MAYBE_WHOLE,
        "seeds": WHOLES,
        "score": NUMBER,
        "status": TEXT,
        "error": TEXT,
        "parameters": WHOLE,
        "flops": WHOLE,
        "unique": WHOLE,
    },
    End: {
        "stopped": TEXT,
        "architecture": MAYBE_TEXT,
        "score": MAYBE_NUMBER,
        "lines": WHOLE,
        "unique": WHOLE,
    },
}

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
