"""MeCo: how different the channels of each layer are."""

from __future__ import annotations

import numpy as np

from nas_gym.evaluators.proxies.base import Proxy
from nas_gym.evaluators.proxies.probe import Probe, by_place


class MeCo(Proxy):
    """The sum over layers of the smallest eigenvalue of the correlations between the layer's channels.

    Channels are correlated over the places of one example, and where an example is a row of features over
    the batch; a constant channel correlates with none (Jiang et al. 2023, "MeCo: Zero-Shot NAS with One
    Data and Single Forward Pass via Minimum Eigenvalue of Correlation").
    """

    name = "meco"
    needs = "examples"
    reads = ("layer_results",)

    def value(self, probe: Probe) -> float:
        total = 0.0
        for result in probe.layer_results:
            rows = by_place(result[:1]) if result.dim() > 2 else result
            total += float(np.linalg.eigvalsh(_correlations(rows.cpu().numpy().astype(np.float64)))[0])
        return total


def _correlations(rows: np.ndarray) -> np.ndarray:
    """Return the correlations between columns, with 1 on the diagonal and 0 beside it for constant ones."""
    centred = rows - rows.mean(axis=0)
    norms = np.linalg.norm(centred, axis=0)
    # What is left of a constant channel after rounding is no variation.
    constant = norms <= 1e-6 * np.maximum(np.linalg.norm(rows, axis=0), 1e-30)
    scaled = np.where(constant, 0.0, centred / np.where(constant, 1.0, norms))
    found: np.ndarray = scaled.T @ scaled
    np.fill_diagonal(found, 1.0)
    return found
