"""Fisher: how much the loss depends on each channel."""

from __future__ import annotations

from nas_gym.evaluators.proxies.base import Proxy
from nas_gym.evaluators.proxies.probe import Probe


class Fisher(Proxy):
    """The sum over channels of half the mean over examples of (sum over places of a dL/da)^2.

    Channels are those of the results a of layers with weights (Turner et al. 2020, "BlockSwap:
    Fisher-guided Block Substitution for Network Compression on a Budget").
    """

    name = "fisher"
    needs = "labels"
    reads = ("layer_results", "layer_gradients")

    def value(self, probe: Probe) -> float:
        total = 0.0
        for result, gradient in zip(probe.layer_results, probe.layer_gradients, strict=True):
            product = result * gradient
            by_channel = product.flatten(2).sum(2) if product.dim() > 2 else product
            total += float(by_channel.square().mean(0).sum()) / 2
        return total
