"""An architecture in words that need no knowledge of the project."""

from __future__ import annotations

import re
from typing import Any

from nas_gym.explain.report.phrases import listed
from nas_gym.networks import ACTIVATIONS
from nas_gym.search_spaces import Architecture, ChoiceSpace, SearchSpace, Sketch

OPERATIONS = {
    "max_pool": "maximum pooling",
    "avg_pool": "average pooling",
    "identity": "nothing",
    "skip_connect": "a direct connection",
    "avg_pool_3x3": "an average over windows of 3",
    "nor_conv_1x1": "a convolution of width 1",
    "nor_conv_3x3": "a convolution of width 3",
}
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def describe(space: SearchSpace[Any], architecture: Architecture) -> str:
    """What a network is made of, a phrase: ``"a chain of two layers: first 64 tanh units, ..."``."""
    if isinstance(space, ChoiceSpace):
        choices = space.encode(architecture)  # type: ignore[arg-type]
        values = [f"{name} {space.variables[name][number]}" for name, number in choices.items()]
        return f"a network with {listed(values)}"
    sketch = space.sketch(architecture)
    wired = [link for link in sketch.links if link[2]]
    plain = len(sketch.boxes) - 1
    is_chain = len(sketch.links) - len([link for link in wired if link[2] == "skip"]) == plain
    if not is_chain or not sketch.boxes[1:-1]:
        return _graph(sketch)
    layers = [layer_words(label) for label in sketch.boxes[1:-1]]
    skips = [(source, target) for source, target, label in wired if label == "skip"]
    chain = f"a network of {_number(len(layers))} layer{'s' * (len(layers) > 1)}: {_in_order(layers)}"
    if not skips:
        return chain
    named = [f"from {_place(source)} to {_place(target)}" for source, target in skips]
    return f"{chain}; with {'a shortcut' if len(skips) == 1 else 'shortcuts'} {listed(named)}"


def _in_order(layers: list[str]) -> str:
    if len(layers) == 1:
        return layers[0]
    return f"{', then '.join(layers)}"


def _graph(sketch: Sketch) -> str:
    """A cell: an operation on each of its links."""
    if not sketch.links:
        return "a cell without any connection, so that its output is constant"
    boxes = [label.replace("input", "its input").replace("output", "its output") for label in sketch.boxes]
    parts = [f"{layer_words(label)} from {boxes[i]} to {boxes[j]}" for i, j, label in sketch.links]
    return f"a cell with {_number(len(parts))} connection{'s' * (len(parts) > 1)}: {listed(parts)}"


def layer_words(label: str) -> str:
    """A label of a sketch in words, without an article where it names a kind of layer alone."""
    if label in OPERATIONS:
        return OPERATIONS[label]
    convolution = re.fullmatch(r"(conv|sep)(\d+)-(\d+)-(\w+)", label)
    if convolution:
        kind, width, channels, activation = convolution.groups()
        name = "convolution" if kind == "conv" else "separable convolution"
        return f"a {name} of width {width} with {channels} channels and {_activation(activation)}"
    block = re.fullmatch(r"mb(\d+)_k(\d+)", label)
    if block:
        return f"an inverted residual block of expansion {block[1]} and width {block[2]}"
    units = re.fullmatch(r"(\w+)-(\d+)", label)
    if units and units[1] in ACTIVATIONS:
        return f"{units[2]} units with {_activation(units[1])}"
    return label.replace("_", " ")


def value_words(choice: str, value: str) -> str:
    """What an architecture has in a choice, by the names that a search space gives both."""
    if choice.endswith("activation"):
        return "none" if value == "identity" else value
    return OPERATIONS.get(value, value) if choice.startswith("edge") else value


def _activation(name: str) -> str:
    return "no activation" if name == "identity" else name.replace("_", " ")


def _place(number: int) -> str:
    return "the input" if number == 0 else f"layer {number}"


def _number(count: int) -> str:
    return NUMBERS[count] if count < len(NUMBERS) else str(count)
