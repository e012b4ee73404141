"""How often trees of each size are right in states that they were not grown on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nas_gym._clock import check_time
from nas_gym.evaluators import score_interval
from nas_gym.explain.methods.policies.edit_tree import TreeFamily, best_rule, first_legal
from nas_gym.explain.methods.policies.scores import PolicyScores
from nas_gym.explain.methods.policies.states import PolicySample

FOLDS = 5


@dataclass(frozen=True, slots=True)
class Faithfulness:
    """How often a tree is right in states that it was not grown on.

    Attributes:
        leaves: most leaves of the tree; 1 for the best single edit.
        visited: share of right edits, states weighted by the policy's visits.
        everywhere: the same, every state of the space alike.
        visited_interval, everywhere_interval: 95%, see `interval`.
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


def right_when_held_out(
    sample: PolicySample,
    policy_scores: PolicyScores,
    answers: np.ndarray,
    training: np.ndarray,
    sizes: Sequence[int],
    rng: np.random.Generator,
) -> dict[int, np.ndarray]:
    """Return where the tree of each size is right in held-out states; 1 is the single edit."""
    count = len(sample.policy_scores)
    fold = rng.permutation(len(policy_scores)) % FOLDS
    right = {leaves: np.zeros(count, dtype=bool) for leaves in (1, *sizes)}
    for number in range(FOLDS):
        rest = np.flatnonzero(fold != number)
        out = np.flatnonzero(fold[:count] == number)
        if len(rest) == 0 or len(out) == 0:
            continue
        near, masks = policy_scores.near_best[out], policy_scores.masks[out]
        rule = best_rule(policy_scores[rest], training[rest])
        right[1][out] = near[np.arange(len(out)), first_legal([rule], masks)]
        check_time()
        grown = TreeFamily(answers[rest], policy_scores[rest], training[rest], max(sizes))
        for leaves in sizes:
            chosen = grown.of(leaves).choose(answers[out], masks)
            right[leaves][out] = near[np.arange(len(out)), chosen]
    return right


def faithfulness(leaves: int, right: np.ndarray, sample: PolicySample) -> Faithfulness:
    """Return the faithfulness of a tree that is right in some of the states, bool (N,)."""
    return Faithfulness(
        leaves,
        float((sample.visits * right).sum()),
        float((sample.everywhere * right).sum()),
        interval(right, sample.visits),
        interval(right, sample.everywhere),
    )


def interval(right: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Return a 95% interval of a weighted share over a sample of states.

    Korn and Graubard's (1998): Clopper and Pearson's with the number of equally weighted states that
    would say as much, so that a tree which is right in all of a few states is not surely right in all.
    """
    if not (weights > 0).any():
        return 0.0, 1.0
    share = float((weights * right).sum() / weights.sum())
    effective = float(weights.sum() ** 2 / (weights**2).sum())
    _, low, high = score_interval([share], effective)
    return low, high
