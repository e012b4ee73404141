"""The states in which a policy is examined: those that it visits, and a sample of the space."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nas_gym.explain.methods.policies.questions import Questions
from nas_gym.explain.methods.policies.rollouts import Decisions, walk
from nas_gym.explain.methods.policies.scores import PolicyScores
from nas_gym.search_spaces import Architecture, SearchSpace
from nas_gym.traces import State, TabularPolicy

WALKS = 64


@dataclass(frozen=True, slots=True)
class Setting:
    """The episodes in which a policy acts.

    Attributes:
        space: the search space.
        starts: start states of episodes.
        horizon: steps of an episode.
        episodic: whether states have a clock.
    """

    space: SearchSpace[Any]
    starts: Sequence[Architecture]
    horizon: int
    episodic: bool


@dataclass(frozen=True, eq=False)
class PolicySample:
    """The states in which the faithfulness of trees is measured.

    Attributes:
        policy_scores: the states in which the policy prefers some edit, with its scores.
        answers: answers to the questions, bool (N, questions).
        visits: share of the visits by walks of the policy to each, float64 (N,), adding up to 1.
        everywhere: 1 / count for states of the sample of the space, 0 for others, float64 (N,).
        indifferent: share of the policy's visits to states in which it prefers no edit.
        known: share of the space, or of a sample of it, in which it prefers some edit.
    """

    policy_scores: PolicyScores
    answers: np.ndarray
    visits: np.ndarray
    everywhere: np.ndarray
    indifferent: float
    known: float


def sample_policy(
    decisions: Decisions, setting: Setting, questions: Questions, most: int, rng: np.random.Generator
) -> PolicySample | None:
    """Return the states to compare in: those that the policy visits and a sample of the space."""
    visits = policy_visits(decisions, setting, rng)
    sample = sample_states(decisions, setting, most, rng)
    sampled = set(sample)
    states = list(dict.fromkeys([*sample, *visits]))
    found = decisions.policy_scores(states)
    prefers = found.prefers
    if not prefers.any():
        return None
    rows = np.flatnonzero(prefers)
    visited = np.array([visits[state] for state in states], dtype=np.float64)
    everywhere = np.array([state in sampled for state in states], dtype=np.float64)
    known = float((everywhere * prefers).sum()) / max(1.0, everywhere.sum())
    if isinstance(decisions.policy, TabularPolicy):
        clocks = setting.horizon if setting.episodic else 1
        known *= len(decisions.policy.table) / (setting.space.size * clocks)
    return PolicySample(
        policy_scores=found[rows],
        answers=questions.answers([states[row] for row in rows]),
        visits=shares(visited[rows]),
        everywhere=shares(everywhere[rows]),
        indifferent=float(visited[~prefers].sum() / visited.sum()),
        known=known,
    )


def sample_states(
    decisions: Decisions, setting: Setting, count: int, rng: np.random.Generator
) -> list[State]:
    """Return states of the space: all, or so many drawn uniformly; of a table those that are in it."""
    policy, space = decisions.policy, setting.space
    if isinstance(policy, TabularPolicy):
        keys = list(policy.table)
        chosen = (
            range(len(keys)) if len(keys) <= count else np.sort(rng.choice(len(keys), count, replace=False))
        )
        return [_state(space, keys[number]) for number in chosen]
    clocks = range(1, setting.horizon + 1) if setting.episodic else (None,)
    if space.size * len(clocks) <= count:
        return [State(one, clock) for one in space for clock in clocks]
    found: dict[State, None] = {}
    while len(found) < count:
        clock = int(rng.integers(1, setting.horizon + 1)) if setting.episodic else None
        found.setdefault(State(space.sample(rng), clock))
    return list(found)


def _state(space: SearchSpace[Any], key: str) -> State:
    text, _, clock = key.partition(" @ ")
    return State(space.parse(text), int(clock) if clock else None)


def policy_visits(decisions: Decisions, setting: Setting, rng: np.random.Generator) -> Counter[State]:
    """Return how often walks of the policy, acting as it does, are in each state."""
    starts = [setting.starts[number % len(setting.starts)] for number in range(WALKS)]
    walks = walk(setting.space, decisions.acting(rng), starts, setting.horizon, setting.episodic)
    return walks.visits()


def sample_of(states: Sequence[State], count: int, rng: np.random.Generator) -> list[Architecture]:
    """Return the architectures of some of the states, drawn with replacement."""
    return [states[int(row)].architecture for row in rng.integers(len(states), size=count)]


def shares(weights: np.ndarray) -> np.ndarray:
    """Return weights that add up to 1, or to 0."""
    total = float(weights.sum())
    return np.asarray(weights / (total if total > 0 else 1.0))
