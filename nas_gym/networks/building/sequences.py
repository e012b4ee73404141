"""Appending operations on sequences."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any

from nas_gym.errors import ConfigError
from nas_gym.networks.building.builder import Builder, Layer
from nas_gym.networks.operations.recurrent.cell import RecurrentCell
from nas_gym.networks.operations.recurrent.gru import GRU
from nas_gym.networks.operations.recurrent.lstm import LSTM
from nas_gym.networks.operations.recurrent.rnn import PlainRecurrent
from nas_gym.networks.operations.recurrent.spread import Spread
from nas_gym.networks.operations.sequences.as_sequence import AsSequence
from nas_gym.networks.operations.sequences.attention import Attention
from nas_gym.networks.operations.sequences.causal_depthwise import CausalDepthwise
from nas_gym.networks.operations.sequences.channel_norm import ChannelLayerNorm, RMSNorm
from nas_gym.networks.operations.sequences.embedding import Embedding
from nas_gym.networks.operations.sequences.masked import Masked
from nas_gym.networks.operations.sequences.masked_mean import MaskedMean
from nas_gym.networks.operations.sequences.padding_mask import PaddingMask
from nas_gym.networks.operations.sequences.positions import LearnedPositions, SinusoidalPositions

RECURRENT = {"gru": GRU(), "lstm": LSTM(), "rnn": PlainRecurrent()}
CHANNEL_NORMS = {"layer": ChannelLayerNorm(), "rms": RMSNorm()}
POSITIONS = {"sines": SinusoidalPositions(), "trained": LearnedPositions()}


class SequenceOperations(Builder):
    """Appends operations on sequences."""

    def embedding(self, node: int, size: int, *, codes: int, layer: Layer = "") -> int:
        """Append `size` trained numbers for each code, of codes below `codes`; 0 gives zeros."""
        return self.operation(Embedding(), node, size=index(size), codes=index(codes), layer=layer)

    def padding_mask(self, node: int, *, layer: Layer = "") -> int:
        """Append where a sequence of codes has tokens: (1, length), 1 or 0."""
        return self.operation(PaddingMask(), node, layer=layer)

    def masked(self, node: int, mask: int, *, layer: Layer = "") -> int:
        """Append a sequence with zeros where the mask, (1, length), is 0."""
        return self.operation(Masked(), node, mask, layer=layer)

    def masked_mean(self, node: int, mask: int, *, layer: Layer = "") -> int:
        """Append the mean of each channel where the mask, (1, length), is 1."""
        return self.operation(MaskedMean(), node, mask, layer=layer)

    def positions(self, node: int, kind: str, *, layer: Layer = "") -> int:
        """Append a sequence with what tells its positions apart added, ``"sines"`` or ``"trained"``."""
        return self.operation(POSITIONS[kind], node, layer=layer)

    def channel_norm(self, node: int, kind: str, *, layer: Layer = "") -> int:
        """Append a normalisation over the channels at each position, ``"layer"`` or ``"rms"``."""
        return self.operation(CHANNEL_NORMS[kind], node, layer=layer)

    def recurrent(
        self,
        node: int,
        kind: str,
        size: int,
        *,
        mask: int | None = None,
        last: bool = False,
        reverse: bool = False,
        layer: Layer = "",
    ) -> int:
        """Append a recurrent layer of `RECURRENT`, whose state stays where the mask has no tokens."""
        inputs = (node,) if mask is None else (node, mask)
        return self.operation(RECURRENT[kind], *inputs, size=size, last=last, reverse=reverse, layer=layer)

    def recurrent_cell(
        self,
        node: int,
        size: int,
        previous: Sequence[int],
        functions: Sequence[str],
        *,
        mask: int | None = None,
        last: bool = False,
        layer: Layer = "",
    ) -> int:
        """Append a recurrent cell, of which each node reads an earlier one and has a function."""
        inputs = (node,) if mask is None else (node, mask)
        nodes: dict[str, Any] = {"previous": tuple(map(int, previous)), "functions": tuple(functions)}
        return self.operation(
            RecurrentCell(), *inputs, size=size, last=last, reverse=False, **nodes, layer=layer
        )

    def spread(self, node: int, length: int, *, layer: Layer = "") -> int:
        """Append a vector at each of so many positions."""
        return self.operation(Spread(), node, length=length, layer=layer)

    def as_sequence(self, node: int, *, layer: Layer = "") -> int:
        """Lay the positions of an image in one row: (channels, positions)."""
        return self.operation(AsSequence(), node, layer=layer)

    def attention(
        self,
        q: int,
        k: int,
        v: int,
        mask: int | None = None,
        *,
        heads: int,
        causal: bool = False,
        layer: Layer = "",
    ) -> int:
        """Append attention of queries to keys and values, where the mask of the keys, (1, length), is 1.

        Raises:
            NASGymError: if the heads do not divide the channels.
        """
        if self.shape(q)[0] % heads or self.shape(v)[0] % heads:
            raise ConfigError(f"{heads} heads do not divide {self.shape(q)[0]} channels: pass a divisor")
        nodes = (q, k, v) if mask is None else (q, k, v, mask)
        options: dict[str, Any] = {"heads": index(heads), "causal": bool(causal), "keys": self.shape(k)[1]}
        return self.operation(Attention(), *nodes, layer=layer, **options)

    def causal_depthwise(self, node: int, kernel: int, *, layer: Layer = "") -> int:
        """Append a convolution of each channel by itself over a position and those before it."""
        return self.operation(CausalDepthwise(), node, kernel=index(kernel), layer=layer)
