"""Proxies that sum over weights: of weights w, gradients g of the loss, or their products."""

from __future__ import annotations

from torch import Tensor

from nas_gym.evaluators.proxies.base import Proxy
from nas_gym.evaluators.proxies.probe import Probe


class Plain(Proxy):
    """sum(w g), with its sign (Abdelfattah et al. 2021, "Zero-Cost Proxies for Lightweight NAS")."""

    name = "plain"
    needs = "labels"
    reads = ("gradients",)

    def value(self, probe: Probe) -> float:
        return sum(float((w * g).sum()) for w, g in _pairs(probe))


class Snip(Proxy):
    """sum(|w g|) (Lee et al. 2019, "SNIP: Single-shot Network Pruning based on Connection Sensitivity")."""

    name = "snip"
    needs = "labels"
    reads = ("gradients",)

    def value(self, probe: Probe) -> float:
        return sum(float((w * g).abs().sum()) for w, g in _pairs(probe))


class GradNorm(Proxy):
    """The sum over layers of the Euclidean norm of g (Abdelfattah et al. 2021)."""

    name = "grad_norm"
    needs = "labels"
    reads = ("gradients",)

    def value(self, probe: Probe) -> float:
        return sum(float(g.norm()) for g in probe.gradients)


class L2Norm(Proxy):
    """The sum over layers of the Euclidean norm of w (Abdelfattah et al. 2021)."""

    name = "l2_norm"
    needs = "weights"

    def value(self, probe: Probe) -> float:
        return sum(float(w.norm()) for w in probe.detached_weights)


def _pairs(probe: Probe) -> list[tuple[Tensor, Tensor]]:
    """Return each weight with its gradient."""
    return list(zip(probe.detached_weights, probe.gradients, strict=True))
