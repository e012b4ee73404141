"""Distillation of a policy into small trees, and how faithful each is to it (VIPER)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nas_gym.explain.edit_tree import EditTree, Grown, best_rule, first_legal
from nas_gym.explain.policy_values import Valued
from nas_gym.explain.rollouts import Decisions, walk
from nas_gym.explain.tree_features import Questions
from nas_gym.search_spaces.base import Architecture, SearchSpace
from nas_gym.traces.policy import State, TabularPolicy

LEAVES = (4, 8, 16, 32, 64, 128, 256)
READABLE = 16
FAITHFUL = 0.9
MARGIN = 0.01
FOLDS = 5
ROUNDS = 3
WALKS = 64
MOST_STATES = 5_000
RESAMPLES = 500


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a policy acts.

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
class Asked:
    """The states that fidelity is measured in.

    Attributes:
        valued: the states in which the policy prefers some edit, as it values them.
        answers: to the questions, bool (N, questions).
        visits: how often walks of the policy were in each, float64 (N,), adding up to 1.
        everywhere: 1 / count for states of the sample of the space, 0 for others, float64 (N,).
        indifferent: share of the policy's visits to states in which it prefers no edit.
        known: share of the space, or of a sample of it, in which it prefers some edit.
    """

    valued: Valued
    answers: np.ndarray
    visits: np.ndarray
    everywhere: np.ndarray
    indifferent: float
    known: float


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How often a tree is right in states that it was not grown on.

    Attributes:
        leaves: most leaves of the tree; 1 for the best single edit.
        visited: share of right edits, states weighted by the policy's visits.
        everywhere: the same, every state of the space alike.
        visited_interval, everywhere_interval: 95% by resampling states.
    """

    leaves: int
    visited: float
    everywhere: float
    visited_interval: tuple[float, float]
    everywhere_interval: tuple[float, float]

    @property
    def least(self) -> float:
        """The lower of the two shares."""
        return min(self.visited, self.everywhere)


@dataclass(frozen=True, eq=False)
class Distilled:
    """A policy in trees.

    Attributes:
        questions: that the trees ask.
        asked: the states that fidelity is measured in.
        curve: the fidelity of each of `LEAVES`.
        rule: the fidelity of the best single edit.
        rule_edit: that edit.
        trees: the tree of each of `LEAVES`, grown on all states.
    """

    questions: Questions
    asked: Asked
    curve: tuple[Fidelity, ...]
    rule: Fidelity
    rule_edit: int
    trees: dict[int, EditTree]

    @property
    def faithful(self) -> Fidelity | None:
        """The smallest tree that is right in 90% of the states by both weightings; None if none is."""
        return next((one for one in self.curve if one.least >= FAITHFUL), None)

    @property
    def shown(self) -> Fidelity:
        """The tree to read: the smallest of those up to 16 leaves that is about as faithful as their best."""
        readable = [one for one in self.curve if one.leaves <= READABLE]
        best = max(one.least for one in readable)
        return next(one for one in readable if one.least >= best - MARGIN)


def distil(
    decisions: Decisions, setting: Setting, seed: int = 0, most_states: int = MOST_STATES
) -> Distilled | None:
    """Distil a policy; None where it prefers no edit in any state.

    As in VIPER (Bastani, Pu and Solar-Lezama 2018) states are weighted by what a wrong edit costs
    and gathered by walking the tree and asking the policy what it would do there (DAgger), which
    costs no evaluation here. Half of the weight is on states by how often the policy and the tree
    visit them, half on all states alike. Fidelity is measured by 5-fold cross-validation over
    states: every state is asked of trees that were grown without it.

    Args:
        decisions: the policy.
        setting: where it acts.
        seed: of the walks, the sample of states and the folds.
        most_states: most states of the sample of the space.
    """
    rng = np.random.default_rng(seed)
    questions = Questions(setting.space, setting.horizon if setting.episodic else None)
    asked = _asked(decisions, setting, questions, most_states, rng)
    if asked is None:
        return None
    valued, answers, weights = asked.valued, asked.answers, asked.visits
    for _ in range(ROUNDS):
        grown = Grown(answers, valued, _balanced(weights, _alike(asked, len(valued))), READABLE)
        tree = grown.of(READABLE)
        valued, answers, weights = _aggregated(
            tree, decisions, setting, questions, rng, valued, answers, weights
        )
    training = _balanced(weights, _alike(asked, len(valued)))
    right = _held_out(asked, valued, answers, training, rng)
    grown = Grown(answers, valued, training, max(LEAVES))
    return Distilled(
        questions,
        asked,
        tuple(_fidelity(leaves, right[leaves], asked, seed) for leaves in LEAVES),
        _fidelity(1, right[1], asked, seed),
        best_rule(valued, training),
        {leaves: grown.of(leaves) for leaves in LEAVES},
    )


def sample_states(
    decisions: Decisions, setting: Setting, count: int, rng: np.random.Generator
) -> list[State]:
    """States of the space: all, or so many drawn uniformly; of a table those that are in it."""
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


def _asked(
    decisions: Decisions, setting: Setting, questions: Questions, most: int, rng: np.random.Generator
) -> Asked | None:
    """The states to ask of: those that the policy visits and a sample of the space."""
    visits = policy_visits(decisions, setting, rng)
    sample = sample_states(decisions, setting, most, rng)
    sampled = set(sample)
    states = list(dict.fromkeys([*sample, *visits]))
    found = decisions.valued(states)
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
    return Asked(
        valued=found[rows],
        answers=questions.answers([states[row] for row in rows]),
        visits=_shares(visited[rows]),
        everywhere=_shares(everywhere[rows]),
        indifferent=float(visited[~prefers].sum() / visited.sum()),
        known=known,
    )


def policy_visits(decisions: Decisions, setting: Setting, rng: np.random.Generator) -> Counter[State]:
    """How often walks of the policy, acting as it does, are in each state."""
    starts = [setting.starts[number % len(setting.starts)] for number in range(WALKS)]
    walks = walk(setting.space, decisions.acting(rng), starts, setting.horizon, setting.episodic)
    return walks.visits()


def _aggregated(
    tree: EditTree,
    decisions: Decisions,
    setting: Setting,
    questions: Questions,
    rng: np.random.Generator,
    valued: Valued,
    answers: np.ndarray,
    weights: np.ndarray,
) -> tuple[Valued, np.ndarray, np.ndarray]:
    """The training states with those that the tree visits, each as the policy values it."""
    drawn = sample_of(valued.states, WALKS // 2, rng)
    starts = [*drawn, *(setting.starts[number % len(setting.starts)] for number in range(WALKS // 2))]

    def decide(states: Sequence[State], masks: np.ndarray) -> np.ndarray:
        return tree.decide(questions, states, masks)

    visits = walk(setting.space, decide, starts, setting.horizon, setting.episodic).visits()
    places = {state: row for row, state in enumerate(valued.states)}
    new = decisions.valued([state for state in visits if state not in places])
    new = new[np.flatnonzero(new.prefers)]
    joined = Valued(
        valued.kind,
        (*valued.states, *new.states),
        np.concatenate([valued.masks, new.masks]),
        np.concatenate([valued.scores, new.scores]),
    )
    counts = np.array([visits[state] for state in joined.states], dtype=np.float64)
    old = np.concatenate([weights, np.zeros(len(new))])
    return (
        joined,
        np.concatenate([answers, questions.answers(new.states)]),
        _shares(old + _shares(counts)),
    )


def sample_of(states: Sequence[State], count: int, rng: np.random.Generator) -> list[Architecture]:
    """The architectures of some of the states, drawn with replacement."""
    return [states[int(row)].architecture for row in rng.integers(len(states), size=count)]


def _held_out(
    asked: Asked, valued: Valued, answers: np.ndarray, training: np.ndarray, rng: np.random.Generator
) -> dict[int, np.ndarray]:
    """Where the tree of each size is right in states that it was not grown on; 1 is the single edit."""
    count = len(asked.valued)
    fold = rng.permutation(len(valued)) % FOLDS
    right = {leaves: np.zeros(count, dtype=bool) for leaves in (1, *LEAVES)}
    for number in range(FOLDS):
        rest = np.flatnonzero(fold != number)
        out = np.flatnonzero(fold[:count] == number)
        if len(rest) == 0 or len(out) == 0:
            continue
        near, masks = valued.near_best[out], valued.masks[out]
        rule = best_rule(valued[rest], training[rest])
        right[1][out] = near[np.arange(len(out)), first_legal([rule], masks)]
        grown = Grown(answers[rest], valued[rest], training[rest], max(LEAVES))
        for leaves in LEAVES:
            chosen = grown.of(leaves).choose(answers[out], masks)
            right[leaves][out] = near[np.arange(len(out)), chosen]
    return right


def _fidelity(leaves: int, right: np.ndarray, asked: Asked, seed: int) -> Fidelity:
    return Fidelity(
        leaves,
        float((asked.visits * right).sum()),
        float((asked.everywhere * right).sum()),
        interval(right, asked.visits, seed),
        interval(right, asked.everywhere, seed),
    )


def interval(right: np.ndarray, weights: np.ndarray, seed: int) -> tuple[float, float]:
    """A 95% interval of a weighted share: the percentiles of resamples of the states."""
    rows = np.flatnonzero(weights > 0)
    if len(rows) == 0:
        return 0.0, 1.0
    drawn = np.random.default_rng(seed).integers(len(rows), size=(RESAMPLES, len(rows)))
    part = weights[rows][drawn]
    shares = (part * right[rows][drawn]).sum(axis=1) / part.sum(axis=1)
    low, high = np.percentile(shares, [2.5, 97.5])
    return float(low), float(high)


def _alike(asked: Asked, count: int) -> np.ndarray:
    """The weights of states that count alike, with zeros for states that the tree added."""
    return np.concatenate([asked.everywhere, np.zeros(count - len(asked.everywhere))])


def _balanced(visits: np.ndarray, everywhere: np.ndarray) -> np.ndarray:
    return np.asarray((visits + everywhere) / 2)


def _shares(weights: np.ndarray) -> np.ndarray:
    total = float(weights.sum())
    return np.asarray(weights / (total if total > 0 else 1.0))
