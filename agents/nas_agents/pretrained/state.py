"""The state of a search as the policy sees it: some numbers for each candidate."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from nas_agents.pretrained.beliefs import Beliefs
from nas_agents.pretrained.pool import KERNELS
from nas_agents.pretrained.readings import READINGS

FEATURES = (
    *(f"{what} by {kernel}" for what in ("mean", "deviation", "lead") for kernel in KERNELS),
    "mean by value",
    "lead by value",
    "mixed mean",
    "mixed deviation",
    "mixed improvement",
    *(f"place by {what}" for what in ("mean", "improvement", "mixed mean", "mixed improvement")),
    "distance to the best",
    "distance to the evaluated",
    "beside the best",
    "class is known",
    "lead of its class",
    *READINGS,
    *(f"evidence for {kernel}" for kernel in KERNELS),
    "evaluations",
    "candidates",
    "variables",
    "budget left",
    "evaluations without a better one",
    "lead of the best",
    "ties",
)
"""What the policy reads of each candidate, in order; the last of them are the same for all candidates."""
GLOBALS = len(KERNELS) + 7
READ = slice(len(FEATURES) - GLOBALS - len(READINGS), len(FEATURES) - GLOBALS)
"""Where the readings are: all that is known without the run."""


def features(beliefs: Beliefs, left: float) -> np.ndarray:
    """Return what the policy reads, float32 (candidates, `FEATURES`).

    Args:
        beliefs: what the run says of the candidates.
        left: part of the budget that is left, in [0, 1].
    """
    pool, count = beliefs.pool, len(beliefs.told)
    found = np.zeros((len(pool), len(FEATURES)))
    found[:, READ] = pool.readings
    whole = found[:, -GLOBALS:]
    whole[:, len(KERNELS) :] = _globals(beliefs, left)
    if not count:
        return found.astype(np.float32)
    ranks, values = beliefs.targets()
    means, deviations, evidence = beliefs.means(ranks), beliefs.deviations(), beliefs.evidence(ranks)
    leads = (means - ranks.max()) / deviations
    by_value = beliefs.means(values)[-1]
    weights = np.exp(count * (evidence - evidence.max()))
    weights /= weights.sum()
    mixed = weights @ means
    spread = np.sqrt(weights @ (deviations**2 + means**2) - mixed**2)
    improvement = _improvement(mixed, spread, ranks.max())
    of_all = _improvement(means[-1], deviations[-1], ranks.max())
    k = len(KERNELS)
    found[:, :k], found[:, k : 2 * k], found[:, 2 * k : 3 * k] = means.T, deviations.T, leads.T
    best = int(np.argmax(beliefs.scores))
    away = pool.differences(beliefs.told[best])
    known = np.full(int(pool.groups.max()) + 1, np.nan)
    for number, target in zip(beliefs.told, ranks, strict=True):
        group = pool.groups[number]
        known[group] = np.fmax(known[group], target)
    of_class = known[pool.groups]
    own = [
        by_value,
        (by_value - values.max()) / deviations[-1],
        mixed,
        spread,
        np.log(improvement + 1e-6) / 5,
        *(_places(each) for each in (means[-1], of_all, mixed, improvement)),
        np.log1p(away),
        np.log1p(beliefs.nearest),
        away <= 1,
        ~np.isnan(of_class),
        np.nan_to_num(of_class - ranks.max()),
    ]
    found[:, 3 * k : READ.start] = np.array(own, dtype=np.float64).T
    whole[:, : len(KERNELS)] = evidence
    return np.clip(found, -8, 8).astype(np.float32)


def _globals(beliefs: Beliefs, left: float) -> list[float]:
    scores, count = np.array(beliefs.scores), len(beliefs.told)
    sizes = [np.log1p(count) / 2, np.log(len(beliefs.pool)) / 4, np.log1p(beliefs.pool.num_variables) / 2]
    if not count:
        return [*sizes, left, 0.0, 0.0, 0.0]
    stale = count - 1 - int(np.argmax(scores))
    _, values = beliefs.targets()
    ties = float((scores == scores.max()).mean())
    return [*sizes, left, np.log1p(stale) / 2, float(np.sort(values)[::-1][:3].mean() - values.max()), ties]


def _improvement(mean: np.ndarray, deviation: np.ndarray, best: float) -> np.ndarray:
    z = (mean - best) / deviation
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    return np.asarray(np.maximum(deviation * (z * ndtr(z) + density), 0.0))


def _places(values: np.ndarray) -> np.ndarray:
    """Return minus the logarithm of the share of candidates that have at least as much."""
    order = np.argsort(values)
    ordered = values[order]
    below = np.empty(len(values))
    below[order] = np.searchsorted(ordered, ordered, side="left")
    return -np.log10(1 - below / len(values))
