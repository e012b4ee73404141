"""How a policy changed while it was trained: its snapshots, asked in the same states."""

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
        evaluations: distinct evaluations made before it.
        decided: share of those states, by visits, in which it prefers some edit.
        agrees_with_last: share of them in which its edit is within 1e-3 of the last policy's best;
            only states in which it prefers one count; None where there are none.
        agrees_with_previous: likewise with the snapshot before, where that one prefers some edit too.
        kinds: shares of the kinds of edits it would make, in the order of `KINDS`; None likewise.
        fidelity: faithfulness of a tree of at most 16 leaves, the lower of both weightings; None likewise.
    """

    evaluations: int
    decided: float
    agrees_with_last: float | None
    agrees_with_previous: float | None
    kinds: tuple[float, ...] | None
    fidelity: float | None


def over_time(
    policies: dict[int, Decisions], last: PolicySample, setting: Setting, seed: int = 0
) -> tuple[Snapshot, ...]:
    """Return the snapshots in order.

    Args:
        policies: by distinct evaluations made before, ascending; the last is the policy of `last`.
        last: the states that the last policy was asked in.
        setting: where they act.
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
        fidelity = None
        if distilled is not None:
            fidelity = next(one.least for one in distilled.curve if one.leaves == READABLE)
        chosen = kinds[now.best]
        shares = tuple(_share(chosen == kind, weights, decided) for kind in range(len(KINDS)))
        found.append(
            Snapshot(
                evaluations,
                float(weights[decided].sum()),
                agreement(now, last.policy_scores, weights),
                None if before is None else agreement(now, before, weights),
                None if shares[0] is None else tuple(share or 0.0 for share in shares),
                fidelity,
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
