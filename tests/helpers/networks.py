"""Data and networks that the tests of the engine share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from nas_gym.networks import ACTIVATIONS, GATES, Network, NetworkBuilder, Shape
from nas_gym.search_spaces import SearchSpace, make_search_space
from nas_gym.training import Member, Recipe, Trained, TrainingData, train

CONV = {"name": "conv", "max_layers": 4}
SPACES: dict[str, tuple[str | dict[str, object], Shape]] = {
    "mlp": ("mlp", (64,)),
    "conv on signals": (CONV, (1, 40)),
    "conv on images": (CONV, (1, 8, 8)),
    "cell on signals": ("cell", (1, 40)),
    "cell on images": ("cell", (1, 8, 8)),
}
RECIPE = Recipe(epochs=1, batch_size=64, learning_rate=0.01)


def make_data(
    shape: Shape, train_size: int = 150, validation_size: int = 70, classes: int = 10
) -> TrainingData:
    """Noisy class centres."""
    generator = torch.Generator().manual_seed(0)
    size = train_size + validation_size
    y = torch.randint(0, classes, (size,), generator=generator)
    x = torch.randn(classes, *shape, generator=generator)[y] + torch.randn(size, *shape, generator=generator)
    return TrainingData(x[:train_size], y[:train_size], x[train_size:], y[train_size:])


def make_space(name: str) -> SearchSpace:
    """A space of `SPACES`."""
    space, shape = SPACES[name]
    return make_search_space(space, shape, 10)


def random_members(space: SearchSpace, count: int, seed: int = 0) -> list[Member]:
    """Architectures drawn uniformly."""
    rng = np.random.default_rng(seed)
    return [Member(space.network(space.sample(rng)), 0) for _ in range(count)]


def trained(
    members: list[Member], data: TrainingData, recipe: Recipe = RECIPE, **options: object
) -> list[Trained]:
    """What training members gives, in their order, weights and step losses kept."""
    results: dict[int, Trained] = dict(
        train(members, data, recipe, weights=True, step_losses=True, **options)  # type: ignore[arg-type]
    )
    return [results[position] for position in range(len(members))]


TOKENS: dict[str, tuple[int, int, tuple[int, ...], bool]] = {
    "numbers": (5, 1, (), False),
    "numbers and an answer": (4, 1, (), True),
    "embedded numbers": (3, 2, (), False),
    "categories": (0, 1, (2, 3), True),
    "both": (1, 3, (2,), True),
}
"""Forms of tokens: numbers, features of each, features of each column of categories, and an answer."""


def operation_networks(shape: Shape) -> dict[str, Network]:
    """A small network around every operation and each of its forms."""
    networks: dict[str, Network] = {}

    def add(name: str, body: Callable[[NetworkBuilder, int], int]) -> None:
        builder = NetworkBuilder(shape)
        pooled = builder.global_avg_pool(body(builder, builder.conv(builder.input, 8, 3)))
        networks[name] = builder.build(builder.linear(pooled, 10))

    for kernel in (1, 3, 5, 7):
        for stride in (1, 2):
            add(f"conv {kernel}/{stride}", lambda b, x, k=kernel, s=stride: b.conv(x, 6, k, stride=s))
    add("conv 1/4", lambda b, x: b.conv(x, 6, 1, stride=4))
    add("conv with bias", lambda b, x: b.conv(x, 6, 3, bias=True))
    add("depthwise 3", lambda b, x: b.conv(x, 8, 3, groups=8))
    add("depthwise 5/2 with bias", lambda b, x: b.conv(x, 8, 5, groups=8, stride=2, bias=True))
    add("grouped", lambda b, x: b.conv(x, 6, 3, groups=2))
    add("separable", lambda b, x: b.conv(b.conv(x, 8, 3, groups=8), 6, 1))
    add("dilated_conv 3", lambda b, x: b.dilated_conv(x, 6, 3, dilation=2))
    add("dilated_conv 7", lambda b, x: b.dilated_conv(x, 8, 7, dilation=2, groups=2, bias=True))
    add("one channel", lambda b, x: b.conv(b.conv(x, 1, 3), 6, 3))
    add("batch_norm", lambda b, x: b.batch_norm(x))
    add("batch_norm of one channel", lambda b, x: b.batch_norm(b.conv(x, 1, 1)))
    for function in ACTIVATIONS:
        add(function, lambda b, x, f=function: b.activation(x, f))
        add(f"batch_norm {function}", lambda b, x, f=function: b.activation(b.batch_norm(x), f))
    for kind in ("max", "avg"):
        for kernel, stride in ((2, 2), (3, 1), (3, 2), (5, 1)):
            add(
                f"{kind}_pool {kernel}/{stride}",
                lambda b, x, t=kind, k=kernel, s=stride: b.pool(x, t, k, stride=s),
            )
    add("max_pool of relu", lambda b, x: b.pool(b.activation(x, "relu"), "max", stride=2))
    add("add", lambda b, x: b.add(x, b.activation(x, "tanh"), b.conv(x, 8, 1), b.activation(x, "silu")))
    add("concat", lambda b, x: b.concat(b.conv(x, 3, 3), x, b.pool(x, "max", 3, stride=1)))
    add("concat of unequal parts", lambda b, x: b.concat(b.conv(x, 3, 3), b.conv(x, 2, 1), x))
    add("concat of others", lambda b, x: b.concat(b.conv(x, 3, 3), x, b.conv(x, 2, 1)))
    add("truncate of what is read twice", lambda b, x: b.add(b.truncate(x, 5), b.conv(x, 5, 1)))
    add("concat of the same", lambda b, x: b.concat(x, x))
    add("truncate", lambda b, x: b.truncate(x, 5))
    add("squeeze_excitation", lambda b, x: b.squeeze_excitation(x, 3))
    for gate in GATES:
        add(gate, lambda b, x, g=gate: b.gated(x, g))
    add("glu of an odd number", lambda b, x: b.gated(b.activation(b.conv(x, 6, 1), "tanh"), "glu"))
    add("squeeze_excitation to one", lambda b, x: b.squeeze_excitation(b.activation(x, "relu"), 1))
    add("zero added", lambda b, x: b.add(b.zero(x, b.shape(x)), x))
    add("zero alone", lambda b, x: b.zero(x, b.shape(x)))
    add("conv of zero", lambda b, x: b.conv(b.zero(x, b.shape(x)), 6, 3))
    builder = NetworkBuilder(shape)
    hidden = builder.activation(builder.linear(builder.flatten(builder.input), 12), "relu")
    networks["flatten linear"] = builder.build(builder.linear(hidden, 10, bias=False))
    return networks


def table_networks(features: int, outputs: int = 10) -> dict[str, Network]:
    """A small network around every operation for tables, on the input and behind trained layers."""
    networks: dict[str, Network] = {}

    def add(name: str, body: Callable[[NetworkBuilder, int], int]) -> None:
        for place in ("input", "hidden"):
            builder = NetworkBuilder((features,))
            node = builder.input if place == "input" else builder.linear(builder.input, 6)
            networks[f"{name} of {place}"] = builder.build(builder.linear(body(builder, node), outputs))

    add("layer_norm", lambda b, x: b.layer_norm(x))
    add("dropout", lambda b, x: b.dropout(x, 0.3))
    add("dropout twice", lambda b, x: b.dropout(b.activation(b.dropout(x, 0.1), "tanh"), 0.5))
    add("dropout of relu", lambda b, x: b.add(x, b.dropout(b.activation(x, "relu"), 0.2)))
    add("select", lambda b, x: b.select(x, [4, 0, 1, 3]))
    add("category_embedding", lambda b, x: b.category_embedding(b.select(x, [1, 2, 3]), 2))
    add("category_embedding of one", lambda b, x: b.category_embedding(b.select(x, [1, 2]), 1))
    add("periodic", lambda b, x: b.periodic(x, 3))
    add("piecewise_linear", lambda b, x: b.piecewise_linear(x, 5))
    add("swiglu", lambda b, x: b.gated(b.select(x, [0, 1, 3, 5]), "swiglu"))
    for name, (numbers, each, categories, answer) in TOKENS.items():
        columns = {"numbers": numbers, "each": each, "categories": categories, "answer": answer}
        places = range(numbers * each + sum(categories))
        add(
            f"feature_tokens of {name}",
            lambda b, x, columns=columns, places=places: b.flatten(
                b.feature_tokens(b.select(x, places), 3, **columns)
            ),
        )
    add("piecewise_linear of two", lambda b, x: b.piecewise_linear(x, 2))
    return networks


def series_networks(channels: int, steps: int, outputs: int = 10) -> dict[str, Network]:
    """A small network around every operation for series, on the input and behind trained layers."""
    networks: dict[str, Network] = {}

    def add(name: str, body: Callable[[NetworkBuilder, int], int]) -> None:
        for place in ("input", "hidden"):
            builder = NetworkBuilder((channels, steps))
            node = builder.input if place == "input" else builder.conv(builder.input, channels, 1)
            networks[f"{name} of {place}"] = builder.build(
                builder.linear(builder.flatten(body(builder, node)), outputs)
            )

    def waves(builder: NetworkBuilder, node: int) -> int:
        weights = builder.linear(builder.flatten(node), 5 * channels)
        return builder.add(node, builder.basis(weights, "season", channels, steps, period=7))

    def powers(builder: NetworkBuilder, node: int) -> int:
        weights = builder.linear(builder.flatten(node), 3 * channels)
        return builder.basis(weights, "trend", channels, 4)

    def again(builder: NetworkBuilder, node: int) -> int:
        lines = builder.linear(builder.flatten(node), channels * steps)
        return builder.add(node, builder.as_signal(lines, channels))

    def wide(builder: NetworkBuilder, node: int) -> int:
        inner = builder.activation(builder.causal_conv(node, 4, 3, dilation=2), "relu")
        return builder.causal_conv(inner, 4, 3, dilation=steps)

    add("average", lambda b, x: b.moving_average(x, 5))
    add("remainder", lambda b, x: b.moving_average(x, 2 * steps + 1, remainder=True))
    add("waves", waves)
    add("powers", powers)
    add("as_signal", again)
    add("causal", lambda b, x: b.causal_conv(x, 3, 3))
    add("causal, wide", wide)
    add("causal, strided", lambda b, x: b.causal_conv(b.causal_conv(x, 3, 3, stride=2), 2, 1, stride=3))
    add("causal, strided and wide", lambda b, x: b.causal_conv(x, 2, 4, dilation=3, stride=2))
    return networks
