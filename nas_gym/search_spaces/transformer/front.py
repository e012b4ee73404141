"""How examples become a sequence: letters, patches of an image, frames of a signal."""

from __future__ import annotations

from dataclasses import dataclass

from nas_gym.errors import ConfigError
from nas_gym.networks import NetworkBuilder, Shape

MOST_POSITIONS = 50
"""Positions that images and signals are cut down to, unless a stride is given."""
LARGEST_STEP = 4
LAYER = "stem"


@dataclass(frozen=True, slots=True)
class Front:
    """How a sequence is made.

    Attributes:
        width: channels of the sequence.
        codes: codes of tokens, with the padding; None for signals and images.
        stride: what a position spans on each side of a signal or an image, a power of 2.
        positions: what tells positions apart, ``"sines"`` or ``"trained"``.
    """

    width: int
    codes: int | None
    stride: int
    positions: str

    def words(self, input_shape: Shape) -> str:
        """Return what the positions of the sequence are."""
        if self.codes is not None:
            return "embedding of tokens"
        return "patches" if len(input_shape) == 3 else "frames"

    def sequence(self, builder: NetworkBuilder) -> tuple[int, int | None]:
        """Append what makes the sequence; return its node, and that of its mask, None without padding."""
        mask = None
        if self.codes is not None:
            mask = builder.padding_mask(builder.input, layer=LAYER)
            node = builder.embedding(builder.input, self.width, codes=self.codes, layer=LAYER)
        elif len(builder.shape(builder.input)) == 3:
            node = self._patches(builder)
        else:
            node = self._frames(builder)
        return builder.positions(node, self.positions, layer=LAYER), mask

    def _patches(self, builder: NetworkBuilder) -> int:
        """Append patches that overlap by a pixel, in rows (Dosovitskiy et al. 2021; Xiao et al. 2021)."""
        kernel = self.stride + 1 if self.stride > 1 else 3
        node = builder.conv(builder.input, self.width, kernel, stride=self.stride, bias=True, layer=LAYER)
        return builder.as_sequence(node, layer=LAYER)

    def _frames(self, builder: NetworkBuilder) -> int:
        """Append convolutions that shorten a signal step by step, as in wav2vec 2.0 (Baevski et al. 2020)."""
        node, left = builder.input, self.stride
        while True:
            step = min(left, LARGEST_STEP)
            kernel = step + 1 if step > 1 else 3
            node = builder.conv(node, self.width, kernel, stride=step, bias=True, layer=LAYER)
            left //= step
            if left == 1:
                return node
            node = builder.channel_norm(node, "layer", layer=LAYER)
            node = builder.activation(node, "gelu", layer=LAYER)


def stride_of(given: int | None, input_shape: Shape) -> int:
    """Return the stride of signals or images; by default the least that leaves few enough positions.

    Raises:
        NASGymError: for a stride that is no power of 2 or larger than a side.
    """
    sides = input_shape[1:]
    if given is None:
        stride = 1
        while _positions(sides, stride) > MOST_POSITIONS:
            stride *= 2
        return stride
    if not isinstance(given, int) or given < 1 or given & (given - 1) or given > max(sides):
        raise ConfigError(
            f"stride of the transformer space must be a power of 2 of at most {max(sides)}, not {given!r}"
        )
    return given


def _positions(sides: Shape, stride: int) -> int:
    count = 1
    for side in sides:
        count *= -(-side // stride)
    return count
