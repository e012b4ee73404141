"""Proxies by which units are active for which examples: the more patterns, the more is told apart."""

from __future__ import annotations

import numpy as np

from nas_gym.evaluators.proxies.base import Proxy
from nas_gym.evaluators.proxies.probe import Probe


class NWOT(Proxy):
    """log det(K + I), where K counts for two examples the units that are active for both or for neither.

    A unit is an input of an activation, active above 0. The identity, which is not in the paper, makes
    the determinant of networks with fewer units than examples a number (Mellor et al. 2021, "Neural
    Architecture Search without Training").
    """

    name = "nwot"
    needs = "examples"
    reads = ("codes",)

    def value(self, probe: Probe) -> float:
        active = probe.codes.astype(np.float32)  # counts below 2^24 are exact
        k = (active @ active.T + (1 - active) @ (1 - active).T).astype(np.float64)
        return float(np.linalg.slogdet(k + np.eye(len(k)))[1])


class SWAP(Proxy):
    """The number of different patterns that units have, each over the examples of a batch.

    Source: Peng et al. 2024, "SWAP-NAS: Sample-Wise Activation Patterns for Ultra-fast NAS", without the
    regularisation by size.
    """

    name = "swap"
    needs = "examples"
    reads = ("codes",)

    def value(self, probe: Probe) -> float:
        packed = np.ascontiguousarray(np.packbits(probe.codes, axis=0).T)
        if not len(packed):
            return 0.0
        return len(np.unique(packed.view(np.dtype((np.void, packed.shape[1])))))
