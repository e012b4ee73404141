"""Zen-score: how far a network with Gaussian weights spreads close inputs."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from nas_gym.evaluators.proxies.base import NoValueError, Proxy
from nas_gym.evaluators.proxies.probe import Arrays, Probe, by_place, run
from nas_gym.networks import GlobalAvgPool

STEP = 0.01
EXAMPLES = 32


class Zen(Proxy):
    """log E|f(x) - f(x + 0.01 e)|_1 + sum over batch norms of log sqrt(mean variance of their channels).

    Weights, inputs x and steps e are standard normal; f is what the last global pooling reads, or, without
    one, the last layer. Tokens x are drawn uniformly, and steps are of what their embeddings give (Lin et al.
    2021, "Zen-NAS: A Zero-Shot NAS for High-Performance Image Recognition").
    """

    name = "zen"
    needs = "weights"

    def value(self, probe: Probe) -> float:
        nodes = probe.network.nodes
        with torch.no_grad():
            arrays = probe.drawn_arrays(11, lambda _: 1.0)
            generator = probe.generator(12)
            x = probe.inputs(EXAMPLES, generator)
            values = run(probe.network, arrays, x)
            moved = _moved(probe, arrays, x, values, generator)
            feature = _feature(probe)
            difference = float((values[feature] - moved[feature]).abs().flatten(1).sum(1).mean())
            variances = [
                float(by_place(values[nodes[number].inputs[0]]).var(0, unbiased=False).mean())
                for number in probe.live
                if nodes[number].operation.normalises
            ]
        if difference <= 0 or not all(variance > 0 for variance in variances):
            raise NoValueError("close inputs lead to the same result")
        return math.log(difference) + sum(math.log(variance) / 2 for variance in variances)


def _moved(
    probe: Probe, arrays: Arrays, x: Tensor, values: Mapping[int, Tensor], generator: torch.Generator
) -> dict[int, Tensor]:
    """Return the results for x + `STEP` e, of tokens with the step at what their embeddings give."""
    if not probe.embeddings:
        return run(probe.network, arrays, x + STEP * probe.gaussian(x.shape, generator))
    shifts = {number: STEP * probe.gaussian(values[number].shape, generator) for number in probe.embeddings}
    return run(probe.network, arrays, x, shifts=shifts)


def _feature(probe: Probe) -> int:
    nodes = probe.network.nodes
    pools = [number for number in probe.live if isinstance(nodes[number].operation, GlobalAvgPool)]
    last = pools[-1] if pools else len(nodes) - 1
    return nodes[last].inputs[0]
