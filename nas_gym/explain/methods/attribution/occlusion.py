"""What a network makes of the parts of examples: each is hidden by itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from nas_gym._clock import check_time
from nas_gym.explain.methods.attribution.hiding import Hiding
from nas_gym.explain.methods.attribution.score_drop import outputs_of, score_of
from nas_gym.tasks import Target, Task

EXAMPLES, FEWEST = 64, 12
"""Examples whose parts are hidden one by one; so few where a network is large."""
OPERATIONS = 1e10
"""Operations that hiding one kind of part may cost."""
AT_ONCE = 64
"""Examples with a part hidden that are made at once."""
RANDOM = 5
"""Times that a random part of every example is hidden, to compare with."""


@dataclass(frozen=True, eq=False)
class Occlusion:
    """What hiding parts of examples does.

    Attributes:
        rows: the examples, numbers in the validation part, int64 (n,).
        effects: how much less sure of its answer a network is without each part, in probability where answers
            are chances, else by how far the outputs move; float64 (n, places), NaN where there is no part.
        drop: the score that is lost with the part of the largest effect hidden in each of these examples.
        random: the same with a part at random, float64 (times,).
    """

    rows: np.ndarray
    effects: np.ndarray
    drop: float
    random: np.ndarray

    @property
    def confirmed(self) -> bool:
        """Whether the parts that rank first cost more than each of the random choices."""
        return bool(self.drop > self.random.max())

    def mean_effects(self, examples: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Return the mean effect of each place, float64 (places,), over the examples with a part there.

        Args:
            examples: which examples, numbers or bools along `rows`; by default all.

        Returns:
            The means, 0 where none of these examples has a part.
        """
        found = self.effects[examples]
        means: np.ndarray = np.nansum(found, axis=0) / np.maximum((~np.isnan(found)).sum(axis=0), 1)
        return means


def examples_for(flops: int, parts: int) -> int:
    """Return of how many examples the parts are hidden, for a network of so many operations."""
    return int(np.clip(OPERATIONS / max(1, flops * parts), FEWEST, EXAMPLES))


def occlusion(
    module: nn.Module, task: Task, hiding: Hiding, seed: int, examples: int = EXAMPLES
) -> Occlusion | None:
    """Hide each part of some validation examples; None where none of them has one.

    Args:
        module: the network, float64.
        task: the data.
        hiding: what its parts are, and how one is hidden.
        seed: seed of the choice of examples, and of random parts.
        examples: how many examples.
    """
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(len(task.x_validation))[:examples])
    x, y = task.x_validation[rows].astype(np.float64), task.y_validation[rows]
    present = hiding.present(x)
    kept = np.flatnonzero(present.any(axis=1))
    if not len(kept):
        return None
    rows, x, y, present = rows[kept], x[kept], y[kept], present[kept]
    whole = outputs_of(module, x)
    effects = np.full(present.shape, np.nan)
    each, places = np.nonzero(present)
    for start in range(0, len(each), AT_ONCE):
        check_time()
        some, of = each[start : start + AT_ONCE], places[start : start + AT_ONCE]
        less = outputs_of(module, hiding.hidden(x[some], of))
        effects[some, of] = _loss(task.target, whole[some], less, y[some])
    before = score_of(task.target, whole, y)

    def lost(places: np.ndarray) -> float:
        return before - score_of(task.target, outputs_of(module, hiding.hidden(x, places)), y)

    drop = lost(np.nanargmax(effects, axis=1))
    chances = present / present.sum(axis=1, keepdims=True)
    drawn = [
        np.array([rng.choice(len(row), p=row) for row in chances], dtype=np.int64) for _ in range(RANDOM)
    ]
    return Occlusion(rows, effects, drop, np.array([lost(places) for places in drawn]))


def _loss(target: Target, whole: np.ndarray, less: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return how much less sure a network is, or how far its outputs move, float64 (n,)."""
    if target.kind == "classes":
        before, after = (torch.tensor(each).softmax(1).numpy() for each in (whole, less))
        each = np.arange(len(whole))
        answers = before.argmax(axis=1)
        found: np.ndarray = before[each, answers] - after[each, answers]
        return found
    if target.kind == "tokens":
        names, positions = len(target.names), truth.shape[1]
        before, after = (
            torch.tensor(each).unflatten(1, (names, positions)).softmax(1).numpy() for each in (whole, less)
        )
        asked = truth >= 0
        right = np.where(asked, truth, 0)[:, None]
        change = np.take_along_axis(before - after, right, axis=1)[:, 0]
        return np.asarray((change * asked).sum(axis=1) / np.maximum(asked.sum(axis=1), 1))
    return np.asarray(np.abs(whole - less).mean(axis=1))
