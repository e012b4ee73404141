"""Estimates from the runs of several agents, with bootstrap intervals.

Scores are one float per run. Runs of one task are independent samples; where several tasks are
passed, a sequence holds one array of runs per task.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

RESAMPLES = 2000
LEVEL = 0.95

Scores = Sequence[np.ndarray]


@dataclass(frozen=True, slots=True)
class Interval:
    """A statistic with the lower and upper end of its confidence interval."""

    value: float
    lower: float
    upper: float


def interquartile_mean(scores: np.ndarray) -> np.ndarray:
    """The mean of the middle half along the last axis, a quarter (rounded down) cut from each end.

    Source: Agarwal et al. 2021, "Deep RL at the Edge of the Statistical Precipice", section 4.3.
    """
    return np.asarray(stats.trim_mean(scores, 0.25, axis=-1), dtype=float)


def iqm_interval(scores: Scores, seed: int, resamples: int = RESAMPLES, level: float = LEVEL) -> Interval:
    """Interquartile mean of the runs of all tasks with a stratified percentile bootstrap interval.

    Runs are drawn with replacement within each task, so that no task gains or loses weight.

    Args:
        scores: per task the scores of its runs, float (runs,), at least one run each.
        seed: of the bootstrap.
        resamples: number of bootstrap samples.
        level: confidence level, in (0, 1).

    Source: Agarwal et al. 2021, section 4.1 (stratified bootstrap) and 4.3 (interquartile mean).
    """
    rng = np.random.default_rng(seed)
    drawn = [task[rng.integers(len(task), size=(resamples, len(task)))] for task in scores]
    value = float(interquartile_mean(np.concatenate(scores)))
    return _percentiles(value, interquartile_mean(np.concatenate(drawn, axis=1)), level)


def iqm_curve(curves: np.ndarray, seed: int, resamples: int = RESAMPLES, level: float = LEVEL) -> np.ndarray:
    """Interquartile mean of curves with pointwise bootstrap bands: whole runs are drawn.

    Args:
        curves: one curve per run, float (runs, points).
        seed: of the bootstrap.
        resamples: number of bootstrap samples.
        level: confidence level of each point, in (0, 1).

    Returns:
        float (3, points): the value, the lower and the upper end.

    Source: Agarwal et al. 2021, section 4 (sample efficiency curves).
    """
    runs = len(curves)
    draws = np.random.default_rng(seed).integers(runs, size=(resamples, runs))
    times = np.zeros((resamples, runs), dtype=np.int32)
    np.add.at(times, (np.arange(resamples)[:, None], draws), 1)
    drawn = _iqms_of_counted(curves, times)
    return np.vstack([interquartile_mean(curves.T), _ends(drawn, level)])


def _iqms_of_counted(curves: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return the interquartile mean, point by point, of samples that hold every curve so many times.

    Args:
        curves: float (runs, points).
        times: int (samples, runs), `runs` in all in each sample.

    Returns:
        float (points, samples).
    """
    runs, points = curves.shape
    cut = int(0.25 * runs)
    by_run = np.ascontiguousarray(times.T, dtype=np.int16 if runs < 2**15 else np.int32)
    # Reused for every point: fresh memory of this size takes longer than what is computed in it.
    places, ends = np.empty_like(by_run), np.empty((runs + 1, len(times)), dtype=by_run.dtype)
    inside = np.empty(times.shape)
    found = np.empty((points, len(times)))
    ends[0] = cut
    for point, values in enumerate(curves.T):
        order = np.argsort(values, kind="stable")
        # In ascending order a value that is there n times takes n places; those between the cuts count.
        np.take(by_run, order, axis=0, out=places, mode="clip")
        np.cumsum(places, axis=0, out=ends[1:])
        np.clip(ends[1:], cut, runs - cut, out=ends[1:])
        np.subtract(ends[1:], ends[:-1], out=places)
        inside[:] = places.T
        found[point] = inside @ values[order] / (runs - 2 * cut)
    return found


def mean_interval(
    scores: np.ndarray, seed: int, resamples: int = RESAMPLES, level: float = LEVEL
) -> Interval:
    """Mean of the runs of one task with a percentile bootstrap interval.

    Args:
        scores: of the runs, float (runs,).
        seed: of the bootstrap.
        resamples: number of bootstrap samples.
        level: confidence level, in (0, 1).
    """
    value, lower, upper = mean_curve(scores[:, None], seed, resamples, level)[:, 0]
    return Interval(float(value), float(lower), float(upper))


def mean_curve(curves: np.ndarray, seed: int, resamples: int = RESAMPLES, level: float = LEVEL) -> np.ndarray:
    """Mean of curves with pointwise bootstrap bands; arguments and what is returned as of `iqm_curve`."""
    runs = len(curves)
    times = np.random.default_rng(seed).multinomial(runs, np.full(runs, 1 / runs), size=resamples)
    return np.vstack([curves.mean(axis=0), _ends((times @ curves / runs).T, level)])


def improvement_probability(x: Scores, y: Scores) -> float:
    """P(X > Y) + P(X = Y) / 2 for a run of `x` and one of `y` on the same task, averaged over tasks.

    Source: Agarwal et al. 2021, section 4.3 (probability of improvement, the Mann-Whitney U statistic).
    """
    return float(np.mean([_wins(a, b).mean() for a, b in zip(x, y, strict=True)]))


def improvement_interval(
    x: Scores, y: Scores, seed: int, resamples: int = RESAMPLES, level: float = LEVEL
) -> Interval:
    """Probability of improvement with a percentile bootstrap interval, both agents' runs resampled.

    Args:
        x: per task the scores of the runs of one agent, float (runs,).
        y: the same of the other agent, the same tasks in the same order.
        seed: of the bootstrap.
        resamples: number of bootstrap samples.
        level: confidence level, in (0, 1).

    Source: Agarwal et al. 2021, sections 4.1 and 4.3.
    """
    rng = np.random.default_rng(seed)
    drawn = np.zeros(resamples)
    for a, b in zip(x, y, strict=True):
        times_a = rng.multinomial(len(a), np.full(len(a), 1 / len(a)), size=resamples)
        times_b = rng.multinomial(len(b), np.full(len(b), 1 / len(b)), size=resamples)
        drawn += ((times_a @ _wins(a, b)) * times_b).sum(axis=1) / (len(a) * len(b) * len(x))
    return _percentiles(improvement_probability(x, y), drawn, level)


def _wins(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Every run of `x` against every run of `y`: 1 won, 0.5 tied, 0 lost, float (len(x), len(y))."""
    return np.asarray((np.sign(x[:, None] - y[None, :]) + 1) / 2, dtype=float)


def _percentiles(value: float, drawn: np.ndarray, level: float) -> Interval:
    lower, upper = _ends(drawn, level)
    return Interval(value, float(lower), float(upper))


def _ends(drawn: np.ndarray, level: float) -> np.ndarray:
    """The ends of the central interval along the last axis, float (2, ...)."""
    return np.asarray(np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=-1), dtype=float)
