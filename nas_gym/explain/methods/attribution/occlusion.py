"""What a network makes of the parts of examples that are codes: each is hidden by itself.

A kind of input is a line in `HIDING`: where its examples have parts, and how one is hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from nas_gym.explain.methods.attribution.score_drop import outputs_of, score_of
from nas_gym.tasks import CodedInputs, GraphInputs, Target, Task, TokenInputs

EXAMPLES = 64
"""Examples whose parts are hidden one by one."""
RANDOM = 5
"""Times that a random part of every example is hidden, to compare with."""


@dataclass(frozen=True)
class Hiding:
    """How parts of examples are hidden.

    Attributes:
        present: from examples (n, *shape) to where they have parts, bool (n, places).
        hidden: from examples, and a place for each, to the examples with that part hidden.
    """

    present: Callable[[np.ndarray], np.ndarray]
    hidden: Callable[[np.ndarray, np.ndarray], np.ndarray]


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


def occlusion(module: nn.Module, task: Task, seed: int) -> Occlusion | None:
    """Hide each part of some validation examples; None for inputs that nobody said how to hide parts of.

    Args:
        module: the network, float64.
        task: the data, codes.
        seed: seed of the choice of examples, and of random parts.
    """
    if task.coded is None or task.coded.kind not in HIDING:
        return None
    hiding = HIDING[task.coded.kind](task.coded)
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(len(task.x_validation))[:EXAMPLES])
    x, y = task.x_validation[rows].astype(np.float64), task.y_validation[rows]
    present = hiding.present(x)
    whole = outputs_of(module, x)
    effects = np.full(present.shape, np.nan)
    for place in range(present.shape[1]):
        there = np.flatnonzero(present[:, place])
        if len(there):
            less = outputs_of(module, hiding.hidden(x[there], np.full(len(there), place)))
            effects[there, place] = _loss(task.target, whole[there], less, y[there])
    kept = np.flatnonzero(present.any(axis=1))
    if not len(kept):
        return None
    rows, x, y, whole = rows[kept], x[kept], y[kept], whole[kept]
    effects, present = effects[kept], present[kept]
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


def _of_tokens(coded: CodedInputs) -> Hiding:
    """Hide a token by the code of what is unknown, the second of the vocabulary."""
    assert isinstance(coded, TokenInputs)

    def hidden(x: np.ndarray, places: np.ndarray) -> np.ndarray:
        copy = x.copy()
        copy[np.arange(len(x)), places] = 1
        return copy

    return Hiding(lambda x: x > 1, hidden)


def _of_graphs(coded: CodedInputs) -> Hiding:
    """Hide a node with its features and its edges."""
    assert isinstance(coded, GraphInputs)
    features = len(coded.features)

    def hidden(x: np.ndarray, places: np.ndarray) -> np.ndarray:
        copy, each = x.copy(), np.arange(len(x))
        copy[each, :, places] = 0
        copy[each, features + places] = 0
        return copy

    return Hiding(lambda x: x[:, 0] > 0, hidden)


HIDING: Mapping[str, Callable[[CodedInputs], Hiding]] = {"tokens": _of_tokens, "graph": _of_graphs}
"""By kind of input: how parts of its examples are hidden."""
