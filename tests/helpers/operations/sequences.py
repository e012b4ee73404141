"""Networks around the operations on sequences, and data of codes."""

from __future__ import annotations

from collections.abc import Callable

import torch

from nas_gym.networks import Network, NetworkBuilder
from nas_gym.training import TrainingData

CODES = 9


def sequence_networks(length: int, outputs: int = 10) -> dict[str, Network]:
    """A small network around every operation on sequences and each of its forms."""
    networks: dict[str, Network] = {}

    def add(name: str, body: Callable[[NetworkBuilder, int, int], int]) -> None:
        builder = NetworkBuilder((length,))
        mask = builder.padding_mask(builder.input)
        node = body(builder, builder.embedding(builder.input, 6, codes=CODES), mask)
        if len(builder.shape(node)) > 1:
            node = builder.global_avg_pool(node)
        networks[name] = builder.build(builder.linear(node, outputs))

    def attended(b: NetworkBuilder, x: int, mask: int | None, heads: int, *, causal: bool = False) -> int:
        q, k, v = b.conv(x, 6, 1), b.conv(x, 6, 1, bias=True), b.conv(x, 4 * heads, 1)
        return b.attention(q, k, v, mask, heads=heads, causal=causal)

    add("embedding", lambda b, x, m: x)
    add("masked", lambda b, x, m: b.masked(b.conv(x, 5, 1), m))
    add("masked twice", lambda b, x, m: b.add(x, b.masked(x, m), b.masked(b.activation(x, "tanh"), m)))
    add("masked_mean", lambda b, x, m: b.masked_mean(x, m))
    for kind in ("sines", "trained"):
        add(f"positions {kind}", lambda b, x, m, k=kind: b.positions(x, k))
    for kind in ("layer", "rms"):
        add(f"norm {kind}", lambda b, x, m, k=kind: b.channel_norm(b.conv(x, 5, 3), k))
        add(f"norm {kind} of what is read twice", lambda b, x, m, k=kind: b.add(x, b.channel_norm(x, k)))
    add("causal_depthwise", lambda b, x, m: b.causal_depthwise(x, 3))
    add("attention", lambda b, x, m: attended(b, x, None, 1))
    add("attention with a mask", lambda b, x, m: attended(b, x, m, 2))
    add("causal attention", lambda b, x, m: attended(b, x, None, 3, causal=True))
    add("causal attention with a mask", lambda b, x, m: attended(b, x, m, 2, causal=True))
    add("attention to itself", lambda b, x, m: b.attention(x, x, x, m, heads=2))
    return networks


def crossing_network(length: int, outputs: int = 10) -> Network:
    """Attention of the second part of a sequence to the first."""
    builder = NetworkBuilder((length,))
    parts = builder.select(builder.input, range(4)), builder.select(builder.input, range(4, length))
    source, target = (builder.embedding(part, 6, codes=CODES) for part in parts)
    mixed = builder.attention(target, source, source, builder.padding_mask(parts[0]), heads=2)
    return builder.build(builder.linear(builder.masked_mean(mixed, builder.padding_mask(parts[1])), outputs))


def code_data(
    length: int, train_size: int = 70, validation_size: int = 40, classes: int = 10
) -> TrainingData:
    """Texts of different lengths, the class in how often each code is there."""
    generator = torch.Generator().manual_seed(0)
    size = train_size + validation_size
    x = torch.randint(1, CODES, (size, length), generator=generator)
    lengths = torch.randint(1, length + 1, (size, 1), generator=generator)
    x[torch.arange(length) >= lengths] = 0
    y = (x.sum(1) % classes).long()
    x = x.float()
    return TrainingData(x[:train_size], y[:train_size], x[train_size:], y[train_size:])
