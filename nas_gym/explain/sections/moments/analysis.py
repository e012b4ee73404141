"""A decisive step of a run, and what else could have been done at it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.methods.policies.decisive_steps import StepMeasures, policy_scores_of
from nas_gym.explain.report.phrases import finite
from nas_gym.search_spaces import Architecture
from nas_gym.traces import Step

ALTERNATIVES = 3


@dataclass(frozen=True, slots=True)
class Alternative:
    """An edit that was legal at a step.

    Attributes:
        edit: the edit in words.
        policy_score: score that the policy gave it before the step; None where it has none.
        leads_to: architecture that it leads to.
        score: score of that architecture; None where it is not known.
        taken: whether it is the edit that was made.
    """

    edit: str
    policy_score: float | None
    leads_to: str
    score: float | None
    taken: bool


@dataclass(frozen=True, slots=True)
class Moment:
    """A decisive step with its alternatives.

    Attributes:
        number: number of the step in the run, from 0.
        step: the step as recorded.
        weight: how decisive it was, in [0, 1].
        gap, change, surprise: measures of the step (see `StepMeasures`), None where they are not known.
        alternatives: the edit that was made, then the others by the policy's score.
        best: the alternative of the highest known score.
        known: number of legal edits whose outcome is known, and of all legal edits.
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


class KnownScores:
    """Scores that the run measured, and those that are requested within a budget.

    Args:
        evidence: evidence of the run.
        steps: steps of the run.
        numbers: numbers of the steps whose alternatives are requested.
        budget: number of evaluations at most; None for none, except where the evaluator is free.

    Attributes:
        free: whether the evaluator is free.
        requested: number of evaluations that were requested.
    """

    def __init__(self, evidence: Evidence, steps: list[Step], numbers: list[int], budget: int | None) -> None:
        self._evidence = evidence
        self._values = {str(one.architecture): one.score for one in evidence.succeeded}
        self.free = evidence.evaluator.free
        self.requested = 0
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
            self.requested = len(some)

    def of(self, architecture: Architecture) -> float | None:
        """Return the score of an architecture; None if it is not known."""
        return self._values.get(str(architecture))


def moment_of(
    number: int,
    step: Step,
    found: StepMeasures,
    weights: np.ndarray,
    evidence: Evidence,
    scores: KnownScores,
) -> Moment:
    """Return a step with its alternatives."""
    space, of_policy = evidence.search_space, policy_scores_of(step)
    before = space.parse(step.architecture)
    everything = [
        Alternative(
            str(space.actions[action]),
            of_policy.get(action),
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
    """Return the architectures that the legal edits of a step lead to, that of keep first."""
    before = evidence.search_space.parse(step.architecture)
    return [before, *evidence.search_space.neighbours(before)]
