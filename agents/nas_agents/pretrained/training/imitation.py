"""Runs on landscapes whose best architecture is known, and what the policy learns from their states.

The policy walks through searches of its own (DAgger, Ross et al. 2011), and in the states that it meets it is
taught where the best candidates are. The cross-entropy is least where a score is the logarithm of how likely
a candidate is the best one, given all that the policy reads of it.

Source: Ross, Gordon and Bagnell, "A Reduction of Imitation Learning and Structured Prediction to No-Regret
Online Learning", 2011.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from nas_agents.pretrained.beliefs import Beliefs
from nas_agents.pretrained.pool import Pool
from nas_agents.pretrained.state import FEATURES, features
from nas_agents.pretrained.training.landscapes import Landscape

BEST, LIKELY, OTHERS = 16, 32, 64
"""Candidates of a state that are kept: the best ones, those that the policy likes most, and uniform ones."""
KEPT = BEST + LIKELY + OTHERS
FEWEST = 12
"""Candidates that are left at least."""
LONGEST = 80
"""Evaluations of a run of training at most."""
STATES = 16
"""States of a run that are kept."""
Judge = Callable[[np.ndarray, Pool], np.ndarray]
"""Scores of candidates by their features and what they are."""


class States(NamedTuple):
    """States of searches, each with some of its candidates.

    Attributes:
        features: float16 (states, `KEPT`, `FEATURES`).
        weights: float32 (states, `KEPT`), logarithms of how many candidates one stands for.
        targets: float32 (states, `KEPT`), how much one is what the policy should propose; 1 in sum.
        pools: int32 (states,), the number of the pool that the candidates are of.
        groups: int32 (states, `KEPT`), their classes in it.
    """

    features: np.ndarray
    weights: np.ndarray
    targets: np.ndarray
    pools: np.ndarray
    groups: np.ndarray


def played(landscape: Landscape, judge: Judge, rng: np.random.Generator, pool: int = 0) -> States:
    """Search a landscape by a policy with some chance in it, and return some of the states.

    A run ends when the best architecture is found.

    Args:
        landscape: what is searched.
        judge: the policy.
        rng: source of all draws.
        pool: the number of the landscape's pool.
    """
    scores, size = landscape.scores, len(landscape.pool)
    beliefs = Beliefs(landscape.pool)
    budget = int(rng.integers(20, 160))
    longest = min(LONGEST, budget, size - FEWEST)
    drawn, chance = int(rng.integers(0, 9)), float(rng.choice([0.0, 0.1, 0.3]))
    wanted = set(rng.choice(longest, min(STATES, longest), replace=False).tolist())
    order = np.argsort(-scores)
    open_ = np.ones(size, dtype=bool)
    found = []
    for step in range(longest):
        seen = features(beliefs, 1 - step / budget)
        liked = np.where(open_, judge(seen, landscape.pool), -np.inf)
        if step in wanted:
            kept, weights, targets = _kept(liked, order[open_[order]], rng)
            found.append(
                States(
                    seen[kept].astype(np.float16)[None],
                    weights[None],
                    targets[None],
                    np.array([pool], np.int32),
                    landscape.pool.groups[kept].astype(np.int32)[None],
                )
            )
        if step < drawn or rng.random() < chance:
            choice = int(rng.choice(np.flatnonzero(open_)))
        else:
            choice = int(np.argmax(liked))
        open_[choice] = False
        beliefs.tell(choice, float(scores[choice]))
        if choice == order[0]:
            break
    return joined(found) if found else no_states()


def joined(parts: list[States]) -> States:
    """Return the states of several parts as one."""
    return States(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def no_states() -> States:
    """Return no states."""
    return States(
        np.zeros((0, KEPT, len(FEATURES)), np.float16),
        np.zeros((0, KEPT), np.float32),
        np.zeros((0, KEPT), np.float32),
        np.zeros(0, np.int32),
        np.zeros((0, KEPT), np.int32),
    )


def _kept(
    liked: np.ndarray, best_first: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the candidates of a state that are kept, their weights and targets."""
    several = min(BEST, len(best_first) // 3)
    best, rest = best_first[:several], best_first[several:]
    likely = rest[np.argsort(-liked[rest], kind="stable")[: min(LIKELY, len(rest) // 2)]]
    others = np.setdiff1d(rest, likely)
    count = KEPT - len(best) - len(likely)
    drawn = rng.choice(others, count, replace=len(others) < count)
    kept = np.concatenate([best, likely, drawn])
    weights = np.zeros(KEPT, dtype=np.float32)
    weights[-count:] = np.log(len(others) / count)
    targets = np.zeros(KEPT, dtype=np.float32)
    targets[:several] = 1.0 / np.arange(1, several + 1) ** 1.5
    targets /= targets.sum()
    return kept, weights, targets
