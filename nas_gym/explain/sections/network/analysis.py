"""What is measured of the found network: its inputs, its layers, and how well it predicts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from nas_gym.explain.evidence.network import TrainedNetwork
from nas_gym.explain.methods.attribution.calibration import Calibration, calibration, confusion
from nas_gym.explain.methods.attribution.integrated_gradients import has_captum
from nas_gym.explain.methods.attribution.network_inputs import (
    Check,
    InputUse,
    agreement,
    deletion,
    input_use,
    permutation_importance,
)
from nas_gym.explain.methods.attribution.network_layers import LayerUse, ablations, conductances

PREDICTED_AT_ONCE = 2048


@dataclass(frozen=True)
class NetworkUse:
    """What was measured of a network on validation examples.

    Attributes:
        trained: the network and its data.
        accuracy: accuracy of the network.
        inputs: attributions; None without Captum.
        check: what deleting the inputs that rank first does; None without Captum.
        permutation: permutation importance of a table's features, float64 (repeats, features); else None.
        layers: what each layer contributes.
        confusion: int64 (classes, classes).
        calibration: calibration of its probabilities.
    """

    trained: TrainedNetwork
    score: float
    inputs: InputUse | None
    check: Check | None
    permutation: np.ndarray | None
    layers: list[LayerUse]
    confusion: np.ndarray
    calibration: Calibration

    @property
    def reliable(self) -> float:
        """Share of attributed examples whose attributions add up; 0 without any."""
        return float(self.inputs.attributions.reliable.mean()) if self.inputs is not None else 0.0

    @property
    def agreement(self) -> float | None:
        """Rank correlation of attributions and permutation importance of a table's features."""
        if self.permutation is None or self.inputs is None:
            return None
        return agreement(self.inputs.importance, self.permutation.mean(0))


def measure_use(trained: TrainedNetwork, seed: int) -> NetworkUse:
    """Return everything that is measured of a network."""
    task, module = trained.task, trained.module
    x, y = task.x_validation.astype(np.float64), task.y_validation
    probabilities = _probabilities(trained, x)
    layers = ablations(module, task.x_train.astype(np.float64), x, y)
    inputs = check = permutation = None
    if task.kind == "table":
        permutation = permutation_importance(module, x, y, seed)
    if has_captum():
        network = module.network
        inputs = input_use(module, x, y, network=network, seed=seed)
        importance = np.nan_to_num(inputs.importance)
        check = deletion(module, x, y, importance, seed)
        layers = conductances(module, layers, inputs.examples, inputs.labels, inputs.attributions.pieces)
    return NetworkUse(
        trained,
        float((probabilities.argmax(1) == y).mean()),
        inputs,
        check,
        permutation,
        layers,
        confusion(y, probabilities.argmax(1), task.outputs),
        calibration(probabilities, y, seed),
    )


@torch.no_grad()
def _probabilities(trained: TrainedNetwork, x: np.ndarray) -> np.ndarray:
    parts = torch.tensor(x).split(PREDICTED_AT_ONCE)
    return np.concatenate([trained.module(part).softmax(1).numpy() for part in parts])
