"""GraSP: how pruning would change the flow of gradients."""

from __future__ import annotations

import torch

from nas_gym.evaluators.proxies.base import NoValueError, Proxy
from nas_gym.evaluators.proxies.probe import NOTHING, Probe, gradients_of, run


class Grasp(Proxy):
    """-sum(w (H g)), with g the gradient of the loss and H its Hessian.

    Source: Wang, Zhang and Grosse 2020, "Picking Winning Tickets Before Training by Preserving Gradient
    Flow", in the sign of Abdelfattah et al. 2021; without their temperature.
    """

    name = "grasp"
    needs = "labels"

    def value(self, probe: Probe) -> float:
        assert probe.examples is not None
        x, y = probe.examples.batches[0]
        weights = probe.weights
        if not weights:
            raise NoValueError(NOTHING)
        outputs = run(probe.network, probe.arrays, x)[len(probe.network.nodes) - 1]
        first = torch.autograd.grad(probe.loss(outputs, y), weights, create_graph=True, allow_unused=True)
        used = [(w, g) for w, g in zip(weights, first, strict=True) if g is not None]
        # H g is the gradient of g.(g held fixed).
        product = sum(((g * g.detach()).sum() for _, g in used), torch.zeros((), device=probe.device))
        second = gradients_of(product, [w for w, _ in used])
        return -sum(float((w.detach() * hg).sum()) for (w, _), hg in zip(used, second, strict=True))
