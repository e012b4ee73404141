"""Landscapes to train on: scores for all architectures of a space, drawn from a seed.

A landscape is a sum of parts, each of which the space may have or not: what networks do (larger and deeper
ones are better more often than not), additive choices, interactions of two choices, counts of pieces of the
graph, and a smooth function of the edit graph. Then traps are planted, scores are bent as accuracies are, and
noise is added. Nothing of it reads a table: that size, depth and shortcuts tend to help is what is assumed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np

from nas_agents.pretrained.pool import Pool
from nas_agents.pretrained.readings import READINGS
from nas_gym.search_spaces import Architecture, SearchSpace
from nas_gym.tasks import Task

TENDENCIES = {
    "parameters": 1.0,
    "flops": 0.7,
    "longest path": 0.5,
    "shortest path": 0.2,
    "mean path": 0.4,
    "paths": 0.3,
    "weighted operations": 0.5,
    "receptive field": 0.5,
    "widest kernel share": 0.5,
    "local means": -0.4,
    "sums": 0.3,
    "plain shortcuts": 0.5,
    "narrowest": 0.3,
    "widest": 0.4,
    "first width": 0.3,
    "last width": 0.2,
    "nonlinear": 0.5,
    "saturating": -0.5,
    "linear": -0.6,
}
"""How readings change scores on average over landscapes; those that are not named, not at all."""
PARTS = ("network", "choices", "pairs", "pieces", "smooth")
"""The parts of a landscape."""
SHARES = (1.2, 0.8, 0.4, 0.5, 0.5)
"""The parameters of the Dirichlet distribution that the variances of the parts are drawn from."""
KINDS = ("plain", "deceptive", "needle")


@dataclass(frozen=True)
class Landscape:
    """Scores of all candidates of a pool.

    Attributes:
        pool: the architectures.
        scores: their scores, float64 (candidates,) in [0, 1]; the noise of trainings is in them, as in a
            table.
        kind: ``"plain"``; ``"deceptive"``, with a basin far from the best; or ``"needle"``, whose best stands
            alone.
    """

    pool: Pool
    scores: np.ndarray
    kind: str

    def subset(self, count: int, rng: np.random.Generator) -> Landscape:
        """Return the landscape of so many of the candidates, or all of fewer, drawn uniformly."""
        if count >= len(self.pool):
            return self
        kept = np.sort(rng.choice(len(self.pool), count, replace=False))
        return Landscape(self.pool.subset(kept), self.scores[kept], self.kind)

    def __call__(self, architecture: Architecture) -> float:
        """Return the score of an architecture."""
        return float(self.scores[self.pool.numbers[architecture]])

    def environment(self) -> gym.Env[Any, Any]:
        """Return an ordinary environment whose trainings score so."""
        import nas_gym  # noqa: F401 - registers the ids

        space = self.pool.space
        evaluator = {"name": "function", "function": self}
        task = blank_task(space)
        return gym.make("NAS-v0", search_space=space, task=task, evaluator=evaluator, store="memory")


def blank_task(space: SearchSpace[Any]) -> Task:
    """Return a task of the shape that a space is built for; nothing is learned from its examples."""
    rng = np.random.default_rng(0)
    classes = np.arange(20 * space.outputs) % space.outputs
    return Task.from_arrays(rng.standard_normal((len(classes), *space.input_shape)), classes)


def draw_landscape(pool: Pool, rng: np.random.Generator, kind: str | None = None) -> Landscape:
    """Draw a landscape; `kind` is one of `KINDS`, None for any."""
    kind = str(rng.choice(KINDS, p=(0.5, 0.3, 0.2))) if kind is None else kind
    values = _sum_of_parts(pool, rng)
    if rng.random() < 0.85:
        values = _by_class(values, pool.groups)
    if kind == "deceptive":
        values = _with_basin(values, pool, rng)
    elif kind == "needle":
        values = _with_needle(values, pool, rng)
    scores = _bent(values, rng)
    top = scores[scores >= np.quantile(scores, 0.9)]
    noise = np.exp(rng.uniform(np.log(0.02), np.log(0.7))) * max(1e-6, float(top.std()))
    scores = np.clip(scores + noise * rng.standard_normal(len(scores)), 0, 1)
    cut_off = pool.readings[:, READINGS.index("connected")] < -1e-9
    if cut_off.any() and rng.random() < 0.9:
        scores[cut_off] = 0.1
    return Landscape(pool, scores, kind)


def _sum_of_parts(pool: Pool, rng: np.random.Generator) -> np.ndarray:
    shares = rng.dirichlet(SHARES)
    makers = (_network, _choices, _pairs, _pieces, _smooth)
    return np.asarray(
        sum(
            share**0.5 * _standard(maker(pool, rng))
            for share, maker in zip(shares, makers, strict=True)
            if share > 0.01
        )
    )


def _network(pool: Pool, rng: np.random.Generator) -> np.ndarray:
    """Draw a function of readings: a slope for some of them, and a best value for some."""
    tendency = np.array([TENDENCIES.get(name, 0.0) for name in READINGS])
    slopes = tendency * rng.uniform(0, 2, len(READINGS)) + 0.4 * rng.standard_normal(len(READINGS))
    slopes *= rng.random(len(READINGS)) < 0.5
    bends = (rng.random(len(READINGS)) < 0.2) * rng.uniform(0.1, 0.6, len(READINGS))
    best = rng.uniform(-1, 2, len(READINGS))
    read = np.clip(pool.readings, -3, 3)
    return np.asarray(read @ slopes - np.square(read - best) @ bends)


def _choices(pool: Pool, rng: np.random.Generator) -> np.ndarray:
    """Draw an effect of each choice, a part of which it has wherever it is."""
    by_text: dict[str, float] = {}
    effects = []
    for variable in pool.space.variables.values():
        weight = np.exp(0.6 * rng.standard_normal())
        for choice in variable.choices:
            shared = by_text.setdefault(choice, float(rng.standard_normal()))
            effects.append(weight * shared + 0.4 * rng.standard_normal())
    return np.asarray(pool.choices @ np.array(effects))


def _pairs(pool: Pool, rng: np.random.Generator) -> np.ndarray:
    """Draw an effect of each two choices of some pairs of variables."""
    sizes = [len(variable.choices) for variable in pool.space.variables.values()]
    ends = np.cumsum([0, *sizes])
    found = np.zeros(len(pool))
    for _ in range(len(sizes)):
        if len(sizes) < 2:
            break
        one, other = rng.choice(len(sizes), 2, replace=False)
        effects = rng.standard_normal((sizes[one], sizes[other]))
        left = pool.choices[:, ends[one] : ends[one + 1]]
        right = pool.choices[:, ends[other] : ends[other + 1]]
        found += ((left @ effects) * right).sum(axis=1)
    return found


def _pieces(pool: Pool, rng: np.random.Generator) -> np.ndarray:
    """Draw a weight of each piece."""
    return np.asarray(pool.pieces @ rng.standard_normal(pool.pieces.shape[1]))


def _smooth(pool: Pool, rng: np.random.Generator) -> np.ndarray:
    """Draw hills and hollows around some architectures."""
    centres = rng.choice(len(pool), min(len(pool), 60), replace=False)
    reach = rng.uniform(0.5, 2.0)
    found = np.zeros(len(pool))
    for centre in centres:
        found += rng.standard_normal() * np.exp(-pool.differences(int(centre)) / reach)
    return found


def _with_basin(values: np.ndarray, pool: Pool, rng: np.random.Generator) -> np.ndarray:
    """Plant a basin around an architecture far from the best that ends a little below the best."""
    best = int(np.argmax(values))
    away = pool.differences(best)
    far = np.flatnonzero((away >= 0.6 * away.max()) & (values > np.quantile(values, 0.5)))
    if not len(far):
        return values
    centre = int(rng.choice(far))
    hill = np.exp(-np.square(pool.differences(centre)) / (2 * rng.uniform(0.8, 2.0) ** 2))
    hill[away < 0.3 * away.max()] = 0.0
    below = rng.uniform(0.02, 0.3) * values.std()
    height = float(np.min((values[best] - below - values[hill > 0.05]) / hill[hill > 0.05], initial=np.inf))
    return np.asarray(values + min(height, 4 * values.std()) * hill) if height > 0 else values


def _with_needle(values: np.ndarray, pool: Pool, rng: np.random.Generator) -> np.ndarray:
    """Raise one of the better architectures, and those beside it a little, above all others."""
    good = np.flatnonzero(values > np.quantile(values, 0.9))
    centre = int(rng.choice(good))
    lift = values.max() + rng.uniform(0.05, 0.5) * values.std() - values[centre]
    beside = np.exp(-pool.differences(centre) / rng.uniform(0.3, 1.0))
    return np.asarray(values + lift * beside)


def _by_class(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return the mean of each class of isomorphism, in place of its members' values."""
    count = np.bincount(groups)
    return np.asarray((np.bincount(groups, values) / np.maximum(1, count))[groups])


def _bent(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return scores in (0, 1), dense at the top and thin at the bottom, as accuracies are."""
    z = _standard(values)
    bend = rng.uniform(0.2, 2.0)
    bent = -np.logaddexp(0, -bend * (z - rng.uniform(-1, 1.5)))
    bent = (bent - bent.min()) / max(1e-9, np.ptp(bent))
    top = rng.uniform(0.6, 0.95)
    return np.asarray(top - (1 - bent) * rng.uniform(0.1, top - 0.1))


def _standard(values: np.ndarray) -> np.ndarray:
    spread = float(values.std())
    return np.asarray((values - values.mean()) / (spread if spread > 1e-12 else 1.0))
