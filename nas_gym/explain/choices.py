"""How much each architectural choice matters, and each pair beyond both: from a trace, or from a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import chi2

from nas_gym.explain.coding import DEPTH, Coded, weights
from nas_gym.explain.components import Component, components
from nas_gym.explain.mixed_model import FIXED, MixedModel, fit, third_order
from nas_gym.explain.permutation import PERMUTATIONS, significance
from nas_gym.explain.squared_length import Interval, squared_length, widened

OWN_VARIANCES = 6
STANDS_OUT = 0.05
HALF = 0.5


@dataclass(frozen=True, eq=False)
class Importance:
    """Of one choice or one pair of choices.

    Attributes:
        component: what it is of.
        value: the variance that it explains, corrected for noise; None where it is not determined.
        low, high: its interval; None where there is none.
        p: adjusted for all of its kind; None where it was not tested.
        evidence: what it is ranked by among pairs (see `Significance`).
        effects: effect of each cell, float64 (cells,); of a pair drawn towards 0 (see `MixedModel.shrunk`).
        errors: standard error of each, float64 (cells,).
        visits: evaluations in each cell, int (cells,).
        why: why there is no value or why its interval was widened, "" otherwise.
    """

    component: Component
    value: float | None
    low: float | None
    high: float | None
    p: float | None
    evidence: float
    effects: np.ndarray
    errors: np.ndarray
    visits: np.ndarray
    why: str = ""

    @property
    def name(self) -> str:
        """Of the choice or the pair."""
        return self.component.name

    def significant(self, level: float = 0.05) -> bool:
        """Whether chance is ruled out at a level, and by the interval, where there is one."""
        return self.p is not None and self.p <= level and (self.low is None or self.low > 0)


@dataclass(frozen=True, eq=False)
class Importances:
    """Of all choices and pairs.

    Attributes:
        choices: from the most important to the least; those that are not determined at the end.
        pairs: those with the most evidence first.
        rest: standard deviation of what choices and pairs leave unexplained, of a table that of training
            seeds; None if it is not known.
        evaluations: how many they are made from.
    """

    choices: tuple[Importance, ...]
    pairs: tuple[Importance, ...]
    rest: float | None
    evaluations: int


def estimate(
    reference: Coded, visited: Coded, y: np.ndarray, permutations: int = PERMUTATIONS, seed: int = 0
) -> Importances:
    """Importances from the evaluations of a run, wherever the agent went.

    Args:
        reference: the architectures that averages are over.
        visited: the distinct architectures of the run.
        y: their accuracies, float64 (n,).
        permutations: of the test of significance.
        seed: of permutations and intervals.
    """
    parts = components(reference)
    model, columns = fitted(parts, visited, y)
    wide = cautious(model, parts, columns, visited)
    found: list[Importance] = []
    for order in (1, 2):
        numbers = [n for n, part in enumerate(parts) if len(part.columns) == order]
        across = [parts[n].names == (DEPTH,) for n in numbers]
        tests = significance(model, [columns[n] for n in numbers], across, visited.depth, permutations, seed)
        for n, test in zip(numbers, tests, strict=True):
            cells = parts[n].cells(visited)
            visits = np.bincount(cells[cells >= 0], minlength=len(parts[n].words))
            one, other = model.estimate(columns[n]), wide.estimate(columns[n])
            shrunk = parts[n].effects(model.shrunk(columns[n])) if order == 2 else None
            if one is None:
                found.append(_undetermined(parts[n], visits, test.p, test.evidence, shrunk))
                continue
            interval = squared_length(*one, model.degrees(columns[n]), seed=seed)
            note = "" if order == 2 else _note(parts, parts[n], visited)
            if note and other is not None:
                interval = widened(interval, one[0], other[1] - one[1])
            made = _importance(parts[n], interval, *one, visits, test.p, test.evidence, note=note)
            found.append(made if shrunk is None else replace(made, effects=shrunk))
    return _ranked(found, float(np.sqrt(model.noise + model.variances[-2])), len(y))


def fitted(parts: Sequence[Component], visited: Coded, y: np.ndarray) -> tuple[MixedModel, list[np.ndarray]]:
    """The mixed model of a run's evaluations, and the columns of each component in it.

    Choices are fixed. Pairs are random and share a variance, but for those that stand out, one
    after the other, which get one of their own.
    """
    features = [part.features(visited) for part in parts]
    owner = np.repeat(np.arange(len(parts)), [z.shape[1] for z in features])
    columns = [np.flatnonzero(owner == number) for number in range(len(parts))]
    singles = [n for n, part in enumerate(parts) if len(part.columns) == 1]
    pairs = [n for n, part in enumerate(parts) if len(part.columns) == 2]
    third = third_order([features[n] for n in singles])
    z, group = np.hstack(features), np.where(np.isin(owner, singles), FIXED, 0)
    model = fit(y, z, group, third)
    for number in range(1, 1 + min(OWN_VARIANCES, len(pairs) - 1)):
        shared = [n for n in pairs if group[columns[n][0]] == 0]
        evidence = [_chance(model, columns[n]) for n in shared]
        if min(evidence) > STANDS_OUT / len(pairs):
            break
        group[columns[shared[int(np.argmin(evidence))]]] = number
        model = fit(y, z, group.copy(), third)
    return model, columns


def cautious(
    model: MixedModel, parts: Sequence[Component], columns: Sequence[np.ndarray], visited: Coded
) -> MixedModel:
    """The model with interactions of the depth allowed for where the visits say nothing of them.

    An agent that never met a value at some depth has not seen whether it acts there as it does
    elsewhere. Coefficients half as large as those of the choice itself are allowed for.
    """
    single = {part.columns[0]: n for n, part in enumerate(parts) if len(part.columns) == 1}
    least = []
    for n, part in enumerate(parts):
        if _of_depth(part) and unmet_cells(part, visited):
            estimate = model.estimate(columns[single[part.columns[1]]])
            size = float((estimate[0] ** 2).mean()) if estimate else float(model.y.var())
            least.append((columns[n], HALF**2 * size))
    return model.assuming(least)


def unmet_cells(part: Component, visited: Coded) -> list[int]:
    """The cells of a component that exist and were never visited."""
    cells = part.cells(visited)
    visits = np.bincount(cells[cells >= 0], minlength=len(part.words))
    return [cell for cell in range(len(visits)) if part.share[cell] > 0 and not visits[cell]]


def _of_depth(part: Component) -> bool:
    return len(part.columns) == 2 and part.names[0] == DEPTH


def _note(parts: Sequence[Component], part: Component, visited: Coded) -> str:
    """Which values were never met at some depth, a clause; "" for none."""
    for pair in parts:
        if _of_depth(pair) and part.names[0] in (pair.names[1], DEPTH):
            unmet = unmet_cells(pair, visited)
            if unmet:
                depth, value = pair.words[unmet[0]]
                others = f" (and {len(unmet) - 1} more such cases)" if len(unmet) > 1 else ""
                return f"{pair.names[1]} {value} was never met at depth {depth}{others}"
    return ""


def _chance(model: MixedModel, columns: np.ndarray) -> float:
    """The chance of coefficients as far from 0 as those of a component."""
    values, covariance, _ = model.determined(columns)
    variances = np.diag(covariance)
    use = variances > 0
    return float(chi2.sf((values[use] ** 2 / variances[use]).sum(), use.sum())) if use.any() else 1.0


def exact(reference: Coded, accuracies: np.ndarray) -> Importances:
    """Importances of a full table.

    Of a table with several training seeds they are corrected for the noise of training, and have
    intervals over training seeds; of a table with one they are what they are, without interval.

    Args:
        reference: the architectures of the table, those that failed left out.
        accuracies: of each with each seed, float64 (n, seeds); NaN where a seed was not recorded.
    """
    counts = (~np.isnan(accuracies)).sum(axis=1)
    mean = np.nanmean(accuracies, axis=1)
    repeated = counts > 1
    several = bool(repeated.any())
    variance = np.zeros(len(mean))
    if several:
        own = np.nanvar(accuracies[repeated], axis=1, ddof=1)
        variance[:] = own.mean()
        variance[repeated] = own
    found = []
    for part in components(reference):
        cells = part.cells(reference)
        z = part.features(reference) * weights(reference, cells >= 0)[:, None]
        theta, covariance = z.T @ mean, (z * (variance / counts)[:, None]).T @ z
        visits = np.bincount(cells[cells >= 0], minlength=len(part.words))
        degrees = float((counts - 1)[(cells >= 0) & repeated].sum()) if several else np.inf
        interval = squared_length(theta, covariance, max(1.0, degrees))
        size = float(theta @ theta)
        size = size if not several else float(theta @ np.linalg.pinv(covariance) @ theta)
        found.append(_importance(part, interval, theta, covariance, visits, None, size, known=several))
    rest = float(np.sqrt(variance[repeated].mean())) if several else None
    return _ranked(found, rest, len(mean))


def _importance(
    part: Component,
    interval: Interval,
    theta: np.ndarray,
    covariance: np.ndarray,
    visits: np.ndarray,
    p: float | None,
    evidence: float,
    *,
    known: bool = True,
    note: str = "",
) -> Importance:
    effects = part.effects(theta)
    errors = np.sqrt(np.maximum(np.einsum("ci,ij,cj->c", part.contrasts, covariance, part.contrasts), 0.0))
    low, high = (interval.low, interval.high) if known else (None, None)
    return Importance(part, interval.value, low, high, p, evidence, effects, errors, visits, note)


def _undetermined(
    part: Component, visits: np.ndarray, p: float, evidence: float, effects: np.ndarray | None
) -> Importance:
    never = [" and ".join(word) for word, count in zip(part.words, visits, strict=True) if not count]
    why = f"{never[0]} was never evaluated" if never else "its values were only met together with others"
    nothing = np.zeros(len(part.words))
    effects = nothing if effects is None else effects
    return Importance(part, None, None, None, p, evidence, effects, nothing, visits, why)


def _ranked(found: list[Importance], rest: float | None, evaluations: int) -> Importances:
    choices = [one for one in found if len(one.component.columns) == 1]
    pairs = [one for one in found if len(one.component.columns) == 2]
    choices.sort(key=lambda one: -np.inf if one.value is None else one.value, reverse=True)
    pairs.sort(key=lambda one: one.evidence, reverse=True)
    return Importances(tuple(choices), tuple(pairs), rest, evaluations)
