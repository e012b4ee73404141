"""The network of a transformer: a residual chain of blocks over a sequence, each normalised first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nas_gym.networks import Network, NetworkBuilder, Shape
from nas_gym.search_spaces.transformer.architecture import Block, Transformer, qkv_width
from nas_gym.search_spaces.transformer.front import Front


@dataclass(frozen=True, slots=True)
class Answers:
    """What is answered.

    Attributes:
        outputs: numbers for an example.
        positions: answers of an example, one at each position; 0 for one of the whole.
        causal: whether the answer at a position may only depend on what is before it and on itself.
        dropout: share of the values that is dropped behind each block in training.
    """

    outputs: int
    positions: int
    causal: bool
    dropout: float


def transformer_network(
    architecture: Transformer, input_shape: Shape, front: Front, answers: Answers
) -> Network:
    """Return the network of an architecture."""
    builder = NetworkBuilder(input_shape)
    node, mask = front.sequence(builder)
    # What is after the end comes later than all that is asked, so that a causal network needs no mask.
    hidden = None if answers.causal else mask
    for number, block in enumerate(architecture.blocks, start=1):
        if block.kind == "identity":
            continue
        build = _Builder(builder, f"{number} {block}", hidden, answers.causal)
        inside = builder.dropout(BUILDS[block.kind](build, node, block), answers.dropout, layer=build.layer)
        node = builder.add(node, inside, layer=build.layer)
    node = builder.channel_norm(node, "layer", layer="output")
    if answers.positions:
        names = answers.outputs // answers.positions
        logits = builder.conv(node, names, 1, bias=True, layer="output")
        return builder.build(builder.flatten(logits, layer="output"))
    if mask is None:
        pooled = builder.global_avg_pool(node, layer="output")
    else:
        pooled = builder.masked_mean(node, mask, layer="output")
    return builder.build(builder.linear(pooled, answers.outputs, layer="output"))


@dataclass(frozen=True, slots=True)
class _Builder:
    """Appends what blocks are made of.

    Attributes:
        builder: where to.
        layer: name of the block.
        mask: node of the mask; None where nothing is hidden.
        causal: whether nothing may depend on later positions.
    """

    builder: NetworkBuilder
    layer: str
    mask: int | None
    causal: bool

    def pointwise(self, node: int, channels: int) -> int:
        return self.builder.conv(node, channels, 1, bias=True, layer=self.layer)

    def depthwise(self, node: int, kernel: int) -> int:
        if self.causal:
            return self.builder.causal_depthwise(node, kernel, layer=self.layer)
        if self.mask is not None:
            node = self.builder.masked(node, self.mask, layer=self.layer)
        channels = self.builder.shape(node)[0]
        return self.builder.conv(node, channels, kernel, groups=channels, layer=self.layer)

    def attention(self, node: int, block: Block) -> int:
        """Multi-head attention; Primer's convolves queries, keys and values (So et al. 2021)."""
        chosen, width = block.chosen, self.builder.shape(node)[0]
        normal = self.builder.channel_norm(node, str(chosen["norm"]), layer=self.layer)
        parts = [self.pointwise(normal, width) for _ in range(3)]
        if kernel := qkv_width(str(chosen["qkv"])):
            parts = [self.depthwise(part, kernel) for part in parts]
        heads = int(chosen["heads"])
        mixed = self.builder.attention(
            parts[0], parts[1], parts[2], self.mask, heads=heads, causal=self.causal, layer=self.layer
        )
        return self.pointwise(mixed, width)

    def feedforward(self, node: int, block: Block) -> int:
        """Two layers at each position by itself."""
        chosen, width = block.chosen, self.builder.shape(node)[0]
        normal = self.builder.channel_norm(node, str(chosen["norm"]), layer=self.layer)
        inside = self.pointwise(normal, int(chosen["width"]))
        inside = self.builder.activation(inside, str(chosen["activation"]), layer=self.layer)
        return self.pointwise(inside, width)

    def convolution(self, node: int, block: Block) -> int:
        """A convolution within each channel, then one across them."""
        chosen, width = block.chosen, self.builder.shape(node)[0]
        normal = self.builder.channel_norm(node, str(chosen["norm"]), layer=self.layer)
        inside = self.pointwise(self.depthwise(normal, int(chosen["kernel"])), width)
        inside = self.builder.activation(inside, str(chosen["activation"]), layer=self.layer)
        return self.pointwise(inside, width)


BUILDS: dict[str, Callable[[_Builder, int, Block], int]] = {
    "attention": _Builder.attention,
    "feedforward": _Builder.feedforward,
    "convolution": _Builder.convolution,
}
