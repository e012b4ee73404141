"""SynFlow: how strong the paths through a network are, without any data."""

from __future__ import annotations

import math

import torch

from nas_gym.evaluators.proxies.base import NoValueError, Proxy
from nas_gym.evaluators.proxies.probe import Arrays, Probe, gradients_of, run


class Synflow(Proxy):
    """log sum(|w| dR/d|w|), where R sums the outputs of the network with weights |w| for ones as input.

    Normalisations are left out, as are activations, which change nothing of positive numbers where they
    are relu, and biases. In float64: sums reach 1e61 (Tanaka et al. 2020, "Pruning neural networks without
    any data by iteratively conserving synaptic flow").
    """

    name = "synflow"
    needs = "weights"

    def value(self, probe: Probe) -> float:
        arrays: Arrays = [
            {name: torch.zeros_like(array, dtype=torch.float64) for name, array in each.items()}
            for each in probe.arrays
        ]
        weights = []
        for number, name in probe.places:
            weights.append(probe.arrays[number][name].detach().double().abs().requires_grad_(True))
            arrays[number][name] = weights[-1]
        ones = torch.ones((1, *probe.network.input_shape), dtype=torch.float64, device=probe.device)
        flow = run(probe.network, arrays, ones, linear=True)[len(probe.network.nodes) - 1].sum()
        total = sum(
            float((w.detach() * g).sum()) for w, g in zip(weights, gradients_of(flow, weights), strict=True)
        )
        if total <= 0:
            raise NoValueError("its weights have no positive sum, as where nothing flows or gates saturate")
        return math.log(total)
