"""Every search space of the catalogue: examples that fit it, and networks drawn from it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from typing import Any

import numpy as np
import pytest
import torch

from nas_gym.networks import Shape
from nas_gym.search_spaces import SearchSpace, make_search_space
from nas_gym.training import Member, TrainingData
from tests.helpers.operations.graphs import random_graph
from tests.search_spaces.conftest import CATALOGUE, OUTPUTS

Spec = dict[str, Any]

MORE: dict[str, tuple[Spec, Shape]] = {
    "recurrent on signals": ({"name": "recurrent", "max_layers": 2, "widths": [5, 8]}, (3, 6)),
    "recurrent, an answer at each position": (
        {"name": "recurrent", "vocabulary": 9, "positions": 5, "widths": [6], "max_layers": 2},
        (5,),
    ),
    "recurrent, the next token": (
        {"name": "recurrent", "vocabulary": 9, "positions": 5, "causal": True, "widths": [6]},
        (5,),
    ),
    "recurrent cell on tokens": ({"name": "recurrent_cell", "vocabulary": 9, "size": 6}, (7,)),
    "recurrent cell on signals": ({"name": "recurrent_cell", "nodes": 3, "size": 5}, (3, 6)),
    "transformer, a tag at each position": (
        {"name": "transformer", "vocabulary": 30, "positions": 5, "channels": 8, "max_layers": 2},
        (5,),
    ),
}
"""Forms of spaces that train in their own ways, beside those that the contract of spaces is checked on."""
EVERY = {**CATALOGUE, **MORE}
VALUES = ("mlp on a table", "conv on signals", "cell on images", "macro on signals", "forecaster")
"""Spaces, by the start of their names, whose networks answer with values."""


def each_form(*elsewhere: str) -> list[Any]:
    """Return the names of `EVERY` as parameters: the first of each space and kind of example is fast.

    Args:
        elsewhere: spaces that a fast test beside it has already.
    """
    seen = set()
    found = []
    for name, (spec, _) in EVERY.items():
        form = (spec["name"], "vocabulary" in spec, "positions" in spec, spec.get("causal"))
        fast = form not in seen and spec["name"] not in elsewhere and ":" not in spec["name"]
        seen.add(form)
        found.append(pytest.param(name, marks=() if fast else pytest.mark.slow))
    return found


def every_space(name: str) -> SearchSpace[Any]:
    """Return a space of `EVERY`."""
    spec, shape = EVERY[name]
    return make_search_space(spec, shape, OUTPUTS.get(name, 10))


def drawn_members(name: str, count: int, seed: int = 0) -> list[Member]:
    """Return the networks of architectures drawn uniformly."""
    space, rng = every_space(name), np.random.default_rng(seed)
    return [Member(space.network(space.sample(rng)), number) for number in range(count)]


def fitting_data(name: str, train_size: int = 54, validation_size: int = 20) -> TrainingData:
    """Return random examples and answers of the kind that a space of `EVERY` is for."""
    spec, shape = EVERY[name]
    rng = np.random.default_rng(0)
    size = train_size + validation_size
    x = torch.as_tensor(fitting_examples(spec, shape, size, rng))
    y, loss = _answers(name, spec, size, rng)
    return TrainingData(x[:train_size], y[:train_size], x[train_size:], y[train_size:], loss=loss)


def fitting_examples(
    spec: Mapping[str, Any], shape: Shape, size: int, rng: np.random.Generator
) -> np.ndarray:
    """Return random examples of the kind that a space is for, float32 (size, *shape)."""
    if "vocabulary" in spec:
        lengths = spec.get("lengths", shape)
        parts = [_codes(spec["vocabulary"], length, size, rng) for length in lengths]
        return np.concatenate(parts, axis=1).astype(np.float32)
    if "node_features" in spec:
        features, room = spec["node_features"], shape[1]
        counts = rng.integers(1, room + 1, size)
        kinds = spec.get("edge_kinds", 1)
        return np.stack([random_graph(rng, int(count), room, features, kinds) for count in counts])
    x = rng.standard_normal((size, *shape)).astype(np.float32)
    widths = spec.get("columns", ())
    for start, width in zip(accumulate(widths, initial=0), widths, strict=False):
        if width > 1:
            x[:, start : start + width] = np.eye(width)[rng.integers(0, width, size)]
    return x


def _codes(vocabulary: int, length: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """Return codes of tokens, of which each example has at least one before its padding."""
    codes = rng.integers(1, vocabulary, (size, length))
    return codes * (np.arange(length) < rng.integers(1, length + 1, (size, 1)))


def _answers(
    name: str, spec: Mapping[str, Any], size: int, rng: np.random.Generator
) -> tuple[torch.Tensor, str]:
    """Return answers and the loss that they are learned by."""
    outputs = OUTPUTS.get(name, 10)
    if "positions" in spec:
        positions = spec["positions"]
        y = _codes(outputs // positions + 1, positions, size, rng) - 1  # -1 behind the end of an answer
        return torch.as_tensor(y), f"token_cross_entropy/token_accuracy/{positions}"
    if name.startswith(VALUES):
        y = rng.standard_normal((size, outputs)).astype(np.float32)
        return torch.as_tensor(y), "squared"
    return torch.as_tensor(rng.integers(0, outputs, size)), "cross_entropy"
