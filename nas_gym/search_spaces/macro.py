"""Chains of MobileNetV2 blocks, the space of NAS-Bench-Macro: one of three blocks in each of 8 layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nas_gym.errors import ConfigError
from nas_gym.networks import Network, NetworkBuilder, Shape
from nas_gym.search_spaces.base import KEEP, Edit
from nas_gym.search_spaces.description import Description, describe_chain
from nas_gym.search_spaces.drawing import Draft, Drawing
from nas_gym.search_spaces.options import grid_shape, names, whole
from nas_gym.search_spaces.product import ProductSpace
from nas_gym.search_spaces.sketch import Sketch, numbered_layers
from nas_gym.search_spaces.variables import Variable

BLOCKS = ("identity", "mb3_k3", "mb6_k5")
"""Those of NAS-Bench-Macro."""
EXPANSIONS = {
    "mb3_k3": (3, 3),
    "mb6_k3": (6, 3),
    "mb3_k5": (3, 5),
    "mb6_k5": (6, 5),
    "mb3_k3_se": (3, 3),
    "mb6_k3_se": (6, 3),
    "mb3_k5_se": (3, 5),
    "mb6_k5_se": (6, 5),
}
"""Of each inverted residual block: by how much it widens inside, and its kernel."""
KNOWN = ("identity", *EXPANSIONS)
SQUEEZED = 4
"""Channels inside a block for each number that squeeze and excitation weights them by, as in MobileNetV3."""
STAGES = (2, 3, 3)
"""Layers of each stage; the first of a stage halves the sides and doubles the channels."""
LAYERS = sum(STAGES)
STARTS = (0, 2, 5)
EXAMPLE = "22212202"


@dataclass(frozen=True, slots=True)
class Macro:
    """A chain; `blocks` holds the number, in the blocks of the space, of each layer's block."""

    blocks: tuple[int, ...]

    def __str__(self) -> str:
        return "".join(map(str, self.blocks))


class MacroSpace(ProductSpace[Macro]):
    """Chains of 8 layers with one of some blocks in each, over signals or images.

    Space and skeleton are those of NAS-Bench-Macro (Su et al. 2021, "Prioritized Architecture
    Sampling with Monto-Carlo Tree Search"). A block is ``identity``, or MobileNetV2's inverted
    residual (1x1 convolution that widens, depthwise convolution, 1x1 convolution, each with batch
    normalisation, relu after the first two, and a shortcut where shapes allow): ``mb3_k3`` widens 3
    times and has kernel 3, ``mb6_k5`` widens 6 times and has kernel 5. A block whose name ends in
    ``_se`` weights the channels after the depthwise convolution by squeeze and excitation, as
    MobileNetV3 does (Howard et al. 2019). Stages have 2, 3 and 3
    layers. The first layer of a stage halves the sides, rounding up, and doubles the channels; an
    ``identity`` there is a 1x1 convolution of stride 2 with batch normalisation.

    The skeleton: a stem (convolution of kernel 3, batch normalisation, relu), the layers, a 1x1
    convolution to `head` channels with batch normalisation and relu, global average pooling and a
    linear layer. With 32 channels and a head of 1,280 it has the parameters of the benchmark's
    CIFAR-10 networks, and its FLOPs at two for a multiply-add. Signals have the same with one side.

    Text: 8 digits, each the number of a block among those of the space: ``"22212202"``.

    Actions, in order: keep; swap (for each layer, each block: allowed where the layer has another).

    Observation: ``blocks``, MultiDiscrete([number of blocks] * 8).

    Variables: one for each layer.

    Args:
        input_shape: (channels, length) or (channels, height, width) of one example.
        outputs: number of values that a network gives for one example, such as one per class.
        channels: channels of the stem.
        head: channels before pooling.
        blocks: two to nine different ones of ``"identity"``, ``"mb3_k3"``, ``"mb6_k3"``, ``"mb3_k5"``,
            ``"mb6_k5"`` and the last four with ``_se``; by default those of NAS-Bench-Macro.

    Raises:
        NASGymError: for a bad option or the input shape of a table.
    """

    name = "macro"

    def __init__(
        self,
        input_shape: Shape,
        outputs: int,
        *,
        channels: int = 32,
        head: int = 1280,
        blocks: Sequence[str] = BLOCKS,
    ) -> None:
        self.input_shape = grid_shape("macro", input_shape)
        self.outputs = outputs
        self.channels = whole("channels of the macro space", channels)
        self.head = whole("head of the macro space", head)
        self.blocks = names("blocks of the macro space", "block", blocks, KNOWN)
        layers = range(1, LAYERS + 1)
        self.set_variables((Variable.at("layer", (layer,), self.blocks) for layer in layers), "blocks")
        self.actions = (
            KEEP,
            *(
                Edit("swap", f"swap layer {layer} to {block}", "layer", (layer,), block)
                for layer in layers
                for block in self.blocks
            ),
        )
        self.num_box_codes = 2 + len(self.blocks)
        self.num_link_codes = 1

    def config(self) -> dict[str, Any]:
        config = {"name": self.name, "channels": self.channels, "head": self.head}
        # The benchmark's blocks go without saying, as they did when there were no others.
        return config if self.blocks == BLOCKS else config | {"blocks": list(self.blocks)}

    def smallest(self) -> Macro:
        return Macro((0,) * LAYERS)

    def parse(self, text: str) -> Macro:
        digits = text.strip()
        known = "012345678"[: len(self.blocks)]
        if len(digits) != LAYERS or not set(digits) <= set(known):
            example = EXAMPLE if len(known) > 2 else EXAMPLE.replace("2", "1")
            raise ConfigError(
                f"architecture {text!r} is none of the macro space: write {LAYERS} digits of "
                f"{', '.join(known[:-1])} and {known[-1]}, like {example!r}"
            )
        return Macro(tuple(map(int, digits)))

    def edited(self, architecture: Macro, action: int) -> Macro | None:
        if action == 0:
            return architecture
        layer, block = divmod(action - 1, len(self.blocks))
        if architecture.blocks[layer] == block:
            return None
        return Macro((*architecture.blocks[:layer], block, *architecture.blocks[layer + 1 :]))

    def codes(self, architecture: Macro) -> Sequence[int]:
        return architecture.blocks

    def of_codes(self, codes: Sequence[int]) -> Macro:
        return Macro(tuple(codes))

    def sketch(self, architecture: Macro) -> Sketch:
        labels = tuple(self.blocks[block] for block in architecture.blocks)
        codes = tuple(2 + block for block in architecture.blocks)
        links = tuple((box, box + 1, "") for box in range(LAYERS + 1))
        kinds = (None, *architecture.blocks, None)
        boxes, layers = ("input", *labels, "output"), numbered_layers(labels)
        return Sketch(boxes, links, (0, *codes, 1), (0,) * len(links), kinds, layers)

    def drawing(self, architecture: Macro) -> Drawing:
        draft = Draft(self.sketch(architecture), self.describe(architecture).parts)
        draft.box(label="stem", words=f"a convolution of {self.channels} channels", layer="stem")
        for number in draft.layers:
            draft.box(number)
        return draft.end()

    def describe(self, architecture: Macro) -> Description:
        return describe_chain([_in_words(self.blocks[block]) for block in architecture.blocks])

    def members(self) -> dict[str, Macro]:
        """Return chains of MobileNets, as far as the space has their blocks, each of the most expansion.

        ``mobilenet_v2`` has kernel 3 in every layer (Sandler et al. 2018), of expansion 6 where there is
        such a block. ``mobilenet_v3`` has that in the first stage, and kernel 5 with squeeze and excitation
        in the others, as most of its layers there (Howard et al. 2019).
        """
        kernels, found = ("k3", "k5_se"), {}
        first, later = (
            next((f"mb{by}_{kernel}" for by in (6, 3) if f"mb{by}_{kernel}" in self.blocks), None)
            for kernel in kernels
        )
        if first is not None:
            found["mobilenet_v2"] = Macro((self.blocks.index(first),) * LAYERS)
            if later is not None:
                chosen = (first,) * STAGES[0] + (later,) * (LAYERS - STAGES[0])
                found["mobilenet_v3"] = Macro(tuple(map(self.blocks.index, chosen)))
        return found

    def isomorphism_class(self, architecture: Macro) -> str:
        """Return the text with the identities after the first layer of a stage moved to the stage's end.

        Those do nothing, so the network is the same; the benchmark trained one for each class.
        """
        if "identity" not in self.blocks:
            return str(architecture)
        nothing, text = str(self.blocks.index("identity")), ""
        for start, layers in zip(STARTS, STAGES, strict=True):
            stage = str(architecture)[start : start + layers]
            text += stage[0] + stage[1:].replace(nothing, "").ljust(layers - 1, nothing)
        return text

    def network(self, architecture: Macro) -> Network:
        builder = NetworkBuilder(self.input_shape)
        node = _conv_norm(builder, builder.input, self.channels, 3, relu=True, layer="stem")
        channels = self.channels
        for number, block in enumerate(architecture.blocks):
            stride = 2 if number in STARTS else 1
            channels *= stride
            name = self.blocks[block]
            node = _block(builder, node, name, channels, stride, f"{number + 1} {name}")
        node = _conv_norm(builder, node, self.head, 1, relu=True, layer="output")
        pooled = builder.global_avg_pool(node, layer="output")
        return builder.build(builder.linear(pooled, self.outputs, layer="output"))


def _in_words(block: str) -> str:
    if block == "identity":
        return "nothing"
    expansion, kernel = EXPANSIONS[block]
    weighted = " and squeeze and excitation" if block.endswith("_se") else ""
    return f"an inverted residual block of expansion {expansion} and width {kernel}{weighted}"


def _block(builder: NetworkBuilder, node: int, block: str, channels: int, stride: int, layer: str) -> int:
    inputs = builder.shape(node)[0]
    if block == "identity":
        if stride == 1:
            return node
        return _conv_norm(builder, node, channels, 1, stride=stride, layer=layer)
    expansion, kernel = EXPANSIONS[block]
    hidden = inputs * expansion
    inside = _conv_norm(builder, node, hidden, 1, relu=True, layer=layer)
    inside = _conv_norm(builder, inside, hidden, kernel, stride=stride, groups=hidden, relu=True, layer=layer)
    if block.endswith("_se"):
        inside = builder.squeeze_excitation(inside, max(1, hidden // SQUEEZED), layer=layer)
    inside = _conv_norm(builder, inside, channels, 1, layer=layer)
    return builder.add(inside, node, layer=layer) if stride == 1 else inside


def _conv_norm(
    builder: NetworkBuilder,
    node: int,
    channels: int,
    kernel: int,
    *,
    stride: int = 1,
    groups: int = 1,
    relu: bool = False,
    layer: str,
) -> int:
    node = builder.conv(node, channels, kernel, stride=stride, groups=groups, layer=layer)
    node = builder.batch_norm(node, layer=layer)
    return builder.activation(node, "relu", layer=layer) if relu else node
