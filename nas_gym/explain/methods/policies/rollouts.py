"""Walks on the edit graph: where a way of choosing edits leads, and what it earns there.

Transitions cost nothing, so that any number of walks can be made; only scores do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nas_gym._clock import check_time
from nas_gym.envs import single_rewards_of
from nas_gym.explain.methods.policies.scores import PolicyScores, policy_scores
from nas_gym.search_spaces import Architecture, SearchSpace
from nas_gym.traces import Policy, State, legal_weights

if TYPE_CHECKING:
    from nas_gym.envs import Problem, Reward

# From states and masks, bool (N, n), to edits, int (N,).
Decide = Callable[[Sequence[State], np.ndarray], np.ndarray]
EXPLORATION = 0.1


@dataclass(frozen=True, slots=True)
class Walks:
    """Walks of the same length from several starts.

    Attributes:
        states: state of every walk at each step.
        edits: edit of every walk at each step, int (steps, walks).
        last: architecture where each walk ended.
    """

    states: tuple[tuple[State, ...], ...]
    edits: np.ndarray
    last: tuple[Architecture, ...]

    def visits(self) -> Counter[State]:
        """Return how often each state was visited."""
        return Counter(state for step in self.states for state in step)

    def architectures(self) -> tuple[tuple[Architecture, ...], ...]:
        """Return the architectures before the first step and after every one."""
        return (*(tuple(state.architecture for state in step) for step in self.states), self.last)


def walk(
    space: SearchSpace[Any],
    decide: Decide,
    starts: Sequence[Architecture],
    horizon: int,
    episodic: bool,
) -> Walks:
    """Walk from each start by `decide`; where the reward is episodic states have a clock."""
    here = list(starts)
    states: list[tuple[State, ...]] = []
    edits = np.zeros((horizon, len(starts)), dtype=int)
    for step in range(horizon):
        check_time()
        left = horizon - step if episodic else None
        now = tuple(State(architecture, left) for architecture in here)
        masks = np.array([space.mask(architecture) for architecture in here], dtype=bool)
        edits[step] = decide(now, masks)
        states.append(now)
        here = [space.apply(one, int(edit)) for one, edit in zip(here, edits[step], strict=True)]
    return Walks(tuple(states), edits, tuple(here))


def starts_of(problem: Problem, count: int, rng: np.random.Generator) -> list[Architecture]:
    """Return the start states of a run: one where it is always the same, else `count` drawn."""
    space: SearchSpace[Any] = problem.search_space
    if problem.initial == "random":
        return [space.sample(rng) for _ in range(count)]
    return [space.smallest() if problem.initial == "smallest" else space.resolve(problem.initial)]


def returns(
    walks: Walks, reward: Reward, seen_of: Callable[[Sequence[Architecture]], np.ndarray]
) -> np.ndarray:
    """Return what each walk earns in total, undiscounted, float64 (walks,).

    Args:
        walks: the walks.
        reward: reward of the environment.
        seen_of: function from architectures to their scores, or to their evaluations where the reward sees
            those.
    """
    steps = walks.architectures()
    seen = seen_of([one for step in steps for one in step]).reshape(len(steps), -1)
    horizon, count = len(walks.states), seen.shape[1]
    earned = np.zeros(count)
    for step in range(horizon):
        earned += single_rewards_of(reward, seen[step], seen[step + 1], np.full(count, step + 1 == horizon))
    return earned


def random_legal(rng: np.random.Generator) -> Decide:
    """Return every legal edit equally likely."""

    def decide(states: Sequence[State], masks: np.ndarray) -> np.ndarray:
        return np.asarray((rng.random(masks.shape) * masks).argmax(axis=1))

    return decide


class Decisions:
    """A policy as a way of choosing edits, which keeps its scores of every state.

    Args:
        policy: policy of the run.
        space: search space of the edits.
    """

    def __init__(self, policy: Policy, space: SearchSpace[Any]) -> None:
        self.policy, self.space = policy, space
        self._scores: dict[State, np.ndarray] = {}

    def policy_scores(self, states: Sequence[State]) -> PolicyScores:
        """Return states with the scores that the policy gives their edits."""
        new = [state for state in dict.fromkeys(states) if state not in self._scores]
        found = policy_scores(self.policy, self.space, new)
        self._scores.update(zip(new, found.scores, strict=True))
        masks = np.array([self.space.mask(state.architecture) for state in states], dtype=bool)
        scores = np.array([self._scores[state] for state in states])
        shape = (len(states), len(self.space.actions))
        return PolicyScores(self.policy.kind, tuple(states), masks.reshape(shape), scores.reshape(shape))

    def greedy(self, states: Sequence[State], masks: np.ndarray) -> np.ndarray:
        """Return the edit of the highest score, the first of equals; keep for an unknown state."""
        return self.policy_scores(states).best

    def acting(self, rng: np.random.Generator) -> Decide:
        """Return how the policy acts: by drawn probabilities, or the best value with 10% random edits."""

        def decide(states: Sequence[State], masks: np.ndarray) -> np.ndarray:
            found = self.policy_scores(states)
            if self.policy.kind == "probabilities":
                shares = legal_weights("probabilities", np.where(masks, found.scores, 0.0), masks)
                drawn = rng.random(len(states))[:, None]
                return np.asarray(
                    (shares.cumsum(axis=1) > drawn * shares.sum(axis=1, keepdims=True)).argmax(axis=1)
                )
            explores = rng.random(len(states)) < EXPLORATION
            return np.where(explores, random_legal(rng)(states, masks), found.best)

        return decide
