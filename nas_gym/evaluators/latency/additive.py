"""A latency as a sum over layers, for spaces with too many networks to measure each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls
from scipy.stats import kendalltau

from nas_gym.networks import Network

FOLDS = 5
Layers = Counter[str]


@dataclass(frozen=True)
class PredictionError:
    """How far predictions were off, of networks that were left out when the model was fitted.

    Attributes:
        networks: how many were measured.
        median: the median of the error as a share of what was measured.
        within: the share of networks whose error is at most a tenth.
        tau: Kendall's tau between predicted and measured, in [-1, 1].
    """

    networks: int
    median: float
    within: float
    tau: float

    def __str__(self) -> str:
        return (
            f"latencies are predicted by layer: of {self.networks} measured networks, each left out of a fit "
            f"once, half were predicted to {100 * self.median:.0f}% or better, {100 * self.within:.0f}% to a "
            f"tenth, and Kendall's tau of their order is {self.tau:.2f}"
        )


@dataclass(frozen=True, eq=False)
class AdditiveModel:
    """Milliseconds of each kind of layer, none below 0, and a constant.

    Attributes:
        kinds: names of the kinds, by column.
        weights: milliseconds of one layer of each kind, float64 (kinds,).
        constant: milliseconds of a network without layers.
        error: what it gets wrong.
    """

    kinds: tuple[str, ...]
    weights: np.ndarray
    constant: float
    error: PredictionError

    def predict(self, networks: Sequence[Layers]) -> np.ndarray:
        """Return the milliseconds of networks, float64 (networks,); a kind never measured counts nothing."""
        predicted: np.ndarray = _matrix(networks, self.kinds) @ self.weights + self.constant
        return predicted

    @classmethod
    def fit(cls, networks: Sequence[Layers], milliseconds: np.ndarray, seed: int = 0) -> AdditiveModel:
        """Return the model of measured networks, by non-negative least squares of relative errors.

        Its error is that of cross-validation in 5 parts, drawn by the seed.
        """
        measured = np.asarray(milliseconds, dtype=np.float64)
        kinds = tuple(sorted({kind for each in networks for kind in each}))
        matrix = _matrix(networks, kinds)
        parts = np.random.default_rng(seed).permutation(len(networks)) % min(FOLDS, len(networks))
        predicted = np.empty(len(networks))
        for part in range(int(parts.max()) + 1):
            out = parts == part
            weights, constant = _fitted(matrix[~out], measured[~out])
            predicted[out] = matrix[out] @ weights + constant
        off = np.abs(predicted - measured) / np.maximum(measured, 1e-12)
        error = PredictionError(
            len(networks),
            float(np.median(off)),
            float((off <= 0.1).mean()),
            float(np.nan_to_num(kendalltau(predicted, measured).statistic)),
        )
        return cls(kinds, *_fitted(matrix, measured), error)


def layers_of(network: Network) -> Layers:
    """Count the layers of a network by kind: operation, its options, and the shapes before and after it."""
    found: Layers = Counter()
    for node in network.nodes[1:]:
        sizes = f"{node.kernel} {node.stride} {node.groups} {node.bias} {node.options}"
        shapes = f"{node.input_shape} x {len(node.inputs)} -> {node.shape}"
        found[f"{node.operation.name} {node.function} {sizes} {shapes}"] += 1
    return found


def _matrix(networks: Sequence[Layers], kinds: Sequence[str]) -> np.ndarray:
    return np.array([[each[kind] for kind in kinds] for each in networks], dtype=np.float64).reshape(
        len(networks), len(kinds)
    )


def _fitted(matrix: np.ndarray, measured: np.ndarray) -> tuple[np.ndarray, float]:
    """Return milliseconds of each kind, and the constant."""
    scale = np.maximum(measured, 1e-12)
    columns = np.concatenate([matrix, np.ones((len(matrix), 1))], axis=1) / scale[:, None]
    # A little of each weight's own, since kinds that always come together cannot be told apart.
    ridge = 1e-3 * np.eye(columns.shape[1])
    found, _ = nnls(
        np.concatenate([columns, ridge]), np.concatenate([measured / scale, np.zeros(len(ridge))])
    )
    return found[:-1], float(found[-1])
