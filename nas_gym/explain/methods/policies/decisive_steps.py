"""How decisive each step of a run was: what the edit could cost, what it changed, how surprising it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nas_gym.explain.methods.policies.scores import LEAST_PROBABILITY
from nas_gym.search_spaces import SearchSpace
from nas_gym.traces import Step

APART = 3


@dataclass(frozen=True, slots=True)
class StepMeasures:
    """Three measures of how decisive each of N steps was, float64 (N,), NaN where one is not known.

    Attributes:
        gap: best minus worst legal score of the policy before the step; of probabilities, the difference of
            their logarithms.
        change: score of the network after the step minus that before it, as far as the run had measured it.
        surprise: outcome (the reward and the discounted value of the next state) minus what the policy
            expected of the edit; of Q-values alone, and only where the edit had been tried before.
    """

    gap: np.ndarray
    change: np.ndarray
    surprise: np.ndarray

    @property
    def weight(self) -> np.ndarray:
        """How decisive a step is, float64 (N,), in [0, 1]: the mean of its ranks by the known measures."""
        ranks = np.array([_ranks(part) for part in (self.gap, np.abs(self.change), np.abs(self.surprise))])
        known = ~np.isnan(ranks)
        return np.asarray(np.where(known, ranks, 0.0).sum(axis=0) / np.maximum(1, known.sum(axis=0)))


def measure_steps(
    steps: Sequence[Step], kind: str | None, gamma: float, known: Mapping[int, float] | None = None
) -> StepMeasures:
    """Measure every step.

    Args:
        steps: steps of the run in order.
        kind: kind of the policy's scores; None where it has none.
        gamma: the agent's discount.
        known: scores of networks before steps that the trace itself does not have, by the number of the step.
    """
    before = _score_before(steps)
    change = np.full(len(steps), np.nan)
    for number, step in enumerate(steps):
        earlier = before[number] if before[number] is not None else (known or {}).get(number)
        if step.score is not None and not step.error and earlier is not None:
            change[number] = step.score - earlier
    surprise = np.full(len(steps), np.nan)
    if kind == "q_values":
        surprise = _surprise(steps, gamma)
    return StepMeasures(np.array([_gap(step, kind) for step in steps]), change, surprise)


def most_decisive(
    steps: Sequence[Step], weights: np.ndarray, space: SearchSpace[Any], count: int
) -> list[int]:
    """Return the steps of the highest weight whose states are at least 3 edits apart, in order of weight.

    As HIGHLIGHTS-DIV (Amir and Amir 2018) with the edit distance between the states. Where there
    are too few, states nearer to each other fill the places; no state comes twice.
    """
    order = np.argsort(-weights, kind="stable").tolist()
    chosen = list[int]()
    for apart in range(APART, 0, -1):
        for number in order:
            if len(chosen) == count:
                return chosen
            architecture = space.parse(steps[number].architecture)
            others = [space.parse(steps[one].architecture) for one in chosen]
            if number not in chosen and all(
                space.edit_distance(other, architecture, apart - 1) >= apart for other in others
            ):
                chosen.append(number)
    return chosen


def policy_scores_of(step: Step) -> dict[int, float]:
    """Return the policy's finite scores of the legal edits before a step."""
    if step.scores is None:
        return {}
    return {
        action: score
        for action, score in zip(step.mask, step.scores, strict=True)
        if score is not None and np.isfinite(score)
    }


def _gap(step: Step, kind: str | None) -> float:
    scores = np.array(list(policy_scores_of(step).values()))
    if len(scores) < 2:
        return np.nan
    if kind == "probabilities":
        scores = np.log(np.maximum(scores, LEAST_PROBABILITY))
    return float(scores.max() - scores.min())


def _score_before(steps: Sequence[Step]) -> list[float | None]:
    """Return the score of the architecture before each step, None where no earlier step measured it."""
    known: dict[str, float] = {}
    found: list[float | None] = []
    for step in steps:
        found.append(known.get(step.architecture))
        if step.score is not None and not step.error:
            known[step.next] = step.score
    return found


def _surprise(steps: Sequence[Step], gamma: float) -> np.ndarray:
    found = np.full(len(steps), np.nan)
    tried: set[tuple[str, int | None, int]] = set()
    for number, step in enumerate(steps):
        key = (step.architecture, step.steps_left, step.action)
        expected = policy_scores_of(step).get(step.action)
        following = steps[number + 1] if number + 1 < len(steps) else None
        future: float | None = 0.0 if step.terminated else None
        if following is not None and not step.terminated and not step.truncated:
            future = max(policy_scores_of(following).values(), default=None)
        if key in tried and expected is not None and future is not None:
            found[number] = step.reward + gamma * future - expected
        tried.add(key)
    return found


def _ranks(values: np.ndarray) -> np.ndarray:
    """Return the share of the other values that are smaller, equal for equal values; NaN where a value is."""
    known = np.flatnonzero(~np.isnan(values))
    found = np.full(len(values), np.nan)
    if len(known):
        ordered = np.sort(values[known])
        found[known] = np.searchsorted(ordered, values[known], side="left") / max(1, len(known) - 1)
    return found
