"""Convolutional networks: a chain of convolutions and pools with skip connections."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from nas_gym.errors import ConfigError, unknown
from nas_gym.networks import ACTIVATIONS, Network, Shape
from nas_gym.search_spaces.base import SearchSpace
from nas_gym.search_spaces.chain import chain_variables, layer_distance
from nas_gym.search_spaces.conv.architecture import POOLS, Conv, Layer, skip_pairs, swaps_between
from nas_gym.search_spaces.conv.edits import ConvEdits
from nas_gym.search_spaces.conv.indexing import ConvIndex
from nas_gym.search_spaces.conv.members import conv_shapes
from nas_gym.search_spaces.conv.network import conv_network
from nas_gym.search_spaces.conv.text import parse_conv
from nas_gym.search_spaces.description import Description, describe_chain
from nas_gym.search_spaces.drawing import Draft, Drawing
from nas_gym.search_spaces.options import distinct, grid_shape, names, whole, wholes
from nas_gym.search_spaces.sketch import Sketch, numbered_layers
from nas_gym.search_spaces.variables import Variable, by_name

if TYPE_CHECKING:
    from gymnasium import spaces

EXAMPLES = ("conv1", "conv3", "conv5", "conv7", "sep3", "sep5", "sep7", *POOLS)


class ConvSpace(SearchSpace[Conv]):
    """Chains of 1 to `max_layers` layers over signals or images, with skip connections.

    A layer is a convolution without bias (``conv3``: kernel 3), a separable one (``sep3``: kernel
    3 within each channel, then kernel 1 across them), each followed by batch normalisation and its
    activation, or a pool (kernel 3, stride 2: a side n becomes ceil(n / 2)) without channels and
    activation. Global average pooling and a linear layer follow the last.

    A skip i-j (0 <= i, i + 2 <= j <= depth; layer 0 is the input) adds the output of layer i to the
    output of layer j, after j's activation; what follows j sees the sum. Where the shapes differ, a
    1x1 convolution of stride 2^(pools in between) and batch normalisation project it, which always
    fits since every halving rounds up.

    A pool is impossible where the smallest side would already be 1, so an architecture has at most
    ceil(log2(smallest side)) pools; edits to more are masked and texts with more are refused.

    Text: ``"conv3-16-relu > max_pool > sep3-32-relu + skip 0-2 + skip 1-3"``, skips by target, then
    source.

    Actions, in order: keep; add a layer (for each gap after layer 0 to `max_layers` - 1, each
    choice); remove layer 1 to `max_layers`; swap the operation of a layer (for each layer, each
    operation), its channels, its activation; add a skip (by target, then source); remove a skip.
    The choices are, operation by operation, each (channels, activation) pair, activations
    outermost, and each pool alone.

    - Adding a layer renumbers the skips, each of which stays between the same two layers.
    - Removing a layer renumbers them too; a skip that touches the layer, or that has no layer left
      to skip, goes.
    - Swapping a pool for a convolution gives it the first channels and the first activation;
      swapping between convolutions keeps both.

    Observation: ``operations`` MultiDiscrete([1 + operations] * max_layers), ``channels`` and
    ``activations`` likewise, 0 = none; ``skips`` MultiBinary, one per possible skip by target, then
    source (left out where `max_layers` is 1).

    Variables: ``depth``, three per layer, and one per possible skip (no, yes); those beyond the
    depth and the channels and activation of a pool are ignored, and a pool that is one too many,
    counted from the input, becomes the first convolution of `operations` with the channels and the
    activation that its layer's variables name.

    Members: ``vgg``, ``resnet`` and ``alexnet``, where the options and the input have room for them
    (see `nas_gym.search_spaces.conv.members`).

    Args:
        input_shape: (channels, length) or (channels, height, width) of one example.
        outputs: number of values that a network gives for one example, such as one per class.
        max_layers: most layers.
        operations: the operations to choose from: ``conv`` or ``sep`` with an odd kernel, at least
            one of them, and ``max_pool``, ``avg_pool``.
        channels: the numbers of channels to choose from.
        activations: the activations to choose from, of `nas_gym.networks.ACTIVATIONS`.

    Raises:
        NASGymError: for a bad option or the input shape of a table.
    """

    name = "conv"

    def __init__(
        self,
        input_shape: Shape,
        outputs: int,
        *,
        max_layers: int = 6,
        operations: Sequence[str] = ("conv3", "conv5", "sep3", "max_pool", "avg_pool"),
        channels: Sequence[int] = (16, 32),
        activations: Sequence[str] = ("relu", "tanh"),
    ) -> None:
        self.input_shape = grid_shape("conv", input_shape)
        self.outputs = outputs
        self.max_layers = whole("max_layers of the conv space", max_layers)
        self.operations = _checked_operations(operations)
        self.channels = wholes("channels of the conv space", channels)
        self.activations = names(
            "activations of the conv space", "activation in the conv space", activations, ACTIVATIONS
        )
        self.max_pools = (min(self.input_shape[1:]) - 1).bit_length()
        self.choices = tuple(layer for operation in self.operations for layer in self._layers_of(operation))
        self.skips = skip_pairs(self.max_layers)
        self._by_text = {str(layer): layer for layer in self.choices}
        self._numbers = {layer: number for number, layer in enumerate(self.choices)}
        self._index = ConvIndex(self.choices, self.max_layers, self.max_pools)
        self._edits = ConvEdits(self.choices, self.max_layers, self.max_pools)
        self.actions = self._edits.actions
        self.size = self._index.size
        self.variables = by_name(self._list_variables())
        self.num_box_codes = 2 + len(self.choices)
        self.num_link_codes = 2

    def config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "max_layers": self.max_layers,
            "operations": list(self.operations),
            "channels": list(self.channels),
            "activations": list(self.activations),
        }

    def smallest(self) -> Conv:
        return Conv((self._first_convolution(),))

    def parse(self, text: str) -> Conv:
        architecture = parse_conv(text, self._by_text, self.max_layers)
        if architecture.pools > self.max_pools:
            raise ConfigError(
                f"architecture {text!r} has {architecture.pools} pools, an input of shape {self.input_shape} "
                f"has room for {self.max_pools}: remove pools"
            )
        return architecture

    def edited(self, architecture: Conv, action: int) -> Conv | None:
        return self._edits.edited(architecture, action)

    def index(self, architecture: Conv) -> int:
        return self._index.index(architecture)

    def architecture(self, index: int) -> Conv:
        return self._index.architecture(index)

    def encode(self, architecture: Conv) -> dict[str, int]:
        values = dict.fromkeys(self.variables, 0)
        values["depth"] = len(architecture.layers) - 1
        for number, layer in enumerate(architecture.layers, start=1):
            values[f"layer {number} operation"] = self.operations.index(layer.operation)
            if not layer.pools:
                values[f"layer {number} channels"] = self.channels.index(layer.channels)
                values[f"layer {number} activation"] = self.activations.index(layer.activation)
        for source, target in architecture.skips:
            values[f"skip {source}-{target}"] = 1
        return values

    def decode(self, values: Mapping[str, int]) -> Conv:
        """Return the architecture of an assignment, mended as the class says."""
        layers: list[Layer] = []
        for number in range(1, values["depth"] + 2):
            operation = self.operations[values[f"layer {number} operation"]]
            if operation in POOLS and sum(layer.pools for layer in layers) < self.max_pools:
                layers.append(Layer(operation))
                continue
            if operation in POOLS:
                operation = self._first_convolution().operation
            channels = self.channels[values[f"layer {number} channels"]]
            layers.append(Layer(operation, channels, self.activations[values[f"layer {number} activation"]]))
        pairs = skip_pairs(len(layers))
        return Conv(tuple(layers), frozenset(pair for pair in pairs if values[f"skip {pair[0]}-{pair[1]}"]))

    def active_variables(self, architecture: Conv) -> frozenset[str]:
        """Return the depth, those of the layers up to it (of pools the operation alone), and their skips."""
        active = {"depth"} | {
            f"skip {source}-{target}" for source, target in skip_pairs(len(architecture.layers))
        }
        for number, layer in enumerate(architecture.layers, start=1):
            aspects = ("operation",) if layer.pools else ("operation", "channels", "activation")
            active |= {f"layer {number} {aspect}" for aspect in aspects}
        return frozenset(active)

    def observe(self, architecture: Conv) -> dict[str, np.ndarray]:
        operations, channels, activations = np.zeros((3, self.max_layers), dtype=np.int64)
        for position, layer in enumerate(architecture.layers):
            operations[position] = 1 + self.operations.index(layer.operation)
            if not layer.pools:
                channels[position] = 1 + self.channels.index(layer.channels)
                activations[position] = 1 + self.activations.index(layer.activation)
        observation = {"operations": operations, "channels": channels, "activations": activations}
        if self.skips:
            observation["skips"] = np.array(
                [pair in architecture.skips for pair in self.skips], dtype=np.int8
            )
        return observation

    def sketch(self, architecture: Conv) -> Sketch:
        labels = tuple(str(layer) for layer in architecture.layers)
        codes = tuple(2 + self._numbers[layer] for layer in architecture.layers)
        chain = tuple((box, box + 1, "") for box in range(len(labels) + 1))
        skips = tuple((source, target, "skip") for source, target in architecture.ordered_skips)
        link_codes = (0,) * len(chain) + (1,) * len(skips)
        kinds = (None, *(self.operations.index(layer.operation) for layer in architecture.layers), None)
        boxes, layers = ("input", *labels, "output"), numbered_layers(labels)
        return Sketch(boxes, chain + skips, (0, *codes, 1), link_codes, kinds, layers)

    def drawing(self, architecture: Conv) -> Drawing:
        draft = Draft(self.sketch(architecture), self.describe(architecture).parts)
        for number in draft.layers:
            draft.box(number)
        for source, target in architecture.ordered_skips:
            draft.link(source, target, "sum")
        return draft.end()

    def describe(self, architecture: Conv) -> Description:
        return describe_chain([layer.words for layer in architecture.layers], architecture.ordered_skips)

    def least_edits(self, one: Conv, goal: Conv) -> int:
        """Return the edits that the layers need, and one for each skip more: an edit adds one at most."""
        layers = layer_distance(one.layers, goal.layers, swaps_between)
        return layers + max(0, len(goal.skips) - len(one.skips))

    def network(self, architecture: Conv) -> Network:
        return conv_network(architecture, self.input_shape, self.outputs)

    def members(self) -> dict[str, Conv]:
        return {
            name: shape
            for name, shape in conv_shapes(self.operations, self.channels, self.activations).items()
            if len(shape.layers) <= self.max_layers and shape.pools <= self.max_pools
        }

    def _layers_of(self, operation: str) -> list[Layer]:
        if operation in POOLS:
            return [Layer(operation)]
        return [
            Layer(operation, channels, activation)
            for activation in self.activations
            for channels in self.channels
        ]

    def _first_convolution(self) -> Layer:
        return next(layer for layer in self.choices if not layer.pools)

    def _list_variables(self) -> list[Variable]:
        aspects = {"operation": self.operations, "channels": self.channels, "activation": self.activations}
        skips = [Variable.at("skip", pair, ("no", "yes")) for pair in self.skips]
        return [*chain_variables(self.max_layers, aspects), *skips]

    @cached_property
    def observation_space(self) -> spaces.Dict:  # type: ignore[override]
        from gymnasium import spaces

        slots: dict[str, spaces.Space[Any]] = {
            name: spaces.MultiDiscrete([1 + len(options)] * self.max_layers)
            for name, options in (
                ("operations", self.operations),
                ("channels", self.channels),
                ("activations", self.activations),
            )
        }
        if self.skips:
            slots["skips"] = spaces.MultiBinary(len(self.skips))
        return spaces.Dict(slots)


def _checked_operations(operations: Sequence[str]) -> tuple[str, ...]:
    for operation in distinct("operations of the conv space", operations):
        odd = re.fullmatch(r"(conv|sep)([1-9]\d*[13579]|[13579])", str(operation))
        if operation not in POOLS and not odd:
            raise unknown("operation in the conv space (with any odd kernel)", operation, EXAMPLES)
    if set(operations) <= set(POOLS):
        raise ConfigError(
            f"operations of the conv space must have a convolution, not {list(operations)!r} only: "
            "add 'conv3'"
        )
    return tuple(operations)
