"""Estimates from the runs of several agents, with confidence intervals.

Scores are one float per run. Runs of one task are independent samples; where several tasks are
passed, a sequence holds one array of runs per task. Every interval is for more runs of the same
agents on the same tasks: none says how agents would do on other tasks or data. What share of each
kind holds the truth is simulated in `tests/agents/comparison/test_simulated_errors.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

RESAMPLES = 2000
LEVEL = 0.95
# Of four runs the interquartile mean is that of two, which are drawn too often alike.
FEW = 5
ROUNDING = 1e-12
# Probabilities that an interval of one is searched among.
PROBABILITIES = 4001

Scores = Sequence[np.ndarray]


@dataclass(frozen=True, slots=True)
class Interval:
    """A statistic with the lower and upper end of its confidence interval."""

    value: float
    lower: float
    upper: float

    @property
    def is_known(self) -> bool:
        """Whether the runs differ enough for an interval; where they do not, both ends are the value."""
        return self.upper - self.lower > ROUNDING * max(1.0, abs(self.value))

    def within(self, lowest: float, highest: float) -> Interval:
        """Return the interval without what lies beyond the range that values can have."""
        lower, upper = max(self.lower, lowest), min(self.upper, highest)
        return Interval(self.value, min(lower, self.value), max(upper, self.value))


def interquartile_mean(scores: np.ndarray) -> np.ndarray:
    """Return the mean of the middle half along the last axis, a quarter (rounded down) cut from each end.

    Source: Agarwal et al. 2021, "Deep RL at the Edge of the Statistical Precipice", section 4.3.
    """
    return np.asarray(stats.trim_mean(scores, 0.25, axis=-1), dtype=float)


@dataclass(frozen=True, slots=True)
class Estimand:
    """What an agent's runs on one task are summed up by.

    A comparison has one: agents are ranked by it, it has the interval, and it is what is tested.

    Attributes:
        name: the estimand in words.
        trim: share of the runs that is cut from each end before the mean is taken, in [0, 0.5).
    """

    name: str
    trim: float

    def cut(self, runs: int) -> int:
        """Return how many of so many runs are cut from each end."""
        return int(self.trim * runs)

    def of(self, scores: np.ndarray) -> np.ndarray:
        """Return the estimate along the last axis."""
        return np.asarray(stats.trim_mean(scores, self.trim, axis=-1), dtype=float)

    def interval(
        self, scores: Scores, seed: int, resamples: int = RESAMPLES, level: float = LEVEL
    ) -> Interval:
        """Return the mean over tasks of the estimates, with a confidence interval over runs.

        Runs are drawn with replacement within each task, so that no task gains or loses weight:
        the interval is for these tasks. Runs that all agree tell nothing of how others would
        differ; the ends are then the value itself and `Interval.is_known` is false.

        Args:
            scores: per task the scores of its runs, float (runs,), at least one run each.
            seed: seed of the bootstrap.
            resamples: number of bootstrap samples.
            level: confidence level, in (0, 1).

        Source: Agarwal et al. 2021, section 4.1 (stratified bootstrap); Hesterberg 2015, "What
        Teachers Should Know About the Bootstrap", section 5.3 (percentiles widened for few runs).
        """
        if len(scores) == 1:
            value, lower, upper = self.curve(scores[0][:, None], seed, resamples, level)[:, 0]
            return Interval(float(value), float(lower), float(upper))
        rng = np.random.default_rng(seed)
        drawn = [self.of(task[rng.integers(len(task), size=(resamples, len(task)))]) for task in scores]
        value = float(np.mean([self.of(task) for task in scores]))
        fewest, freedom = min(len(task) for task in scores), sum(len(task) - 1 for task in scores)
        lower, upper = np.quantile(np.mean(drawn, axis=0), _widened(fewest, freedom, level))
        if fewest < FEW and freedom:
            squared = sum(task.var(ddof=1) / len(task) for task in scores if len(task) > 1)
            half = stats.t.ppf((1 + level) / 2, freedom) * np.sqrt(squared) / len(scores)
            lower, upper = min(lower, value - half), max(upper, value + half)
        return Interval(value, min(value, float(lower)), max(value, float(upper)))

    def curve(
        self, curves: np.ndarray, seed: int, resamples: int = RESAMPLES, level: float = LEVEL
    ) -> np.ndarray:
        """Return the estimate of curves with pointwise bands: whole runs are drawn.

        Args:
            curves: one curve per run, float (runs, points).
            seed: seed of the bootstrap.
            resamples: number of bootstrap samples.
            level: confidence level of each point, in (0, 1).

        Returns:
            float (3, points): the value, the lower and the upper end.

        Source: Agarwal et al. 2021, section 4 (sample efficiency curves).
        """
        value = self.of(curves.T)
        if len(curves) == 1:
            return np.vstack([value, value, value])
        band = _trimmed_band if self.cut(len(curves)) else _mean_band
        lower, upper = band(curves, value, seed, resamples, level)
        return np.vstack([value, np.minimum(value, lower), np.maximum(value, upper)])


IQM = Estimand("interquartile mean", 0.25)
MEAN = Estimand("mean", 0.0)


def _trimmed_band(
    curves: np.ndarray, value: np.ndarray, seed: int, resamples: int, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return widened percentiles of the interquartile mean, and of a few runs at least Student's interval."""
    runs = len(curves)
    draws = np.random.default_rng(seed).integers(runs, size=(resamples, runs))
    times = np.zeros((resamples, runs), dtype=np.int32)
    np.add.at(times, (np.arange(resamples)[:, None], draws), 1)
    drawn = _iqms_of_counted(curves, times)
    lower, upper = np.quantile(drawn, _widened(runs, runs - 1, level), axis=-1)
    if runs < FEW:
        half = stats.t.ppf((1 + level) / 2, runs - 1) * curves.std(axis=0, ddof=1) / np.sqrt(runs)
        lower, upper = np.minimum(lower, value - half), np.maximum(upper, value + half)
    return lower, upper


def _mean_band(
    curves: np.ndarray, value: np.ndarray, seed: int, resamples: int, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the studentised bootstrap's band of a mean, at each end at least as wide as Student's.

    Each sample's variance counts as n - 1 parts of n, that of the runs as one: of few runs many
    samples hold one value only, and would be infinitely many of their standard errors away.

    Source: Efron and Tibshirani 1993, "An Introduction to the Bootstrap", section 12.5 (bootstrap-t).
    """
    runs, centred = len(curves), curves - value
    error = curves.std(axis=0, ddof=1) / np.sqrt(runs)
    error[error <= ROUNDING * np.abs(curves).max(axis=0)] = 0
    times = np.random.default_rng(seed).multinomial(runs, np.full(runs, 1 / runs), size=resamples)
    means = times @ centred / runs
    squared = np.maximum(times @ centred**2 / runs - means**2, 0) / (runs - 1)
    errors = np.sqrt(((runs - 1) * squared + error**2) / runs)
    away = np.divide(means, errors, out=np.zeros_like(means), where=error > 0)
    low, high = _ends(away.T, level)
    student = stats.t.ppf((1 + level) / 2, runs - 1)
    return value - np.maximum(high, student) * error, value + np.maximum(-low, student) * error


def _widened(runs: int, freedom: int, level: float) -> tuple[float, float]:
    """Return quantiles that make up for a bootstrap of few runs, which is too narrow by sqrt((n - 1) / n).

    Source: Hesterberg 2015, section 5.3 (expanded percentile interval).
    """
    if freedom < 1:
        return 0.5, 0.5
    tail = stats.t.ppf((1 + level) / 2, freedom) * np.sqrt(runs / max(runs - 1, 1))
    return float(stats.norm.sf(tail)), float(stats.norm.cdf(tail))


def iqm_interval(scores: Scores, seed: int, resamples: int = RESAMPLES, level: float = LEVEL) -> Interval:
    """Return the interquartile mean with its interval, see `Estimand.interval`."""
    return IQM.interval(scores, seed, resamples, level)


def mean_interval(
    scores: np.ndarray, seed: int, resamples: int = RESAMPLES, level: float = LEVEL
) -> Interval:
    """Return the mean of the runs of one task with its interval, see `Estimand.interval`."""
    return MEAN.interval([scores], seed, resamples, level)


def _iqms_of_counted(curves: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return the interquartile mean, point by point, of samples that hold every curve so many times.

    Args:
        curves: float (runs, points).
        times: int (samples, runs), `runs` in all in each sample.

    Returns:
        float (points, samples).
    """
    runs, points = curves.shape
    cut = IQM.cut(runs)
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


def improvement_probability(x: Scores, y: Scores) -> float:
    """Return P(X > Y) + P(X = Y) / 2 for a run of `x` and one of `y` on the same task, averaged over tasks.

    Source: Agarwal et al. 2021, section 4.3 (probability of improvement, the Mann-Whitney U statistic).
    """
    return float(np.mean([_wins(a, b).mean() for a, b in zip(x, y, strict=True)]))


def improvement_interval(x: Scores, y: Scores, level: float = LEVEL) -> Interval:
    """Return the probability of improvement with a score interval for other runs on these tasks.

    The interval holds every probability that the one found is not too far from, by the standard
    error that the former would have. A bootstrap cannot be used: where all runs of one agent are
    above all of the other's it draws nothing else, and finds [1, 1] from two runs each.

    Args:
        x: per task the scores of the runs of one agent, float (runs,).
        y: per task the scores of the other agent, the same tasks in the same order.
        level: confidence level, in (0, 1).

    Source: Newcombe 2006, "Confidence intervals for an effect size measure based on the
    Mann-Whitney statistic, part 2", method 5 (the variance is that of Hanley and McNeil 1982).
    """
    found = improvement_probability(x, y)
    each = np.linspace(0, 1, PROBABILITIES)
    variance = np.zeros(PROBABILITIES)
    for a, b in zip(x, y, strict=True):
        shared = ((len(a) + len(b)) / 2 - 1) * ((1 - each) / (2 - each) + each / (1 + each))
        variance += each * (1 - each) * (1 + shared) / (len(a) * len(b) * len(x) ** 2)
    reach = stats.norm.ppf((1 + level) / 2) * np.sqrt(variance)
    near = each[np.abs(found - each) <= reach + 1 / PROBABILITIES]
    return Interval(found, min(found, float(near[0])), max(found, float(near[-1])))


def share_interval(count: int, runs: int, level: float = LEVEL) -> Interval:
    """Return the share of runs of which something is true, with Wilson's score interval.

    Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    found = stats.binomtest(count, runs).proportion_ci(level, method="wilson")
    return Interval(count / runs, float(found.low), float(found.high))


def _wins(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return every run of `x` against every run of `y`: 1 won, 0.5 tied, 0 lost, float (len(x), len(y))."""
    return np.asarray((np.sign(x[:, None] - y[None, :]) + 1) / 2, dtype=float)


def _ends(drawn: np.ndarray, level: float) -> np.ndarray:
    """Return the ends of the central interval along the last axis, float (2, ...)."""
    return np.asarray(np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=-1), dtype=float)
