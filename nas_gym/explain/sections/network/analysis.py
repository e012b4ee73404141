"""What is measured of the found network: its inputs, its layers, and how well it predicts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nas_gym.explain.evidence.network import TrainedNetwork
from nas_gym.explain.methods.attribution.integrated_gradients import has_captum
from nas_gym.explain.methods.attribution.network_inputs import (
    DeletionCheck,
    InputUse,
    agreement,
    check_by_deletion,
    input_use,
    permutation_importance,
)
from nas_gym.explain.methods.attribution.network_layers import LayerUse, ablations, conductances
from nas_gym.explain.methods.attribution.score_drop import outputs_of, score_of
from nas_gym.explain.sections.network.answers import Answers
from nas_gym.explain.sections.network.kinds import measure_answers


@dataclass(frozen=True)
class NetworkUse:
    """What was measured of a network on validation examples.

    Attributes:
        trained: the network and its data.
        score: score of the network.
        answers: answers of the network.
        inputs: attributions; None without Captum.
        check: what deleting the inputs that rank first does; None without Captum.
        permutation: permutation importance of a table's features, float64 (repeats, features); else None.
        layers: contribution of each layer.
    """

    trained: TrainedNetwork
    score: float
    answers: Answers
    inputs: InputUse | None
    check: DeletionCheck | None
    permutation: np.ndarray | None
    layers: list[LayerUse]

    @property
    def label(self) -> str:
        """What the score is called."""
        return self.trained.task.target.metric.label

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

    def ranked_features(self) -> list[int]:
        """Return the numbers of a table's features, the most used first; [] for signals and images."""
        if self.trained.task.inputs != "features":
            return []
        assert self.permutation is not None
        importance = self.permutation.mean(0) if self.inputs is None else self.inputs.importance
        return [int(number) for number in np.argsort(-np.nan_to_num(importance), kind="stable")]


def measure_use(trained: TrainedNetwork, seed: int) -> NetworkUse:
    """Return everything that is measured of a network."""
    task, module = trained.task, trained.module
    target, x, y = task.target, task.x_validation.astype(np.float64), task.y_validation
    outputs = outputs_of(module, x)
    answers = measure_answers(task, outputs, seed)
    layers = ablations(module, task.x_train.astype(np.float64), x, y, target, seed)
    inputs = check = permutation = None
    if task.inputs == "features":
        permutation = permutation_importance(module, x, y, target, seed)
    if has_captum():
        inputs = input_use(module, x, answers.explained, network=module.network, seed=seed)
        importance = np.nan_to_num(inputs.importance)
        check = check_by_deletion(module, x, y, importance, target, seed)
        pieces = inputs.attributions.pieces
        layers = conductances(module, layers, inputs.examples, inputs.explained, pieces)
    score = score_of(target, outputs, y)
    return NetworkUse(trained, score, answers, inputs, check, permutation, layers)
