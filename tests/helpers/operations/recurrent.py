"""Networks of recurrent layers and cells, and data of tokens."""

from __future__ import annotations

import torch

from nas_gym.networks import Network, NetworkBuilder
from nas_gym.training import TrainingData

CHANNELS, LENGTH = 3, 6


def recurrent_networks(length: int = LENGTH, size: int = 5) -> dict[str, Network]:
    """Two layers of each kind and form on a signal, whose first channel says where tokens are."""
    found = {}
    for kind in ("gru", "lstm", "rnn"):
        for form in ("", "reverse", "last", "last reverse"):
            builder = NetworkBuilder((CHANNELS, length))
            first = builder.recurrent(builder.input, kind, size, reverse="reverse" in form)
            node = builder.recurrent(first, kind, size, reverse="reverse" in form, last="last" in form)
            if "last" not in form:
                node = builder.global_avg_pool(builder.add(first, node))
            found[f"{kind} {form}".strip()] = builder.build(builder.linear(node, 10))
    builder = NetworkBuilder((CHANNELS, length))
    vector = builder.linear(builder.global_avg_pool(builder.input), 4)
    node = builder.recurrent(builder.spread(vector, length), "gru", size)
    found["spread"] = builder.build(builder.linear(builder.global_avg_pool(node), 10))
    return found | cell_networks(length, size)


def cell_networks(length: int, size: int) -> dict[str, Network]:
    """Cells whose nodes read each other in different ways, with and without several loose ends."""
    found = {}
    functions = ("tanh", "relu", "identity", "sigmoid")
    for name, previous in (("deep", (0, 1, 2, 3)), ("wide", (0, 0, 1, 0)), ("one node", (0,))):
        builder = NetworkBuilder((CHANNELS, length))
        node = builder.recurrent_cell(builder.input, size, (0,), ("tanh",))
        node = builder.recurrent_cell(node, size, previous, functions[: len(previous)], last=name == "wide")
        if name != "wide":
            node = builder.global_avg_pool(node)
        found[f"cell {name}"] = builder.build(builder.linear(node, 10))
    return found


def token_networks(size: int = 5) -> dict[str, Network]:
    """Layers of each kind on tokens, whose state stays where there are none."""
    found = {}
    for kind in ("gru", "lstm", "rnn"):
        for form in ("", "reverse", "last"):
            builder = NetworkBuilder((LENGTH,))
            mask = builder.padding_mask(builder.input)
            node = builder.embedding(builder.input, 4, codes=6)
            for last in (False, "last" in form):
                node = builder.recurrent(node, kind, size, mask=mask, last=last, reverse="reverse" in form)
            if "last" not in form:
                node = builder.masked_mean(node, mask)
            found[f"{kind} {form} of tokens"] = builder.build(builder.linear(node, 10))
    for last in (False, True):
        builder = NetworkBuilder((LENGTH,))
        mask = builder.padding_mask(builder.input)
        node = builder.embedding(builder.input, 4, codes=6)
        node = builder.recurrent_cell(
            node, size, (0, 0, 1), ("relu", "tanh", "sigmoid"), mask=mask, last=last
        )
        node = node if last else builder.masked_mean(node, mask)
        found[f"cell of tokens, last: {last}"] = builder.build(builder.linear(node, 10))
    return found


def token_data() -> TrainingData:
    """Codes, of which each example has at least one before its padding."""
    generator = torch.Generator().manual_seed(0)
    codes = torch.randint(1, 6, (90, LENGTH), generator=generator).float()
    counts = torch.randint(1, LENGTH + 1, (90, 1), generator=generator)
    x, y = codes * (torch.arange(LENGTH) < counts), torch.randint(0, 10, (90,), generator=generator)
    return TrainingData(x[:54], y[:54], x[54:], y[54:])
