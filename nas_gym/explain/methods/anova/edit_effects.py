"""The effect of each kind of edit on the score, wherever the agent was when it made it.

The mean change in the agent's own steps is misleading: an agent stays at an architecture because its
score was high, partly by luck, so every edit of it looks bad. Here an effect is of the architectures of
the space and not of the visits: the mean change over all of them where the edit is legal, the depths
that the run visited weighted equally. It is estimated from the scores of all visited architectures at
once by `nas_gym.explain.methods.anova.variances`, in which an architecture has one noise however many
edits begin or end at it, so both directions of an edit count and an incumbent's luck counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm, t

from nas_gym.explain.methods.anova.components import components
from nas_gym.explain.methods.anova.edit_kinds import EditKind, Edits, edits_between
from nas_gym.explain.methods.anova.encoding import encode_architectures, reference, weights
from nas_gym.explain.methods.anova.mixed_model import MixedModel
from nas_gym.explain.methods.anova.squared_norm import Interval
from nas_gym.explain.methods.anova.variances import cautious, fitted
from nas_gym.search_spaces import Architecture, SearchSpace

DRAWS = 4_000
ENUMERATED, SAMPLED_PER_DEPTH = 5_000, 150
FEW = 5
RESOLUTION = 1e-3
"""Least standard error, in standard deviations of the scores: of scores without noise the prior of the fixed
effects, which is wide but not flat, moves estimates by about this."""


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect of one kind of edit.

    Attributes:
        kind: kind of the edits.
        change: mean change of the score over architectures of the space, with an interval that is
            simultaneous over all kinds; None where the visits do not determine it.
        p: p-value of no effect, adjusted for all kinds; None without a change.
        seen: number of pairs of evaluated architectures that such an edit connects, in either direction.
        in_steps: mean change in the agent's steps, biased by where the agent was; None without such steps.
        steps: number of these steps.
    """

    kind: EditKind
    change: Interval | None
    p: float | None
    seen: int
    in_steps: float | None
    steps: int


@dataclass(frozen=True, eq=False)
class EditEffects:
    """The effects of all kinds of edit.

    Attributes:
        effects: the largest change first, what is not determined last.
        left_out: depths, in words, whose architectures are left out of the averages, since the run
            evaluated hardly any of them.
    """

    effects: tuple[Effect, ...]
    left_out: tuple[str, ...]


def estimate_effects(
    space: SearchSpace[Any],
    visited: Sequence[Architecture],
    y: np.ndarray,
    steps: Iterable[tuple[Architecture, Architecture]] = (),
    level: float = 0.95,
    seed: int = 0,
) -> EditEffects:
    """Return the effect of every kind of edit.

    Args:
        space: search space of the architectures.
        visited: the distinct architectures of the run.
        y: score of each, float64 (n,).
        steps: the architectures before and after each step of the agent, for comparison.
        level: level of the simultaneous intervals.
        seed: seed of the draws for the intervals and of the sample of a large space.
    """
    rows = {one: row for row, one in enumerate(reference(space, seed, ENUMERATED, SAMPLED_PER_DEPTH))}
    inside = len(rows)
    edits, encoded = edits_between(space, rows, inside=False)
    base, seen = encoded.rows(np.arange(inside)), encode_architectures(space, visited)
    parts = components(base)
    model, columns = fitted(parts, seen, y)
    model = cautious(model, parts, columns, seen)
    counts = np.bincount(seen.depth, minlength=int(base.depth.max()) + 1)
    enough = counts >= min(FEW, counts.max())
    weight = np.append(weights(base, enough[base.depth]), np.zeros(len(rows) - inside))
    features = np.hstack([part.features(encoded) for part in parts])
    estimates = _estimates(model, _sums(edits, features, weight, encoded.depth), level, seed)
    pairs, met, made = _seen(space, edits.kinds, visited, y, steps)
    found = [
        Effect(kind, *estimate, int(pairs[n]), float(met[n]) if made[n] else None, int(made[n]))
        for n, (kind, estimate) in enumerate(zip(edits.kinds, estimates, strict=True))
    ]
    found.sort(key=lambda one: -np.inf if one.change is None else abs(one.change.value), reverse=True)
    left_out = (
        [base.variables[0].choices[number] for number in np.flatnonzero(~enough)] if base.has_depth else []
    )
    return EditEffects(tuple(found), tuple(left_out))


def _estimates(
    model: MixedModel, sums: np.ndarray, level: float, seed: int
) -> list[tuple[Interval | None, float | None]]:
    """Return the mean change of each kind and its adjusted p."""
    changes, covariance, degrees = model.combinations(sums)
    spread = np.sqrt(model.y.var())
    errors = np.maximum(np.sqrt(np.maximum(np.diag(covariance), 1e-300)), RESOLUTION * spread)
    known = (errors < spread) & sums.any(axis=1)
    chance = 2.0 * np.asarray(t.sf(abs(changes) / errors, degrees))
    smallest = _smallest_chances(covariance[np.ix_(known, known)], seed)
    cut = float(np.quantile(smallest, 1.0 - level)) if len(smallest) else 1.0 - level
    reach = errors * np.asarray(t.isf(cut / 2.0, degrees))
    adjusted = [(1 + (smallest <= each).sum()) / (1 + len(smallest)) for each in chance]
    return [
        (Interval(float(change), float(change - by), float(change + by)), float(p)) if use else (None, None)
        for change, by, p, use in zip(changes, reach, adjusted, known, strict=True)
    ]


def _sums(edits: Edits, features: np.ndarray, weight: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Return each kind's mean change of the features, float64 (kinds, p), depths weighted equally."""
    each = weight[edits.before]
    # Where a kind of edit is legal differs between depths, which count alike wherever it is at all.
    legal = np.zeros((len(edits.kinds), int(depth.max()) + 1))
    np.add.at(legal, (edits.kind, depth[edits.before]), each)
    each = each / np.maximum(legal[edits.kind, depth[edits.before]], 1e-300)
    each = each / np.maximum((legal > 0).sum(axis=1), 1)[edits.kind] * edits.sign
    incidence = np.zeros((len(edits.kinds), len(features)))
    np.add.at(incidence, (edits.kind, edits.after), each)
    np.add.at(incidence, (edits.kind, edits.before), -each)
    return np.asarray(incidence @ features)


def _smallest_chances(covariance: np.ndarray, seed: int) -> np.ndarray:
    """Return the smallest p-value of the kinds in draws of no effect at all, float64 (draws,)."""
    if not len(covariance):
        return np.empty(0)
    scale = np.sqrt(np.maximum(np.diag(covariance), 1e-300))
    # Of scores without noise the covariance is rounding alone, and no correlations come of it.
    sizes, directions = np.linalg.eigh(np.clip(covariance / np.outer(scale, scale), -1.0, 1.0))
    root = directions * np.sqrt(np.maximum(sizes, 0.0))
    draws = np.random.default_rng(seed).standard_normal((DRAWS, len(scale))) @ root.T
    return np.asarray(2.0 * norm.sf(np.abs(draws).max(axis=1)))


def _seen(
    space: SearchSpace[Any],
    kinds: Sequence[EditKind],
    visited: Sequence[Architecture],
    y: np.ndarray,
    steps: Iterable[tuple[Architecture, Architecture]],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each kind's pairs seen, its mean change in steps, and the number of those steps."""
    numbers = {kind: number for number, kind in enumerate(kinds)}
    rows = {one: row for row, one in enumerate(visited)}
    edits, _ = edits_between(space, rows, inside=True)
    pairs, total, count = np.zeros((3, len(kinds)))
    by_edit: dict[tuple[int, int], list[tuple[int, float]]] = {}
    for before, after, kind, sign in zip(edits.before, edits.after, edits.kind, edits.sign, strict=True):
        number = numbers.get(edits.kinds[kind])
        if number is not None:
            pairs[number] += 0.5 if edits.kinds[kind].opposite else 1.0
            by_edit.setdefault((before, after), []).append((number, sign))
    for before, after in steps:
        edge = (rows.get(before, -1), rows.get(after, -1))
        for number, sign in by_edit.get(edge, ()):
            total[number] += sign * (y[edge[1]] - y[edge[0]])
            count[number] += 1
    return pairs, total / np.maximum(count, 1), count
