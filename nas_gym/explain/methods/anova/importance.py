"""The importance of each architectural choice and of each pair beyond both: from a trace, or from a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from nas_gym._clock import check_time
from nas_gym.explain.fact import Verdict, verdict_of
from nas_gym.explain.methods.anova.components import Component, components
from nas_gym.explain.methods.anova.encoding import EncodedArchitectures, weights
from nas_gym.explain.methods.anova.permutation import PERMUTATIONS, significance, table_significance
from nas_gym.explain.methods.anova.squared_norm import Interval, squared_length, widened
from nas_gym.explain.methods.anova.variances import cautious, fitted, of_depth, rivals, unmet_cells


@dataclass(frozen=True, eq=False)
class Importance:
    """The importance of one choice or one pair of choices.

    Attributes:
        component: the choice or the pair.
        value: variance that it explains, corrected for noise; None where it is not determined.
        low, high: interval of the variance; None where there is none.
        p: p-value adjusted for all choices, or for all pairs; None where it was not tested.
        evidence: rank criterion among pairs (see `Significance`).
        effects: effect of each cell, float64 (cells,); of a pair drawn towards 0 (see `MixedModel.shrunk`).
        errors: standard error of each effect, float64 (cells,).
        visits: number of evaluations in each cell, int (cells,).
        why: reason why the value is missing or its interval was widened, "" otherwise.
        rivals: pairs that would explain the evaluations about as well in place of a pair that stands out.
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
    rivals: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of the choice or the pair."""
        return self.component.name

    @property
    def verdict(self) -> Verdict:
        """What may be said of it; a pair may be shown to act together though not determined how much."""
        if self.value is None and len(self.component.columns) == 1:
            return Verdict.UNKNOWN
        return verdict_of(self.low, self.high, self.p)

    def significant(self) -> bool:
        """Return whether it is shown not to be 0."""
        return self.verdict is Verdict.SHOWN


@dataclass(frozen=True, eq=False)
class Importances:
    """The importances of all choices and pairs.

    Attributes:
        choices: from the most important to the least; those that are not determined at the end.
        pairs: those with the most evidence first.
        rest: standard deviation of what choices and pairs leave unexplained, of a table that of training
            seeds; None if it is not known.
        evaluations: number of evaluations that they are estimated from.
        untried: depths and values that were never evaluated together: the depth, the choice and its value
            in words.
    """

    choices: tuple[Importance, ...]
    pairs: tuple[Importance, ...]
    rest: float | None
    evaluations: int
    untried: tuple[tuple[str, str, str], ...] = ()


def estimate(
    reference: EncodedArchitectures,
    visited: EncodedArchitectures,
    y: np.ndarray,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
    *,
    with_pairs: bool = True,
) -> Importances:
    """Return importances from the evaluations of a run, wherever the agent went.

    Args:
        reference: the architectures that averages are over.
        visited: the distinct architectures of the run.
        y: score of each, float64 (n,).
        permutations: number of permutations in the test of significance.
        seed: seed of permutations and intervals.
        with_pairs: whether pairs are told, too, with their rivals, which takes most of the time.
    """
    parts = components(reference)
    model, columns = fitted(parts, visited, y)
    wide = cautious(model, parts, columns, visited)
    alike = rivals(model, parts, columns) if with_pairs else {}
    found: list[Importance] = []
    for order in (1, 2) if with_pairs else (1,):
        numbers = [n for n, part in enumerate(parts) if len(part.columns) == order]
        across = [parts[n].is_depth for n in numbers]
        tests = significance(model, [columns[n] for n in numbers], across, visited.depth, permutations, seed)
        for n, test in zip(numbers, tests, strict=True):
            check_time()
            cells = parts[n].cells(visited)
            visits = np.bincount(cells[cells >= 0], minlength=len(parts[n].words))
            one, other = model.estimate(columns[n]), wide.estimate(columns[n])
            shrunk = parts[n].effects(model.shrunk(columns[n])) if order == 2 else None
            if one is None:
                unknown = _undetermined(parts[n], visits, test.p, test.evidence, shrunk)
                found.append(replace(unknown, rivals=alike.get(n, ())))
                continue
            interval = squared_length(*one, model.degrees(columns[n]), seed=seed)
            note = "" if order == 2 else _note(parts, parts[n], visited)
            if note and other is not None:
                interval = widened(interval, one[0], other[1] - one[1])
            made = _importance(parts[n], interval, *one, visits, test.p, test.evidence, note=note)
            made = made if shrunk is None else replace(made, effects=shrunk)
            found.append(replace(made, rivals=alike.get(n, ())))
    rest = float(np.sqrt(model.noise + model.variances[-2]))
    return _ranked(found, rest, len(y), tuple(_untried(parts, visited)))


def _note(parts: Sequence[Component], part: Component, visited: EncodedArchitectures) -> str:
    """Return a clause on the values that were never evaluated at some depth; "" for none."""
    for pair in parts:
        if of_depth(pair) and part.variables[0] in pair.variables:
            unmet = unmet_cells(pair, visited)
            if unmet:
                depth, value = pair.words[unmet[0]]
                others = f" (and {len(unmet) - 1} more such cases)" if len(unmet) > 1 else ""
                return f"{pair.names[1]} {value} was never evaluated at depth {depth}{others}"
    return ""


def _untried(parts: Sequence[Component], visited: EncodedArchitectures) -> Iterator[tuple[str, str, str]]:
    """Yield depths and values that were never evaluated together."""
    for pair in parts:
        if of_depth(pair):
            for cell in unmet_cells(pair, visited):
                depth, value = pair.words[cell]
                yield depth, pair.names[1], value


def exact(
    reference: EncodedArchitectures, scores: np.ndarray, permutations: int = PERMUTATIONS, seed: int = 0
) -> Importances:
    """Return importances of a full table.

    With several training seeds in a table they are corrected for the noise of training, and have
    intervals over training seeds; with one they are what they are, without interval.

    Args:
        reference: the architectures of the table, without those that failed.
        scores: scores by architecture and seed, float64 (n, seeds); NaN where not recorded.
        permutations: number of permutations in the test of significance.
        seed: seed of the permutations.
    """
    counts = (~np.isnan(scores)).sum(axis=1)
    mean = np.nanmean(scores, axis=1)
    repeated = counts > 1
    several = bool(repeated.any())
    variance = np.zeros(len(mean))
    if several:
        own = np.nanvar(scores[repeated], axis=1, ddof=1)
        variance[:] = own.mean()
        variance[repeated] = own
    found, parts = [], components(reference)
    tests = table_significance(
        [part.features(reference) for part in parts],
        [len(part.columns) for part in parts],
        [part.is_depth for part in parts],
        mean,
        reference.depth,
        permutations,
        seed,
    )
    for part, test in zip(parts, tests, strict=True):
        check_time()
        cells = part.cells(reference)
        z = part.features(reference) * weights(reference, cells >= 0)[:, None]
        theta, covariance = z.T @ mean, (z * (variance / counts)[:, None]).T @ z
        visits = np.bincount(cells[cells >= 0], minlength=len(part.words))
        degrees = float((counts - 1)[(cells >= 0) & repeated].sum()) if several else np.inf
        interval = squared_length(theta, covariance, max(1.0, degrees))
        size = float(theta @ theta)
        size = size if not several else float(theta @ np.linalg.pinv(covariance) @ theta)
        found.append(_importance(part, interval, theta, covariance, visits, test.p, size, known=several))
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
    why = (
        f"{never[0]} was never evaluated"
        if never
        else "its values were only evaluated together with certain values of other choices"
    )
    nothing = np.zeros(len(part.words))
    effects = nothing if effects is None else effects
    return Importance(part, None, None, None, p, evidence, effects, nothing, visits, why)


def _ranked(
    found: list[Importance],
    rest: float | None,
    evaluations: int,
    untried: tuple[tuple[str, str, str], ...] = (),
) -> Importances:
    choices = [one for one in found if len(one.component.columns) == 1]
    pairs = [one for one in found if len(one.component.columns) == 2]
    choices.sort(key=lambda one: -np.inf if one.value is None else one.value, reverse=True)
    pairs.sort(key=lambda one: one.evidence, reverse=True)
    return Importances(tuple(choices), tuple(pairs), rest, evaluations, untried)
