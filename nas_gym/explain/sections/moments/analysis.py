"""A decisive step of a run, and what else could have been done at it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.methods.policies.decisive_steps import Measures, scores_of
from nas_gym.explain.report.phrases import finite
from nas_gym.search_spaces import Architecture
from nas_gym.traces import Step

ALTERNATIVES = 3


@dataclass(frozen=True, slots=True)
class Alternative:
    """An edit that was legal at a step.

    Attributes:
        edit: in words.
        policy_score: the policy's before the step; None where it has none.
        leads_to: the architecture it makes.
        accuracy: its accuracy; None where it is not known.
        taken: whether it is the edit that was made.
    """

    edit: str
    policy_score: float | None
    leads_to: str
    score: float | None
    taken: bool


@dataclass(frozen=True, slots=True)
class Moment:
    """A decisive step: its number, the trace's line, how much hung on it, and its alternatives.

    Attributes:
        number: number of the step in the run, from 0.
        step: as recorded.
        weight: in [0, 1].
        gap, change, surprise: see `Measures`, None where they cannot be told.
        alternatives: the taken edit first, then the others by the policy's score.
        best: the alternative of the highest known accuracy.
        known: number of legal edits whose accuracy is known, and of all legal edits.
    """

    number: int
    step: Step
    weight: float
    gap: float | None
    change: float | None
    surprise: float | None
    alternatives: tuple[Alternative, ...]
    best: Alternative | None
    known: tuple[int, int]


class KnownAccuracies:
    """Accuracies that the run measured, and those that are asked for within a budget.

    Args:
        evidence: evidence of the run.
        steps: steps of the run.
        numbers: numbers of the steps whose alternatives are asked for.
        budget: most evaluations; None for none, except where the evaluator is free.

    Attributes:
        free: whether the evaluator is.
        asked: evaluations that were asked for.
    """

    def __init__(self, evidence: Evidence, steps: list[Step], numbers: list[int], budget: int | None) -> None:
        self._evidence = evidence
        self._values = {str(one.architecture): one.score for one in evidence.succeeded}
        self.free = evidence.evaluator.free
        self.asked = 0
        wanted = dict.fromkeys(
            after
            for number in numbers
            for after in _within_an_edit(evidence, steps[number])
            if str(after) not in self._values
        )
        most = len(wanted) if self.free and budget is None else min(budget or 0, len(wanted))
        some = list(wanted)[:most]
        if some:
            self._values.update(zip(map(str, some), evidence.evaluator.scores(some).tolist(), strict=True))
            self.asked = len(some)

    def of(self, architecture: Architecture) -> float | None:
        """Return the accuracy of an architecture; None if it is not known."""
        return self._values.get(str(architecture))


def moment_of(
    number: int,
    step: Step,
    found: Measures,
    weights: np.ndarray,
    evidence: Evidence,
    scores: KnownAccuracies,
) -> Moment:
    """Return a step with its alternatives."""
    space, scores = evidence.search_space, scores_of(step)
    before = space.parse(step.architecture)
    everything = [
        Alternative(
            str(space.actions[action]),
            scores.get(action),
            str(space.apply(before, action)),
            scores.of(space.apply(before, action)),
            action == step.action,
        )
        for action in step.mask
    ]
    order = sorted(everything, key=lambda one: (not one.taken, -(one.policy_score or 0.0)))
    known = [one for one in everything if one.score is not None]
    best = max(known, key=lambda one: one.score or 0.0, default=None)
    shown = order[: 1 + ALTERNATIVES]
    if best is not None and best not in shown:
        shown = [*shown, best]
    return Moment(
        number,
        step,
        float(weights[number]),
        finite(found.gap[number]),
        finite(found.change[number]),
        finite(found.surprise[number]),
        tuple(shown),
        best,
        (len(known), len(everything)),
    )


def _within_an_edit(evidence: Evidence, step: Step) -> list[Architecture]:
    """Return where the legal edits of a step lead, keep first."""
    before = evidence.search_space.parse(step.architecture)
    return [before, *evidence.search_space.neighbours(before)]
