"""Measuring forward passes: warmed up, interleaved, repeated, by medians, with the stability of ranks."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.stats import kendalltau

LOADED = 1.5
"""A round is thrown away if it takes so many times as long as the quietest one: something else ran."""


@dataclass(frozen=True)
class Timing:
    """How networks are measured.

    Attributes:
        warmup: forward passes of a network before those that count, in each round.
        repeats: forward passes of a network that count, over all rounds.
        rounds: rounds in which all networks are measured, in a random order each.
    """

    warmup: int = 10
    repeats: int = 50
    rounds: int = 3


@dataclass(frozen=True, eq=False)
class Measurement:
    """What was measured of networks.

    Attributes:
        milliseconds: the median of each, float64 (networks,).
        spread: the interquartile range of each, in milliseconds.
        stability: the mean of Kendall's tau between the medians of any two rounds, in [-1, 1]; None of
            fewer than two networks or rounds.
        rejected: rounds that were thrown away because something else ran.
    """

    milliseconds: np.ndarray
    spread: np.ndarray
    stability: float | None
    rejected: int


def measure(
    passes: Sequence[Callable[[], object]],
    timing: Timing,
    rng: np.random.Generator,
    clock: Callable[[], float] = time.perf_counter,
) -> Measurement:
    """Measure how long forward passes take.

    All networks are measured in each round, in a random order, so that a drift of the machine is no
    difference between them. As many rounds as were asked for are thrown away at most.

    Args:
        passes: one for each network, which waits until its result is there.
        timing: how often.
        rng: draws the orders.
        clock: seconds.
    """
    each = max(1, -(-timing.repeats // timing.rounds))
    rounds = list[np.ndarray]()
    for _ in range(2 * timing.rounds):
        seconds = np.empty((len(passes), each))
        for number in rng.permutation(len(passes)).tolist():
            seconds[number] = _times(passes[number], timing.warmup, each, clock)
        rounds.append(seconds)
        quiet = _quiet(rounds)
        if len(quiet) >= timing.rounds:
            break
    else:
        quiet = sorted(rounds, key=_length)[: timing.rounds]
    kept = np.concatenate(quiet, axis=1) * 1000
    low, middle, high = np.quantile(kept, (0.25, 0.5, 0.75), axis=1)
    medians = [np.median(each, axis=1) for each in quiet]
    return Measurement(middle, high - low, _stability(medians), len(rounds) - len(quiet))


def _times(
    forward: Callable[[], object], warmup: int, repeats: int, clock: Callable[[], float]
) -> list[float]:
    for _ in range(warmup):
        forward()
    found = []
    for _ in range(repeats):
        began = clock()
        forward()
        found.append(clock() - began)
    return found


def _length(seconds: np.ndarray) -> float:
    """Return how long a round took, single passes that were interrupted aside."""
    return float(np.median(seconds, axis=1).sum())


def _quiet(rounds: Sequence[np.ndarray]) -> list[np.ndarray]:
    shortest = min(map(_length, rounds))
    return [seconds for seconds in rounds if _length(seconds) <= LOADED * shortest]


def _stability(medians: Sequence[np.ndarray]) -> float | None:
    if len(medians) < 2 or len(medians[0]) < 2:
        return None
    taus = [float(kendalltau(one, other).statistic) for one, other in combinations(medians, 2)]
    return float(np.nanmean(taus)) if not np.isnan(taus).all() else None
