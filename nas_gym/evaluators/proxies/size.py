"""Proxies by size: parameters and FLOPs, which every other proxy has to beat."""

from __future__ import annotations

from nas_gym.evaluators.proxies.base import Proxy
from nas_gym.evaluators.proxies.probe import Probe


class Params(Proxy):
    """The number of trainable parameters."""

    name = "params"
    needs = "network"

    def value(self, probe: Probe) -> float:
        return probe.network.parameters


class Flops(Proxy):
    """The floating-point operations of a forward pass of one example."""

    name = "flops"
    needs = "network"

    def value(self, probe: Probe) -> float:
        return probe.network.flops
