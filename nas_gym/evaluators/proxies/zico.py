"""ZiCo: how steady gradients are from batch to batch."""

from __future__ import annotations

import math

import torch

from nas_gym.evaluators.proxies.base import NoValueError, Proxy
from nas_gym.evaluators.proxies.probe import Probe


class ZiCo(Proxy):
    """The sum over layers of log sum(mean |g| / sd(g)), over the batches, of weights whose g differs.

    Source: Li et al. 2023, "ZiCo: Zero-shot NAS via Inverse Coefficient of Variation on Gradients"; the
    deviation is divided by the number of batches.
    """

    name = "zico"
    needs = "labels"
    reads = ("gradients", "second_gradients")

    def value(self, probe: Probe) -> float:
        assert probe.examples is not None
        if len(probe.examples.batches) < 2:
            raise NoValueError("the task has fewer training examples than two batches")
        total, layers = 0.0, 0
        for gradients in zip(probe.gradients, probe.second_gradients, strict=True):
            g = torch.stack(gradients).double()
            deviation = g.std(0, unbiased=False)
            differs = deviation > 0
            if differs.any():
                total += math.log(float((g.abs().mean(0)[differs] / deviation[differs]).sum()))
                layers += 1
        if not layers:
            raise NoValueError("its gradients are the same for all batches")
        return total
