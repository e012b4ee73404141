"""Whole networks of spaces for sequences and graphs: the padding of an example changes no answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from nas_gym.networks import NetworkModule
from nas_gym.search_spaces import SearchSpace, make_search_space
from tests.helpers.operations.graphs import random_graph

VOCABULARY, FEATURES, KINDS, NAMES, DRAWN = 9, 4, 3, 3, 12
TEXT, ANSWER = [3, 8, 1, 5], [2, 7, 4]
ROOMS = (len(TEXT) + 1, len(TEXT) + 7)
GRAPHS = {"node_features": FEATURES, "edge_kinds": KINDS}


def pairs(
    short: SearchSpace[Any], long: SearchSpace[Any]
) -> Iterator[tuple[str, NetworkModule, NetworkModule]]:
    """Yield architectures with their networks for examples without padding and with it, of equal weights."""
    rng = np.random.default_rng(0)
    for seed in range(DRAWN):
        architecture = long.sample(rng)
        modules = [NetworkModule(space.network(architecture)).eval() for space in (short, long)]
        generator = torch.Generator().manual_seed(seed)
        # Biases too, so that something stands where there is padding.
        state = {
            key: torch.empty_like(array).normal_(0, 0.3, generator=generator)
            for key, array in modules[1].state_dict().items()
        }
        for module in modules:
            module.load_state_dict(state)
        yield str(architecture), modules[0], modules[1]


def same(name: str, found: torch.Tensor, expected: torch.Tensor) -> None:
    assert expected.abs().max() > 1e-3, name  # else the answers would say nothing
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0, msg=lambda text: f"{name}: {text}")


def tokens(codes: list[int]) -> torch.Tensor:
    return torch.tensor([codes], dtype=torch.float32)


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("name", ["recurrent", "recurrent_cell"])
def test_a_short_text_is_answered_as_by_itself(name: str, room: int) -> None:
    spaces = [make_search_space({"name": name, "vocabulary": VOCABULARY}, (n,), 5) for n in (len(TEXT), room)]
    filled = tokens(TEXT + [0] * (room - len(TEXT)))
    for text, short, long in pairs(*spaces):
        same(text, long(filled), short(tokens(TEXT)))


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("name", ["recurrent", "recurrent_cell"])
def test_a_short_text_is_tagged_as_by_itself(name: str, causal: bool) -> None:
    room, own = ROOMS[-1], len(TEXT)
    spaces = [
        make_search_space(
            {"name": name, "vocabulary": VOCABULARY, "positions": n, "causal": causal}, (n,), n * NAMES
        )
        for n in (own, room)
    ]
    filled = tokens(TEXT + [0] * (room - own))
    for text, short, long in pairs(*spaces):
        same(text, long(filled).view(NAMES, room)[:, :own], short(tokens(TEXT)).view(NAMES, own))


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("encoder", ["gru", "lstm", "rnn", "both_ways", "transformer"])
def test_a_short_source_is_translated_as_by_itself(encoder: str, room: int) -> None:
    positions = len(ANSWER)
    options = {"vocabulary": VOCABULARY, "positions": positions, "encoders": [encoder], "widths": [8]}
    spaces = [
        make_search_space(
            {"name": "seq2seq", "lengths": [source, positions], **options},
            (source + positions,),
            NAMES * positions,
        )
        for source in (len(TEXT), room)
    ]
    filled = tokens([*TEXT, *[0] * (room - len(TEXT)), *ANSWER])
    for text, short, long in pairs(*spaces):
        same(text, long(filled), short(tokens(TEXT + ANSWER)))


@pytest.mark.parametrize("nodes", [1, 4])
@pytest.mark.parametrize("name", ["graph", "nasbench_graph"])
def test_a_small_graph_is_answered_as_by_itself(name: str, nodes: int) -> None:
    room = 9
    spaces = [make_search_space({"name": name, **GRAPHS}, (FEATURES + n, n), 5) for n in (nodes, room)]
    alone, padded = (
        torch.as_tensor(random_graph(np.random.default_rng(1), nodes, n, FEATURES, KINDS))[None]
        for n in (nodes, room)
    )
    for text, short, long in pairs(*spaces):
        same(text, long(padded), short(alone))
