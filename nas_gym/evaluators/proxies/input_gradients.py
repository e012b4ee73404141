"""Proxies by how alike the gradients by different examples are: the less, the better they are told apart."""

from __future__ import annotations

import numpy as np

from nas_gym.evaluators.proxies.base import NoValueError, Proxy
from nas_gym.evaluators.proxies.probe import Probe

K = 1e-5
CONSTANT = "the gradient by an example is the same number for all its features"


class Jacov(Proxy):
    """-sum(log(v + k) + 1 / (v + k)) over the eigenvalues v of the correlations between gradients, k = 1e-5.

    Each gradient is that of the sum of the outputs by an example (Mellor et al. 2020, "Neural Architecture
    Search without Training", version 1).
    """

    name = "jacov"
    needs = "examples"
    reads = ("input_gradients",)

    def value(self, probe: Probe) -> float:
        v = np.linalg.eigvalsh(_correlations(probe.input_gradients)) + K
        # Rounding makes an eigenvalue that is 0 slightly less.
        v = np.maximum(v, K)
        return float(-(np.log(v) + 1 / v).sum())


class EPENAS(Proxy):
    """The sum over classes of |sum(log(|r| + k))| over the correlations r between their gradients, k = 1e-5.

    Source: Lopes, Alirezazadeh and Alexandre 2021, "EPE-NAS: Efficient Performance Estimation Without
    Training for Neural Architecture Search". With more than 100 classes each sum is divided by the examples
    of its class.
    """

    name = "epe_nas"
    needs = "classes"
    reads = ("input_gradients",)

    def value(self, probe: Probe) -> float:
        assert probe.examples is not None
        classes = probe.examples.classes
        assert classes is not None
        total = 0.0
        for each in np.unique(classes):
            gradients = probe.input_gradients[classes == each]
            if len(gradients) > 1:
                logs = np.log(np.abs(_correlations(gradients)) + K).sum()
                total += abs(logs) / (len(gradients) if probe.examples.outputs > 100 else 1)
        return total


def _correlations(rows: np.ndarray) -> np.ndarray:
    """Return the correlations between rows, float64."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(centred, axis=1, keepdims=True)
    if not (norms > 0).all():
        raise NoValueError(CONSTANT)
    centred = centred / norms
    product: np.ndarray = centred @ centred.T
    return product
