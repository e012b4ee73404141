"""What a policy's preference for an edit depends on: the contribution of each part of a state."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces

from nas_gym._clock import check_time
from nas_gym.explain.methods.attribution.observation_parts import values_of
from nas_gym.explain.methods.policies.rollouts import Decisions
from nas_gym.explain.methods.policies.scores import PolicyScores
from nas_gym.search_spaces import SearchSpace
from nas_gym.traces import NeuralPolicy, State

MOST_PARTS = 14


def shapley_values(parts: np.ndarray, state: np.ndarray, preference: np.ndarray) -> np.ndarray:
    """Return how much each part of a state contributes to a preference, float64 (P,), without sampling.

    The characteristic function of a set of known parts is the mean preference over the reference
    states that agree with the state in them, so that unknown parts are marginalised as in SVERL
    (Beechey, Smith and Simsek 2023, "Explaining Reinforcement Learning with Shapley Values"). The
    values add up to the preference in the state minus its mean over all reference states.

    Args:
        parts: parts of the N reference states, int (N, P); one of them must be the state.
        state: parts of the state, int (P,).
        preference: preference in the reference states, float64 (N,).
    """
    count = parts.shape[1]
    agreeing = (parts == state) @ (1 << np.arange(count))
    sums = np.bincount(agreeing, preference, minlength=1 << count)
    numbers = np.bincount(agreeing, minlength=1 << count).astype(np.float64)
    sets = np.arange(1 << count)
    # States that agree in a set of parts are those that agree in it exactly or in more.
    for part in range(count):
        without = sets[(sets >> part) & 1 == 0]
        sums[without] += sums[without | 1 << part]
        numbers[without] += numbers[without | 1 << part]
    known = sums / np.maximum(numbers, 1.0)
    size = np.array([int(number).bit_count() for number in sets])
    weight = [math.factorial(k) * math.factorial(count - k - 1) / math.factorial(count) for k in range(count)]
    found = np.zeros(count)
    for part in range(count):
        without = sets[(sets >> part) & 1 == 0]
        gains = known[without | 1 << part] - known[without]
        found[part] = (np.array(weight)[size[without]] * gains).sum()
    return found


@dataclass(frozen=True, eq=False, slots=True)
class PolicyAttributions:
    """Attributions of the preferred edit in the states that a policy visits most.

    Attributes:
        method: ``"integrated gradients"`` or ``"shapley"``.
        names: names of the parts.
        states: N states, those visited most first.
        edits: the preferred edit of each in words.
        visits: share of the policy's visits to each, float64 (N,).
        values: contribution of each part to the preference, float64 (N, parts).
        errors: relative difference of the sum of the values to the preference, float64 (N,).
        reliable: where the values add up to within 1e-4, bool (N,).
    """

    method: str
    names: tuple[str, ...]
    states: tuple[State, ...]
    edits: tuple[str, ...]
    visits: np.ndarray
    values: np.ndarray
    errors: np.ndarray
    reliable: np.ndarray

    @property
    def shares(self) -> np.ndarray:
        """The share of each part in all attribution, by size and visits, float64 (parts,)."""
        weights = (self.visits * self.reliable)[:, None] * np.abs(self.values)
        total = weights.sum()
        return np.asarray(weights.sum(axis=0) / (total if total > 0 else 1.0))


def attribute_preferences(
    decisions: Decisions, visited: PolicyScores, visits: np.ndarray, reference: PolicyScores
) -> PolicyAttributions | None:
    """Attribute the preferred edit of each visited state to the parts of the state.

    The attributions are Integrated Gradients for a neural policy that is shown parts, and exact Shapley
    values over the reference states for any other; None where there are too many parts for those.

    Raises:
        NASGymError: if Integrated Gradients are needed and Captum is not installed.
    """
    policy, space = decisions.policy, decisions.space
    edits = visited.best
    words = tuple(str(space.actions[edit]) for edit in edits)
    if isinstance(policy, NeuralPolicy) and sees_parts(policy):
        from nas_gym.explain.methods.attribution.policy_inputs import integrated_gradients

        found = integrated_gradients(policy, space, visited.states, edits, visited.masks, reference.states)
        return PolicyAttributions(
            "integrated gradients",
            found.names,
            visited.states,
            words,
            visits,
            found.values,
            found.errors,
            found.reliable,
        )
    exact = exact_attributions(space, visited, reference)
    if exact is None:
        return None
    names, values, errors = exact
    return PolicyAttributions(
        "shapley", tuple(names), visited.states, words, visits, values, errors, errors < 1e-4
    )


def sees_parts(policy: NeuralPolicy) -> bool:
    """Return whether the policy is shown parts of an architecture, not only its number."""
    return not isinstance(policy.network.observation_space, spaces.Discrete)


def exact_attributions(
    space: SearchSpace[Any], visited: PolicyScores, reference: PolicyScores
) -> tuple[list[str], np.ndarray, np.ndarray] | None:
    """Return Shapley values of the preferred edit of each state; None if a state has too many parts.

    The preference is the score of the edit minus the mean over legal edits. A state is compared with the
    reference states in which the edit is legal, and with itself.
    """
    together = (*reference.states, *visited.states)
    names, parts = values_of(space, together, MOST_PARTS)
    if len(names) > MOST_PARTS:
        return None
    masks = np.concatenate([reference.masks, visited.masks])
    scores = np.concatenate([reference.scores, visited.scores])
    legal = masks & np.isfinite(scores)
    mean = np.where(legal, scores, 0.0).sum(axis=1) / np.maximum(1, legal.sum(axis=1))
    values, errors = np.zeros((len(visited), len(names))), np.zeros(len(visited))
    first = len(reference)
    known = set(reference.states)
    for row, edit in enumerate(visited.best):
        check_time()
        rows = np.flatnonzero(legal[:first, edit])
        if visited.states[row] not in known:
            rows = np.append(rows, first + row)
        preference = scores[rows, edit] - mean[rows]
        values[row] = shapley_values(parts[rows], parts[first + row], preference)
        explained = scores[first + row, edit] - mean[first + row] - preference.mean()
        off = abs(values[row].sum() - explained)
        errors[row] = off / abs(explained) if explained else (0.0 if off < 1e-12 else np.inf)
    return names, values, errors
