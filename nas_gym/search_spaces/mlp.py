"""Multilayer perceptrons: a chain of hidden layers, each a width and an activation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from nas_gym.errors import ConfigError
from nas_gym.networks import ACTIVATIONS, Mixture, Network, NetworkBuilder, Shape, SharedLinear
from nas_gym.search_spaces.base import KEEP, SearchSpace
from nas_gym.search_spaces.chain import ChainNumbering, chain_edits, chain_variables, layer_distance
from nas_gym.search_spaces.description import Description, activation_words, describe_chain
from nas_gym.search_spaces.options import names, whole, wholes
from nas_gym.search_spaces.sketch import Sketch, numbered_layers
from nas_gym.search_spaces.variables import by_name

if TYPE_CHECKING:
    from gymnasium import spaces


@dataclass(frozen=True, slots=True)
class MLP:
    """A perceptron; `layers` holds (width, activation) from the input to the output."""

    layers: tuple[tuple[int, str], ...]

    def __str__(self) -> str:
        return " > ".join(map(_text, self.layers))


class MLPSpace(SearchSpace[MLP]):
    """Perceptrons of 1 to `max_layers` hidden layers; inputs of any shape are flattened.

    Actions, in order: keep; add a layer (for each gap after layer 0 to `max_layers` - 1, each
    choice); remove layer 1 to `max_layers`; swap the width of a layer; swap its activation.
    A choice is a (width, activation) pair, activations outermost.

    Observation: ``layers``, MultiDiscrete([1 + choices] * max_layers), 0 = no layer.

    Args:
        input_shape: shape of one example.
        outputs: number of values that a network gives for one example, such as one per class.
        max_layers: most hidden layers.
        widths: the widths to choose from.
        activations: the activations to choose from, of `nas_gym.networks.ACTIVATIONS`.

    Raises:
        NASGymError: for a bad option.
    """

    name = "mlp"

    def __init__(
        self,
        input_shape: Shape,
        outputs: int,
        *,
        max_layers: int = 4,
        widths: Sequence[int] = (16, 64),
        activations: Sequence[str] = ("relu", "sigmoid", "tanh", "identity"),
    ) -> None:
        self.input_shape = tuple(input_shape)
        self.outputs = outputs
        self.max_layers = whole("max_layers of the mlp space", max_layers)
        self.widths = wholes("widths of the mlp space", widths)
        self.activations = names(
            "activations of the mlp space", "activation in the mlp space", activations, ACTIVATIONS
        )
        self.choices = tuple((width, activation) for activation in self.activations for width in self.widths)
        self._numbers = {choice: number for number, choice in enumerate(self.choices)}
        aspects = {"width": self.widths, "activation": self.activations}
        labels = [_text(choice) for choice in self.choices]
        self.actions = (KEEP, *chain_edits(self.max_layers, labels, aspects))
        self._numbering = ChainNumbering(self.choices, self.max_layers)
        self.size = self._numbering.size
        self.variables = by_name(chain_variables(self.max_layers, aspects))
        self.num_box_codes = 2 + len(self.choices)
        self.num_link_codes = 1

    @cached_property
    def observation_space(self) -> spaces.Dict:  # type: ignore[override]
        from gymnasium import spaces

        nvec = [1 + len(self.choices)] * self.max_layers
        return spaces.Dict({"layers": spaces.MultiDiscrete(nvec)})

    def config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "max_layers": self.max_layers,
            "widths": list(self.widths),
            "activations": list(self.activations),
        }

    def smallest(self) -> MLP:
        return MLP((self.choices[0],))

    def parse(self, text: str) -> MLP:
        layers = tuple(self._parse_layer(part.strip(), text) for part in text.split(">"))
        if len(layers) > self.max_layers:
            raise ConfigError(
                f"architecture {text!r} has {len(layers)} layers, the mlp space at most {self.max_layers}: "
                "remove layers or raise max_layers"
            )
        return MLP(layers)

    def edited(self, architecture: MLP, action: int) -> MLP | None:
        edit = self.actions[action]
        layers = architecture.layers
        if edit.kind == "keep":
            return architecture
        if edit.kind == "add":
            position = edit.place[0] - 1
            if len(layers) == self.max_layers or position > len(layers):
                return None
            choice = self._parse_layer(edit.value, edit.value)
            return MLP((*layers[:position], choice, *layers[position:]))
        if edit.kind == "remove":
            position = edit.place[0]
            if len(layers) == 1 or position >= len(layers):
                return None
            return MLP((*layers[:position], *layers[position + 1 :]))
        position = edit.place[0] - 1
        if position >= len(layers):
            return None
        width, activation = layers[position]
        swapped = (int(edit.value), activation) if edit.aspect == "width" else (width, edit.value)
        if swapped == layers[position]:
            return None
        return MLP((*layers[:position], swapped, *layers[position + 1 :]))

    def index(self, architecture: MLP) -> int:
        return self._numbering.number(architecture.layers)

    def architecture(self, index: int) -> MLP:
        return MLP(self._numbering.layers(index))

    def encode(self, architecture: MLP) -> dict[str, int]:
        values = dict.fromkeys(self.variables, 0)
        values["depth"] = len(architecture.layers) - 1
        for layer, (width, activation) in enumerate(architecture.layers, start=1):
            values[f"layer {layer} width"] = self.widths.index(width)
            values[f"layer {layer} activation"] = self.activations.index(activation)
        return values

    def decode(self, values: Mapping[str, int]) -> MLP:
        """Return the architecture of an assignment; variables of layers beyond the depth are ignored."""
        return MLP(
            tuple(
                (
                    self.widths[values[f"layer {layer} width"]],
                    self.activations[values[f"layer {layer} activation"]],
                )
                for layer in range(1, values["depth"] + 2)
            )
        )

    def active_variables(self, architecture: MLP) -> frozenset[str]:
        """Return the depth and the variables of the layers up to it."""
        layers = range(1, len(architecture.layers) + 1)
        return frozenset(
            {"depth"} | {f"layer {layer} {aspect}" for layer in layers for aspect in ("width", "activation")}
        )

    def observe(self, architecture: MLP) -> dict[str, np.ndarray]:
        layers = np.zeros(self.max_layers, dtype=np.int64)
        layers[: len(architecture.layers)] = [1 + self._numbers[layer] for layer in architecture.layers]
        return {"layers": layers}

    def sketch(self, architecture: MLP) -> Sketch:
        labels = tuple(map(_text, architecture.layers))
        codes = tuple(2 + self._numbers[layer] for layer in architecture.layers)
        links = tuple((box, box + 1, "") for box in range(len(labels) + 1))
        kinds = (None, *(self.activations.index(activation) for _, activation in architecture.layers), None)
        boxes, layers = ("input", *labels, "output"), numbered_layers(labels)
        return Sketch(boxes, links, (0, *codes, 1), (0,) * len(links), kinds, layers)

    def describe(self, architecture: MLP) -> Description:
        return describe_chain(
            [
                f"{width} units with {activation_words(activation)}"
                for width, activation in architecture.layers
            ]
        )

    def least_edits(self, one: MLP, goal: MLP) -> int:
        return layer_distance(one.layers, goal.layers, _swaps)

    def edit_distance(self, one: MLP, other: MLP, most: int) -> int:
        # The order of edits that keeps the depth in range always exists: remove, swap, then add.
        return min(self.least_edits(one, other), most + 1)

    def network(self, architecture: MLP) -> Network:
        builder = NetworkBuilder(self.input_shape)
        node = builder.flatten(builder.input)
        for number, (width, activation) in enumerate(architecture.layers, start=1):
            layer = f"{number} {_text((width, activation))}"
            node = builder.activation(builder.linear(node, width, layer=layer), activation, layer=layer)
        return builder.build(builder.linear(node, self.outputs, layer="output"))

    def mixture(self, partial: int = 1) -> Network:
        """Return the network of all perceptrons of `max_layers` layers.

        Where there are several widths, a layer is the weighted sum of its candidates, each filled up with
        zeros to the widest, which the next layer reads (Wan et al. 2020, "FBNetV2: Differentiable Neural
        Architecture Search for Spatial and Channel Dimensions"). They share one matrix by its first rows,
        and an activation sees the units of its own width alone.

        Raises:
            NASGymError: if `partial` is not 1.
        """
        if partial != 1 or len(self.widths) == 1:
            return super().mixture(partial)
        builder = NetworkBuilder(self.input_shape)
        node = builder.flatten(builder.input)
        for number in range(1, self.max_layers + 1):
            node = self._mixed_layer(builder, node, number)
        return builder.build(_shared_linear(builder, node, self.outputs, self.outputs, "output"))

    def _mixed_layer(self, builder: NetworkBuilder, node: int, number: int) -> int:
        """Append the candidates of a layer, by width and activation; return the number of their mixture."""
        layer, rows = str(number), max(self.widths)
        # The widest first, since the others are then its first units and cost nothing more.
        linear = {
            width: _shared_linear(builder, node, width, rows, layer)
            for width in sorted(self.widths, reverse=True)
        }
        by_width = []
        for width in self.widths:
            active = [
                builder.activation(linear[width], function, layer=layer) for function in self.activations
            ]
            by_width.append(_mixed(builder, active, f"layer {number} activation", layer))
        return _mixed(builder, by_width, f"layer {number} width", layer)

    def _parse_layer(self, part: str, text: str) -> tuple[int, str]:
        activation, _, width = part.rpartition("-")
        if width.isdecimal() and (int(width), activation) in self._numbers:
            return int(width), activation
        known = [_text(choice) for choice in self.choices]
        raise ConfigError(
            f"architecture {text!r} has no valid layer {part!r}: write layers like {known[0]!r} "
            f"joined by ' > ', each of: {', '.join(known)}"
        )


def _shared_linear(builder: NetworkBuilder, node: int, width: int, rows: int, layer: str) -> int:
    """Append a layer of the first `width` of so many rows; return its number."""
    return builder.operation(SharedLinear(), node, shape=(width,), layer=layer, bias=True, rows=rows)


def _mixed(builder: NetworkBuilder, ends: Sequence[int], variable: str, layer: str) -> int:
    """Append a mixture of candidates; of a single one, return it."""
    return ends[0] if len(ends) == 1 else builder.operation(Mixture(), *ends, variable=variable, layer=layer)


def _text(layer: tuple[int, str]) -> str:
    width, activation = layer
    return f"{activation}-{width}"


def _swaps(layer: tuple[int, str], other: tuple[int, str]) -> int:
    """Return how many swaps make a layer another one."""
    return (layer[0] != other[0]) + (layer[1] != other[1])
