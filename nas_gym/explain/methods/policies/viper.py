"""Distillation of a policy into small trees, and how faithful each is to it (VIPER)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nas_gym._clock import check_time
from nas_gym.explain.methods.policies.edit_tree import EditTree, TreeFamily, best_rule
from nas_gym.explain.methods.policies.faithfulness import Faithfulness, faithfulness, right_when_held_out
from nas_gym.explain.methods.policies.questions import Questions
from nas_gym.explain.methods.policies.rollouts import Decisions, walk
from nas_gym.explain.methods.policies.scores import PolicyScores
from nas_gym.explain.methods.policies.states import (
    WALKS,
    PolicySample,
    Setting,
    sample_of,
    sample_policy,
    shares,
)
from nas_gym.traces import State

LEAVES = (4, 8, 16, 32, 64, 128, 256)
READABLE = 16
FAITHFUL = 0.9
MARGIN = 0.01
ROUNDS = 3
MOST_STATES = 5_000


@dataclass(frozen=True, eq=False)
class Distillation:
    """A policy in trees.

    Attributes:
        questions: questions that the trees ask.
        sample: states that faithfulness is measured in.
        curve: faithfulness of the tree of each size in `LEAVES`.
        rule: faithfulness of the best single edit.
        rule_edit: number of that edit.
        trees: tree of each size in `LEAVES`, grown on all states.
    """

    questions: Questions
    sample: PolicySample
    curve: tuple[Faithfulness, ...]
    rule: Faithfulness
    rule_edit: int
    trees: dict[int, EditTree]

    @property
    def faithful(self) -> Faithfulness | None:
        """The smallest tree that is right in 90% of the states by both weightings; None if none is."""
        return next((one for one in self.curve if one.least >= FAITHFUL), None)

    @property
    def shown(self) -> Faithfulness:
        """The tree to read: the smallest of those up to 16 leaves that is about as faithful as their best."""
        readable = [one for one in self.curve if one.leaves <= READABLE]
        best = max(one.least for one in readable)
        return next(one for one in readable if one.least >= best - MARGIN)


def distil(
    decisions: Decisions, setting: Setting, seed: int = 0, most_states: int = MOST_STATES
) -> Distillation | None:
    """Distil a policy; None where it prefers no edit in any state.

    As in VIPER (Bastani, Pu and Solar-Lezama 2018) states are weighted by what a wrong edit costs
    and gathered by walking the tree and asking the policy what it would do there (DAgger), which
    costs no evaluation here. Half of the weight is on states by how often the policy and the tree
    visit them, half is equal for all states. Faithfulness is measured by 5-fold cross-validation over
    states: every state is decided by trees that were grown without it.

    Args:
        decisions: the policy.
        setting: setting of the episodes.
        seed: seed of the walks, the sample of states and the folds.
        most_states: number of states in the sample of the space at most.
    """
    rng = np.random.default_rng(seed)
    questions = Questions(setting.space, setting.horizon if setting.episodic else None)
    sample = sample_policy(decisions, setting, questions, most_states, rng)
    if sample is None:
        return None
    policy_scores, answers, weights = sample.policy_scores, sample.answers, sample.visits
    for _ in range(ROUNDS):
        check_time()
        grown = TreeFamily(
            answers, policy_scores, _balanced(weights, _alike(sample, len(policy_scores))), READABLE
        )
        tree = grown.of(READABLE)
        policy_scores, answers, weights = _aggregated(
            tree, decisions, setting, questions, rng, policy_scores, answers, weights
        )
    training = _balanced(weights, _alike(sample, len(policy_scores)))
    right = right_when_held_out(sample, policy_scores, answers, training, LEAVES, rng)
    grown = TreeFamily(answers, policy_scores, training, max(LEAVES))
    return Distillation(
        questions,
        sample,
        tuple(faithfulness(leaves, right[leaves], sample) for leaves in LEAVES),
        faithfulness(1, right[1], sample),
        best_rule(policy_scores, training),
        {leaves: grown.of(leaves) for leaves in LEAVES},
    )


def _aggregated(
    tree: EditTree,
    decisions: Decisions,
    setting: Setting,
    questions: Questions,
    rng: np.random.Generator,
    policy_scores: PolicyScores,
    answers: np.ndarray,
    weights: np.ndarray,
) -> tuple[PolicyScores, np.ndarray, np.ndarray]:
    """Return the training states with those that the tree visits, each with the scores of the policy."""
    drawn = sample_of(policy_scores.states, WALKS // 2, rng)
    starts = [*drawn, *(setting.starts[number % len(setting.starts)] for number in range(WALKS // 2))]

    def decide(states: Sequence[State], masks: np.ndarray) -> np.ndarray:
        return tree.decide(questions, states, masks)

    visits = walk(setting.space, decide, starts, setting.horizon, setting.episodic).visits()
    places = {state: row for row, state in enumerate(policy_scores.states)}
    new = decisions.policy_scores([state for state in visits if state not in places])
    new = new[np.flatnonzero(new.prefers)]
    joined = PolicyScores(
        policy_scores.kind,
        (*policy_scores.states, *new.states),
        np.concatenate([policy_scores.masks, new.masks]),
        np.concatenate([policy_scores.scores, new.scores]),
    )
    counts = np.array([visits[state] for state in joined.states], dtype=np.float64)
    old = np.concatenate([weights, np.zeros(len(new))])
    return (
        joined,
        np.concatenate([answers, questions.answers(new.states)]),
        shares(old + shares(counts)),
    )


def _alike(sample: PolicySample, count: int) -> np.ndarray:
    """Return the weights of states that count alike, with zeros for states that the tree added."""
    return np.concatenate([sample.everywhere, np.zeros(count - len(sample.everywhere))])


def _balanced(visits: np.ndarray, everywhere: np.ndarray) -> np.ndarray:
    return np.asarray((visits + everywhere) / 2)
