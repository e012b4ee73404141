"""Appending operations on signals, images and series."""

from __future__ import annotations

from operator import index
from typing import Any

from nas_gym.networks.building.builder import Builder, Layer
from nas_gym.networks.operations.batch_norm import BatchNorm
from nas_gym.networks.operations.conv import Conv
from nas_gym.networks.operations.dilated_conv import DilatedConv
from nas_gym.networks.operations.global_avg_pool import GlobalAvgPool
from nas_gym.networks.operations.log_mel import LogMel
from nas_gym.networks.operations.pool import AvgPool, MaxPool
from nas_gym.networks.operations.series.as_signal import AsSignal
from nas_gym.networks.operations.series.basis import Basis
from nas_gym.networks.operations.series.causal_conv import CausalConv
from nas_gym.networks.operations.series.moving_average import MovingAverage
from nas_gym.networks.operations.squeeze_excitation import SqueezeExcitation

POOLS = {"max": MaxPool(), "avg": AvgPool()}


class SignalOperations(Builder):
    """Appends operations on signals, images and series."""

    def conv(
        self,
        node: int,
        channels: int,
        kernel: int,
        *,
        stride: int = 1,
        groups: int = 1,
        bias: bool = False,
        layer: Layer = "",
    ) -> int:
        """Append a convolution over every side of its input, with padding ``kernel // 2``."""
        shape = Conv().output_shape(self.shape(node), channels, stride)
        sizes = {"kernel": index(kernel), "stride": index(stride), "groups": index(groups)}
        return self._append(Conv(), (node,), shape, **sizes, bias=bias, layer=layer)

    def dilated_conv(
        self,
        node: int,
        channels: int,
        kernel: int,
        *,
        dilation: int,
        groups: int = 1,
        bias: bool = False,
        layer: Layer = "",
    ) -> int:
        """Append a convolution of stride 1 that reads every `dilation`-th position; of 1, a `conv`."""
        if dilation == 1:
            return self.conv(node, channels, kernel, groups=groups, bias=bias, layer=layer)
        shape = DilatedConv().output_shape(self.shape(node), channels, 1)
        sizes = {"kernel": index(kernel), "groups": index(groups)}
        options = (("dilation", index(dilation)),)
        return self._append(DilatedConv(), (node,), shape, **sizes, bias=bias, layer=layer, options=options)

    def log_mel(self, node: int, bands: int, *, window: int, hop: int, rate: int, layer: Layer = "") -> int:
        """Append the log-mel frames of raw samples (1, samples), of so many samples a second."""
        return self.operation(LogMel(), node, bands=bands, window=window, hop=hop, rate=rate, layer=layer)

    def batch_norm(self, node: int, *, layer: Layer = "") -> int:
        """Append a batch normalisation per channel."""
        return self._append(BatchNorm(), (node,), self.shape(node), layer=layer)

    def pool(self, node: int, kind: str, kernel: int = 3, *, stride: int, layer: Layer = "") -> int:
        """Append pooling of kind ``"max"`` or ``"avg"``, of an odd kernel or of kernel 2 with stride 2."""
        pool = POOLS[kind]
        shape = pool.output_shape(self.shape(node), stride)
        return self._append(pool, (node,), shape, kernel=index(kernel), stride=index(stride), layer=layer)

    def global_avg_pool(self, node: int, *, layer: Layer = "") -> int:
        """Append the mean of every channel."""
        shape = GlobalAvgPool().output_shape(self.shape(node))
        return self._append(GlobalAvgPool(), (node,), shape, layer=layer)

    def squeeze_excitation(self, node: int, squeezed: int, *, layer: Layer = "") -> int:
        """Append weights of the channels, computed from their means by way of `squeezed` numbers."""
        return self.operation(SqueezeExcitation(), node, squeezed=index(squeezed), layer=layer)

    def moving_average(self, node: int, kernel: int, *, remainder: bool = False, layer: Layer = "") -> int:
        """Append the mean of an odd number of steps around each step, or what it leaves."""
        return self.operation(MovingAverage(), node, kernel=kernel, remainder=remainder, layer=layer)

    def basis(
        self, node: int, of: str, channels: int, steps: int, *, period: int = 1, layer: Layer = ""
    ) -> int:
        """Append sums of functions of time, ``"trend"`` or ``"season"``, whose weights `node` gives."""
        return self.operation(
            Basis(), node, of=of, channels=channels, steps=steps, period=period, layer=layer
        )

    def causal_conv(
        self, node: int, channels: int, kernel: int, *, dilation: int = 1, stride: int = 1, layer: Layer = ""
    ) -> int:
        """Append a convolution over steps that have been, each `dilation` before the next."""
        sizes: dict[str, Any] = {"kernel": kernel, "dilation": dilation, "stride": stride}
        return self.operation(CausalConv(), node, channels=channels, **sizes, layer=layer)

    def as_signal(self, node: int, channels: int, *, layer: Layer = "") -> int:
        """Append the numbers of a row as so many channels over time."""
        return self.operation(AsSignal(), node, channels=channels, layer=layer)
