"""Planning on a model of rewards: edits that are simulated, not evaluated (Dyna, Sutton 1991)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nas_gym.search_spaces import Architecture, SearchSpace
from nas_gym.traces import State, TabularPolicy

Judge = Callable[[Sequence[Architecture]], np.ndarray]
"""A number for each architecture, higher is better."""

PLANNED_EDITS = 3


def simulate(
    space: SearchSpace[Any],
    starts: Iterable[Architecture],
    judge: Judge,
    steps: int,
    edits: int,
    rng: np.random.Generator,
) -> dict[Architecture, float]:
    """Return what is met on simulated walks that take, from each start, the best of some edits over and over.

    Args:
        space: search space of the architectures.
        starts: where walks begin.
        judge: function that a walk climbs.
        steps: most edits of a walk.
        edits: edits drawn and judged at each step of a walk.
        rng: generator of the draws.

    Returns:
        Every architecture that was judged, with its judgement.
    """
    here = list(dict.fromkeys(starts))
    met = dict(zip(here, judge(here).tolist(), strict=True))
    for _ in range(steps):
        drawn = [_some(list(space.neighbours(each)), edits, rng) for each in here]
        fresh = list(dict.fromkeys(each for group in drawn for each in group if each not in met))
        if fresh:
            met.update(zip(fresh, judge(fresh).tolist(), strict=True))
        tops = [max((each, *group), key=met.__getitem__) for each, group in zip(here, drawn, strict=True)]
        here = list(dict.fromkeys(top for top, each in zip(tops, here, strict=True) if top != each))
        if not here:
            break
    return met


class PlannedPolicy:
    """Q-values of edits by planning on a model of rewards; nothing is planned until they are asked for.

    Q(s, a) = r(s') + gamma V(s'), the edit a leading from s to s' and r being what the model
    expects. V(s') is the return of the best plan found that makes up to `PLANNED_EDITS` more edits,
    each to the best neighbour, and stays there: a lower bound of the optimal value on the model.

    Args:
        space: search space, whose actions the columns are.
        expect: gives the score that the model, as it is then, expects of each architecture.
        gamma: discount, below 1.
        visited: the architectures whose Q-values `save` writes.
    """

    kind = "q_values"
    suffix = TabularPolicy.suffix

    def __init__(
        self, space: SearchSpace[Any], expect: Judge, gamma: float, visited: Callable[[], list[Architecture]]
    ) -> None:
        self._space, self._expect, self._gamma, self._visited = space, expect, gamma, visited

    def scores(self, states: Sequence[State], masks: np.ndarray) -> np.ndarray:
        architectures = [state.architecture for state in states]
        found = np.zeros(masks.shape)
        after = [
            {int(a): self._space.apply(s, int(a)) for a in np.flatnonzero(mask)}
            for s, mask in zip(architectures, masks, strict=True)
        ]
        values = self._values({s_next for edits in after for s_next in edits.values()})
        for row, edits in enumerate(after):
            for a, s_next in edits.items():
                found[row, a] = values[s_next]
        return found

    def save(self, path: Path) -> None:
        visited = self._visited()
        masks = np.array([self._space.mask(architecture) for architecture in visited])
        scores = self.scores([State(architecture) for architecture in visited], masks)
        table = {State(each).key: row for each, row in zip(visited, scores, strict=True)}
        TabularPolicy(self._space, table).save(path)

    def _values(self, architectures: set[Architecture]) -> dict[Architecture, float]:
        """Return r(s) + gamma V(s) of each architecture s."""
        first = sorted(architectures, key=str)
        expected: dict[Architecture, float] = {}
        self._learn(first, expected)
        here, earned, plans = list(first), np.zeros(len(first)), []
        for t in range(PLANNED_EDITS + 1):
            r = np.array([expected[each] for each in here])
            plans.append(earned + self._gamma**t * r / (1 - self._gamma))
            earned = earned + self._gamma**t * r
            if t == PLANNED_EDITS:
                break
            neighbours = {each: list(self._space.neighbours(each)) for each in set(here)}
            self._learn([one for group in neighbours.values() for one in group], expected)
            here = [max(neighbours[each] or [each], key=expected.__getitem__) for each in here]
        return dict(zip(first, np.max(plans, axis=0).tolist(), strict=True))

    def _learn(self, architectures: Sequence[Architecture], expected: dict[Architecture, float]) -> None:
        fresh = sorted({each for each in architectures if each not in expected}, key=str)
        if fresh:
            expected.update(zip(fresh, self._expect(fresh).tolist(), strict=True))


def _some(architectures: list[Architecture], count: int, rng: np.random.Generator) -> list[Architecture]:
    if len(architectures) <= count:
        return architectures
    return [architectures[number] for number in rng.choice(len(architectures), count, replace=False)]
