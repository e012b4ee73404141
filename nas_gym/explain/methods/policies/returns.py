"""The return of a policy, of a tree made from it, of the best single edit and of random edits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nas_gym.explain.methods.policies.edit_tree import first_legal
from nas_gym.explain.methods.policies.rollouts import Decide, Decisions, random_legal, returns, walk
from nas_gym.explain.methods.policies.states import Setting
from nas_gym.explain.methods.policies.viper import Distillation
from nas_gym.search_spaces import Architecture
from nas_gym.traces import State

if TYPE_CHECKING:
    from nas_gym.envs import Reward

RANDOM_WALKS = 200
DRAWN_STARTS = 32
FEW_STARTS, CANDIDATES = 4, 8
RESAMPLES = 500


@dataclass(frozen=True, slots=True)
class Earnings:
    """Mean return of an episode, undiscounted, by who chooses the edits.

    Attributes:
        policy, tree, rule, random: the returns; `rule` is that of the single edit that earns most.
        rule_edit: number of that edit.
        recovered, recovered_by_rule: (tree - random) / (policy - random), and (rule - random) / (policy -
            random); None where the policy does not clearly earn more than random edits.
        interval: 95% interval of `recovered`, over walks and starts; None where there is none.
    """

    policy: float
    tree: float
    rule: float
    random: float
    rule_edit: int
    recovered: float | None
    recovered_by_rule: float | None
    interval: tuple[float, float] | None


EarningsByStart = tuple[dict[str, Earnings], str] | str
"""Earnings by where the episodes begin, and the source of the scores; or why there are none."""


def earnings(
    decisions: Decisions,
    distilled: Distillation,
    leaves: int,
    setting: Setting,
    starts: Sequence[Architecture],
    reward: Reward,
    seen_of: Callable[[Sequence[Architecture]], np.ndarray],
    seed: int = 0,
) -> Earnings:
    """Return the earnings from the same starts; policy and tree are greedy, random edits are legal ones.

    Args:
        decisions: the policy.
        distilled: trees of the policy.
        leaves: most leaves of the tree that is compared.
        setting: setting of the episodes.
        starts: architectures that one walk each begins at.
        reward: reward of the environment.
        seen_of: function from architectures to their scores, float64 (N,), or to their evaluations, object
            (N,), where the reward sees those.
        seed: seed of the random edits and the interval.
    """
    rng = np.random.default_rng(seed)

    def earned(decide: Decide, from_starts: Sequence[Architecture]) -> np.ndarray:
        walks = walk(setting.space, decide, from_starts, setting.horizon, setting.episodic)
        return returns(walks, reward, seen_of)

    def of_tree(states: Sequence[State], masks: np.ndarray) -> np.ndarray:
        return distilled.trees[leaves].decide(distilled.questions, states, masks)

    policy, tree = earned(decisions.greedy, starts), earned(of_tree, starts)
    repeated = [starts[number % len(starts)] for number in range(max(RANDOM_WALKS, len(starts)))]
    random = earned(random_legal(rng), repeated)
    # Every edit from a few starts, then the best of them from all.
    some = starts[:FEW_STARTS]
    tried = [earned(_always(edit), some).mean() for edit in range(len(setting.space.actions))]
    candidates = np.argsort(-np.array(tried), kind="stable")[:CANDIDATES].tolist()
    rules = {edit: earned(_always(edit), starts) for edit in candidates}
    best = max(rules, key=lambda edit: float(rules[edit].mean()))
    shares = _recovered(policy, tree, random, rng)
    gap = policy.mean() - random.mean()
    return Earnings(
        float(policy.mean()),
        float(tree.mean()),
        float(rules[best].mean()),
        float(random.mean()),
        best,
        None if shares is None else float((tree.mean() - random.mean()) / gap),
        None if shares is None else float((rules[best].mean() - random.mean()) / gap),
        shares,
    )


def _always(edit: int) -> Decide:
    """Return one edit wherever it is legal, keep elsewhere."""

    def decide(states: Sequence[State], masks: np.ndarray) -> np.ndarray:
        return first_legal([edit], masks)

    return decide


def _recovered(
    policy: np.ndarray, tree: np.ndarray, random: np.ndarray, rng: np.random.Generator
) -> tuple[float, float] | None:
    """Return the 95% interval of the share recovered; None where random edits may earn as much."""
    starts = rng.integers(len(policy), size=(RESAMPLES, len(policy)))
    walks = rng.integers(len(random), size=(RESAMPLES, len(random)))
    base = random[walks].mean(axis=1)
    gap = policy[starts].mean(axis=1) - base
    if np.percentile(gap, 2.5) <= 0:
        return None
    low, high = np.percentile((tree[starts].mean(axis=1) - base) / gap, [2.5, 97.5])
    return float(low), float(high)
