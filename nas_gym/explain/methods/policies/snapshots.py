"""How a policy changed while it was trained: its snapshots in the same states."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nas_gym.explain.methods.policies.rollouts import Decisions
from nas_gym.explain.methods.policies.scores import PolicyScores
from nas_gym.explain.methods.policies.states import PolicySample, Setting
from nas_gym.explain.methods.policies.viper import READABLE, distil

KINDS = ("keep", "add", "remove", "swap")
STATES_OF_A_SNAPSHOT = 1_000


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A policy at some time of its training, in the states that the last one visits.

    Attributes:
        evaluations: number of distinct evaluations made before it.
        decided: share of those states, by visits, in which it prefers some edit.
        agrees_with_last: share of the states in which it prefers some edit where this edit is within 1e-3 of
            the last policy's best; None where it prefers none.
        agrees_with_previous: the same with the snapshot before, where that one prefers some edit, too.
        kinds: shares of the kinds of edits that it would make, in the order of `KINDS`; None where it prefers
            none.
        faithfulness: faithfulness of a tree of at most 16 leaves, the lower of both weightings; None where
            it prefers no edit.
    """

    evaluations: int
    decided: float
    agrees_with_last: float | None
    agrees_with_previous: float | None
    kinds: tuple[float, ...] | None
    faithfulness: float | None


def over_time(
    policies: dict[int, Decisions], last: PolicySample, setting: Setting, seed: int = 0
) -> tuple[Snapshot, ...]:
    """Return the snapshots in order.

    Args:
        policies: policies by the number of distinct evaluations before them, ascending; the last is the
            policy of `last`.
        last: states of the last policy.
        setting: setting of the episodes.
        seed: seed of the walks and samples.
    """
    kinds = np.array([KINDS.index(edit.kind) for edit in setting.space.actions])
    weights = last.visits
    found: list[Snapshot] = []
    before: PolicyScores | None = None
    for evaluations, decisions in policies.items():
        now = decisions.policy_scores(last.policy_scores.states)
        decided = now.prefers & (weights > 0)
        distilled = distil(decisions, setting, seed, STATES_OF_A_SNAPSHOT)
        faithfulness = None
        if distilled is not None:
            faithfulness = next(one.least for one in distilled.curve if one.leaves == READABLE)
        chosen = kinds[now.best]
        shares = tuple(_share(chosen == kind, weights, decided) for kind in range(len(KINDS)))
        found.append(
            Snapshot(
                evaluations,
                float(weights[decided].sum()),
                agreement(now, last.policy_scores, weights),
                None if before is None else agreement(now, before, weights),
                None if shares[0] is None else tuple(share or 0.0 for share in shares),
                faithfulness,
            )
        )
        before = now
    return tuple(found)


def agreement(one: PolicyScores, other: PolicyScores, weights: np.ndarray) -> float | None:
    """Return how often the best edit of one policy is within 1e-3 of the best of the other, by weight.

    Only states in which both prefer some edit count; None where there are none.
    """
    both = one.prefers & other.prefers
    return _share(other.near_best[np.arange(len(one)), one.best], weights, both)


def _share(right: np.ndarray, weights: np.ndarray, rows: np.ndarray) -> float | None:
    total = float(weights[rows].sum())
    return float((weights * right)[rows].sum()) / total if total > 0 else None
