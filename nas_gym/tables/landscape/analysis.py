"""What a table looks like to a search: its optimum, noise, local optima, and how its fidelities agree."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from nas_gym.errors import DataError
from nas_gym.search_spaces import edits_to, local_optima, successors, unimproved
from nas_gym.tables.table import Table

RATIO, WHOLE, TOP, TIED = 3.0, 0.7, 0.4, 0.01
"""What a landscape that can rank agents has; see `Noise.fit`."""
SHOWN = 8
"""Most fidelities that are described one by one."""


@dataclass(frozen=True)
class Noise:
    """How much architectures differ, beside how much trainings of one architecture do.

    Attributes:
        seeds: recorded at the full fidelity.
        deviation: standard deviation over seeds, the root of the mean variance, as a share.
        median_deviation: the median over architectures of theirs.
        standard_error: standard error of a mean over the seeds.
        spread: standard deviation over architectures of their means, the share of noise taken off.
        spearman: rank correlation between two seeds, mean over pairs.
        spearman_top: the same in the tenth that a third seed puts at the top; None below 3 seeds.
        tied: share of the architectures that have the highest mean, but for one.
    """

    seeds: int
    deviation: float
    median_deviation: float
    standard_error: float
    spread: float
    spearman: float
    spearman_top: float | None
    tied: float

    @property
    def fit(self) -> bool:
        """Whether rewards that are means over the seeds can rank agents.

        The spread is at least 3 times the standard error, two seeds correlate by at least .7 and in
        the top tenth by at least .4, and fewer than 1% tie at the top.
        """
        return self._fit(self.standard_error)

    @property
    def fit_by_one_seed(self) -> bool:
        """Whether rewards of one seed can: the spread is at least 3 times the deviation over seeds."""
        return self._fit(self.deviation)

    def _fit(self, error: float) -> bool:
        top = self.spearman_top is None or self.spearman_top >= TOP
        return self.spread >= RATIO * error and self.spearman >= WHOLE and top and self.tied < TIED


@dataclass(frozen=True)
class FidelityFigures:
    """What one fidelity is worth.

    Attributes:
        epochs: the fidelity.
        seeds: recorded at it.
        best: highest mean validation score.
        optima: local optima of the mean validation score, a plateau counted once.
        unimproved: architectures that no edit makes better, each of a plateau counted.
        spearman: rank correlation with the mean validation score of the full fidelity.
        spearman_test: with the mean test score.
        spearman_test_top: the same in the tenth of the highest test scores.
        cost: share of the cost of the full fidelity.
    """

    epochs: int
    seeds: int
    best: float
    optima: int
    unimproved: int
    spearman: float
    spearman_test: float
    spearman_test_top: float
    cost: float


@dataclass(frozen=True, eq=False)
class Landscape:
    """The figures of a table.

    Attributes:
        table: whose they are.
        best: indices of the architectures of the highest mean validation score.
        quantiles: quantiles of the mean validation score: lowest, 10%, median, 90%, highest.
        failed: architectures with a failed training.
        noise: None where the full fidelity was recorded without seeds, or with one.
        fidelities: figures of all, or of some up to the last where there are many.
        optima: indices of each local optimum at the full fidelity, best first.
        distances: fewest edits to the nearest of `best`, (size,).
        distance_correlation: Pearson's correlation of score and distance (Jones and Forrest 1995).
    """

    table: Table
    best: np.ndarray
    quantiles: tuple[float, ...]
    failed: int
    noise: Noise | None
    fidelities: tuple[FidelityFigures, ...]
    optima: tuple[np.ndarray, ...]
    distances: np.ndarray
    distance_correlation: float


def describe(table: Table) -> Landscape:
    """Return the figures of a table; it takes seconds for tens of thousands of architectures.

    Raises:
        NASGymError: for a table of classes of architectures, which edits do not connect one by one.
    """
    if table.classes:
        raise DataError(
            f"{table!r} has a row for each class of isomorphic architectures: a landscape by edits is "
            "described of tables with a row for each architecture"
        )
    means = table.mean_score()
    after, _ = successors(table.search_space)
    best = np.flatnonzero(means == means.max())
    distances = edits_to(best, after)
    finite = np.isfinite(distances)
    return Landscape(
        table=table,
        best=best,
        quantiles=tuple(map(float, np.quantile(means, (0, 0.1, 0.5, 0.9, 1)))),
        failed=int(table.failed.any(axis=1).sum()),
        noise=noise_of(table),
        fidelities=tuple(_figures(table, epochs, after) for epochs in _shown(table.fidelities)),
        optima=tuple(local_optima(means, after)),
        distances=distances,
        distance_correlation=_pearson(means[finite], distances[finite]),
    )


def noise_of(table: Table) -> Noise | None:
    """Return the noise at the full fidelity; None where there is only one number for each architecture."""
    scores = table.scores()
    counts = (~np.isnan(scores)).sum(axis=1)
    if counts.max() < 2:
        return None
    several = scores[counts >= 2]
    deviations = np.nanstd(several, axis=1, ddof=1)
    variance = float(np.mean(deviations**2))
    means = table.mean_score()
    error = variance * float(np.mean(1.0 / counts))
    seeds = scores.shape[1]
    pairs = list(itertools.combinations(range(seeds), 2))
    return Noise(
        seeds=seeds,
        deviation=variance**0.5,
        median_deviation=float(np.median(deviations)),
        standard_error=error**0.5,
        spread=max(0.0, float(means.var(ddof=1)) - error) ** 0.5,
        spearman=float(np.mean([spearman(scores[:, a], scores[:, b]) for a, b in pairs])),
        spearman_top=_top_tenth(scores) if seeds >= 3 else None,
        tied=float((means == means.max()).sum() - 1) / table.size,
    )


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Rank correlation over the places where both are known; 0 where one of them does not vary."""
    known = ~(np.isnan(x) | np.isnan(y))
    x, y = x[known], y[known]
    if len(x) < 3 or x.std() == 0 or y.std() == 0:
        return 0.0
    return float(spearmanr(x, y).statistic)


def _pearson(x: np.ndarray, y: np.ndarray) -> float:
    return 0.0 if x.std() == 0 or y.std() == 0 else float(np.corrcoef(x, y)[0, 1])


def _top_tenth(scores: np.ndarray) -> float:
    """Return the correlation between two seeds in the tenth that another seed puts at the top.

    A seed of the pair must not choose the tenth: what it measured too high would be in it.
    """
    complete = scores[~np.isnan(scores).any(axis=1)]
    count = max(3, len(complete) // 10)
    found = []
    for a, b in itertools.combinations(range(scores.shape[1]), 2):
        other = next(column for column in range(scores.shape[1]) if column not in (a, b))
        top = np.argsort(-complete[:, other], kind="stable")[:count]
        found.append(spearman(complete[top, a], complete[top, b]))
    return float(np.mean(found))


def _figures(table: Table, epochs: int, after: np.ndarray) -> FidelityFigures:
    values, test = table.mean_score(epochs), table.mean_test_score()
    top = np.argsort(-test, kind="stable")[: max(3, table.size // 10)]
    return FidelityFigures(
        epochs=epochs,
        seeds=len(table.seeds[epochs]),
        best=float(values.max()),
        optima=len(local_optima(values, after)),
        unimproved=int(unimproved(values, after).sum()),
        spearman=spearman(values, table.mean_score()),
        spearman_test=spearman(values, test),
        spearman_test_top=spearman(values[top], test[top]),
        cost=epochs / table.fidelities[-1],
    )


def _shown(fidelities: tuple[int, ...]) -> tuple[int, ...]:
    """Return all fidelities, or those nearest to even steps of a logarithmic scale."""
    if len(fidelities) <= SHOWN:
        return fidelities
    steps: Any = np.geomspace(fidelities[0], fidelities[-1], SHOWN)
    places = np.searchsorted(fidelities, np.round(steps))
    return tuple(
        fidelities[place] for place in sorted({min(p, len(fidelities) - 1) for p in places.tolist()})
    )
