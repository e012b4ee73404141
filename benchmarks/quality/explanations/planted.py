"""Landscapes whose truth is known, for tests and measurements of explanations.

A landscape is a function from architecture to score on a small space, with what an explanation
should find. The truth is worked out here by brute force over all architectures, by code that
shares nothing with the explanations.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import gymnasium as gym
import numpy as np

import nas_gym  # noqa: F401 - registers the ids
from nas_gym.search_spaces import SearchSpace, make_search_space

RATIO = 1.25
LARGEST = 0.06
SHAPE, CLASSES = (1, 40), 10


@dataclass(frozen=True, eq=False)
class Landscape:
    """A landscape and its truth.

    Attributes:
        space: the architectures.
        function: score without noise.
        zero: the choice that does not matter; "" for none.
        pair: the two choices that act together; () for none.
        helps: the number of the activation that acts together with the depth; -1 for none.
    """

    space: SearchSpace[Any]
    function: Callable[[Any], float]
    zero: str = ""
    pair: tuple[str, ...] = ()
    helps: int = -1

    @cached_property
    def architectures(self) -> list[Any]:
        """All of the space."""
        return list(self.space)

    @cached_property
    def table(self) -> np.ndarray:
        """The score without noise of each architecture, by index."""
        return np.array([self.function(architecture) for architecture in self.architectures])

    @cached_property
    def importance(self) -> dict[str, float]:
        """The variance of the conditional mean of each choice, depths weighted equally."""
        return {name: _variance(self._means((name,))) for name in self.space.variables}

    @cached_property
    def interactions(self) -> dict[tuple[str, str], float]:
        """The variance of the pure interaction of each pair of choices."""
        found = {}
        for pair in itertools.combinations(self.space.variables, 2):
            means = self._means(pair)
            rows, columns = ({key[side] for key in means} for side in (0, 1))
            table = np.array([[means.get((row, column), np.nan) for column in columns] for row in rows])
            if np.isnan(table).any():  # of the depth and a layer's choice: depths without that layer
                table = table[~np.isnan(table).any(axis=1)]
            pure = table - table.mean(1, keepdims=True) - table.mean(0, keepdims=True) + table.mean()
            found[pair] = float((pure**2).mean())
        return found

    def environment(self, noise: float = 0.01, seed: int = 0, **options: Any) -> gym.Env[Any, Any]:
        """An environment on it; `seed` is the training seed, of the noise."""
        evaluator = {"name": "function", "function": self.function, "noise": noise, "seeds": [seed]}
        task = {"name": "mnist1d"}
        return gym.make("NAS-v0", search_space=self.space.config(), task=task, evaluator=evaluator, **options)

    def noisy(self, rng: np.random.Generator, noise: float = 0.01) -> np.ndarray:
        """The table with fresh noise."""
        return self.table + noise * rng.standard_normal(len(self.table))

    def _means(self, names: tuple[str, ...]) -> dict[tuple[int, ...], float]:
        """Return the mean score for each value of the choices, within each depth and then over depths."""
        cells: dict[tuple[int, ...], dict[int, list[float]]] = {}
        for architecture, score in zip(self.architectures, self.table, strict=True):
            if set(names) <= self.space.active_variables(architecture):
                values = self.space.encode(architecture)
                depth = values.get("depth", 0)
                key = tuple(values[name] for name in names)
                cells.setdefault(key, {}).setdefault(depth, []).append(score)
        return {
            key: float(np.mean([np.mean(scores) for scores in depths.values()]))
            for key, depths in cells.items()
        }


def _variance(means: dict[tuple[int, ...], float]) -> float:
    return float(np.var(list(means.values())))


def mlp_space() -> SearchSpace[Any]:
    """4,680 perceptrons with nine choices: the depth, four widths and four activations."""
    return make_search_space("mlp", SHAPE, CLASSES)


def additive(seed: int, interaction: float = 0.0, largest: float = LARGEST, zeros: int = 1) -> Landscape:
    """Nine choices whose effects add up: deviations in ratio 1.25, the last `zeros` of them 0.

    Which choice has which deviation, and its effects, are drawn by the seed.

    Args:
        seed: of the landscape.
        interaction: what an activation of layer 2 adds from depth 3 on, and there alone.
        largest: the largest deviation.
        zeros: choices that do not matter.
    """
    space, rng = mlp_space(), np.random.default_rng(seed)
    names = list(rng.permutation(list(space.variables)))
    pair = ("depth", "layer 2 activation") if interaction else ()
    while names[-1] in pair:  # what acts together with another choice matters
        names = [names[-1], *names[:-1]]
    effects: dict[str, np.ndarray] = {}
    for rank, name in enumerate(names):
        drawn = rng.standard_normal(len(space.variables[name].choices))
        drawn = (drawn - drawn.mean()) / drawn.std()
        effects[name] = drawn * (0.0 if rank >= len(names) - zeros else largest / RATIO**rank)
    helps = int(rng.integers(len(space.variables["layer 2 activation"].choices)))

    def score(architecture: Any) -> float:
        values, active = space.encode(architecture), space.active_variables(architecture)
        total = 0.5 + sum(effects[name][values[name]] for name in sorted(active))
        if interaction and values["depth"] >= 2 and values["layer 2 activation"] == helps:
            total += interaction
        return float(total)

    return Landscape(space, score, names[-1] if zeros else "", pair, helps if interaction else -1)


def demo(architecture: Any) -> float:
    """A landscape by its import path: nine choices, an interaction, one choice that does not matter."""
    return _DEMO.function(architecture)


_DEMO = additive(0, interaction=0.08)


@cache
def _additive(seed: int) -> Landscape:
    return additive(seed)


def __getattr__(name: str) -> Callable[[Any], float]:
    """Return the function of `additive(17)` as ``additive_17``, so that a run can name it by its path."""
    kind, _, seed = name.partition("_")
    if kind != "additive" or not seed.isdecimal():
        raise AttributeError(name)
    return _additive(int(seed)).function


def flat(architecture: Any) -> float:
    """No choice matters."""
    return 0.7


def trap(architecture: Any) -> float:
    """A deceptive path: relu layers help a little, a tanh layer hurts, and three of them are best.

    From the smallest network every edit that helps leads to three wide relu layers, where each edit
    costs. The best networks are three wide tanh layers, behind networks worse than the start.
    """
    relus = sum(activation == "relu" for _, activation in architecture.layers)
    tanhs = len(architecture.layers) - relus
    wide = sum(width == 64 for width, _ in architecture.layers)
    pays = (0.0, -0.12, 0.14, 0.26) if len(architecture.layers) == 3 else (0.0, -0.12, -0.15)
    return 0.5 + 0.05 * relus + 0.005 * wide + pays[tanhs]


TRAP_SPACE = {"name": "mlp", "max_layers": 3, "widths": [16, 64], "activations": ["relu", "tanh"]}


def deceptive() -> Landscape:
    """The deceptive path on 84 perceptrons."""
    return Landscape(make_search_space(TRAP_SPACE, SHAPE, CLASSES), trap)


def climbed_to(landscape: Landscape, start: Any) -> list[Any]:
    """The networks of a climb by the best edit until none helps, without noise."""
    way = [start]
    while True:
        after = max(landscape.space.neighbours(way[-1]), key=landscape.function)
        if landscape.function(after) <= landscape.function(way[-1]):
            return way
        way.append(after)


def hill_climb(
    landscape: Landscape, budget: int, seed: int, noise: float = 0.01
) -> tuple[list[Any], np.ndarray, list[tuple[Any, Any]]]:
    """A search that edits the best network it has seen, which it is at partly by luck.

    Returns:
        The distinct architectures, their noisy scores, and (before, after) of every step.
    """
    rng, space = np.random.default_rng(seed), landscape.space
    seen: dict[Any, float] = {}
    steps: list[tuple[Any, Any]] = []

    def ask(one: Any) -> float:
        if one not in seen:
            seen[one] = landscape.function(one) + noise * float(rng.standard_normal())
        return seen[one]

    best = space.architecture(int(rng.integers(space.size)))
    ask(best)
    for _ in range(50 * budget):
        neighbours = list(space.neighbours(best))
        after = neighbours[int(rng.integers(len(neighbours)))]
        steps.append((best, after))
        if ask(after) > seen[best]:
            best = after
        elif rng.random() < 0.1:
            best = list(seen)[int(rng.integers(len(seen)))]
        if len(seen) >= budget:
            break
    return list(seen), np.array(list(seen.values())), steps


def step_changes(
    landscape: Landscape, visited: list[Any], y: np.ndarray, steps: list[tuple[Any, Any]]
) -> dict[Any, list[float]]:
    """The changes of the score that steps met, by the kind of edit."""
    from nas_gym.explain import edits_between

    edits, _ = edits_between(landscape.space, {one: row for row, one in enumerate(visited)}, inside=True)
    kinds: dict[tuple[int, int], list[tuple[int, float]]] = {}
    for before, after, kind, sign in zip(edits.before, edits.after, edits.kind, edits.sign, strict=True):
        kinds.setdefault((before, after), []).append((kind, sign))
    rows = {one: row for row, one in enumerate(visited)}
    found: dict[Any, list[float]] = {}
    for one, other in steps:
        edge = (rows[one], rows[other])
        for kind, sign in kinds.get(edge, []):
            found.setdefault(edits.kinds[kind], []).append(sign * float(y[edge[1]] - y[edge[0]]))
    return found


def true_effects(landscape: Landscape, kinds: set[Any]) -> dict[Any, float]:
    """Return the true effect of swaps of one choice, the same at any architecture if effects add up."""
    space, rng = landscape.space, np.random.default_rng(0)
    found = {}
    deepest = [one for one in landscape.architectures if space.encode(one)["depth"] == 3]
    start = space.encode(deepest[int(rng.integers(len(deepest)))])
    for kind in kinds:
        words = kind.words.removeprefix("swap ")
        name, _, rest = words.partition(" from ")
        if kind.kind != "swap" or name not in space.variables:
            continue
        old, _, new = rest.partition(" to ")
        choices = space.variables[name].choices
        ends = [space.decode(start | {name: choices.index(value)}) for value in (old, new)]
        found[kind] = landscape.function(ends[1]) - landscape.function(ends[0])
    return found
