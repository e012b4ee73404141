"""How much the runs of one agent, and of two, have in common."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product

import numpy as np

from nas_gym.explain.evidence.together import OneRun
from nas_gym.explain.fact import Fact, difference, measured

RESAMPLES = 2_000
FEWEST_RESAMPLED = 3
"""Runs from which a bootstrap over runs says something."""


def overlaps(runs: Sequence[OneRun]) -> np.ndarray:
    """Return the overlap (Jaccard) of every two runs, float64 (runs, runs); NaN on the diagonal."""
    texts = [set(run.architectures) for run in runs]
    found = np.full((len(runs), len(runs)), np.nan)
    for one, other in combinations(range(len(runs)), 2):
        union = len(texts[one] | texts[other])
        found[one, other] = found[other, one] = len(texts[one] & texts[other]) / union if union else 0.0
    return found


def mean_overlaps(pairs: np.ndarray, labels: Sequence[int], count: int) -> np.ndarray:
    """Return the mean overlap of the runs of two agents, float64 (agents, agents); NaN without a pair."""
    numbers = np.asarray(labels)
    found = np.full((count, count), np.nan)
    for one, other in product(range(count), repeat=2):
        block = pairs[np.ix_(numbers == one, numbers == other)]
        if not np.isnan(block).all():
            found[one, other] = float(np.nanmean(block))
    return found


def overlap_facts(
    name: str, pairs: np.ndarray, own: Sequence[int], rest: Sequence[int], count: int, seed: int
) -> tuple[Fact, Fact, Fact]:
    """Return how much an agent's runs overlap with each other and with those of others, and the difference.

    Runs are drawn again, those of the agent and those of the others; two draws of one run are no pair. The
    intervals of the differences hold for all agents at once (Bonferroni).
    """
    mine, theirs = np.asarray(own), np.asarray(rest)

    def inside(drawn: np.ndarray) -> float:
        block = pairs[np.ix_(drawn, drawn)]
        return float(np.nanmean(block)) if not np.isnan(block).all() else float("nan")

    def across(drawn: np.ndarray, others: np.ndarray) -> float:
        return float(pairs[np.ix_(drawn, others)].mean()) if len(others) else float("nan")

    rng = np.random.default_rng(seed)
    drawn = []
    if len(mine) >= FEWEST_RESAMPLED:
        for _ in range(RESAMPLES // 2):
            again = mine[rng.integers(len(mine), size=len(mine))]
            others = theirs[rng.integers(len(theirs), size=len(theirs))] if len(theirs) else theirs
            drawn.append((inside(again), across(again, others)))
    values = np.array(drawn).reshape(-1, 2)

    def ends(of: np.ndarray, level: float) -> tuple[float | None, float | None]:
        numbers = of[~np.isnan(of)]
        if len(numbers) < RESAMPLES // 4:
            return None, None
        low, high = np.quantile(numbers, ((1 - level) / 2, (1 + level) / 2))
        return float(low), float(high)

    middle, beside = inside(mine) if len(mine) > 1 else float("nan"), across(mine, theirs)
    over = f"{len(own)} runs and {len(rest)} runs of the others"
    share = "mean share of networks that two runs have in common"
    one, other = (
        measured(
            f"overlap of {name} {what}",
            share,
            over,
            known(value),
            *ends(values[:, column], 0.95),
            len(own),
            "share of networks",
        )
        for column, (what, value) in enumerate((("with itself", middle), ("with others", beside)))
    )
    gap = difference(
        f"overlap of {name} with itself over that with others",
        share,
        over,
        known(middle - beside),
        *ends(values[:, 0] - values[:, 1], 1 - 0.05 / max(1, count)),
        len(own),
        unit="difference of shares",
    )
    return one, other, gap


def known(value: float) -> float | None:
    """Return a number, None in place of NaN."""
    return None if np.isnan(value) else float(value)
