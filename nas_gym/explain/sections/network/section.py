"""What the found network uses: its inputs, its layers, and how well it predicts, as a section."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from nas_gym.explain.evidence.network import TrainedNetwork, trained_network
from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.methods.attribution.calibration import (
    Calibration,
    calibration,
    confused_pairs,
    confusion,
)
from nas_gym.explain.methods.attribution.integrated_gradients import NO_CAPTUM, TOLERANCE, has_captum
from nas_gym.explain.methods.attribution.network_inputs import (
    Check,
    InputUse,
    agreement,
    deletion,
    input_use,
    permutation_importance,
)
from nas_gym.explain.methods.attribution.network_layers import LayerUse, ablations, conductances
from nas_gym.explain.report.phrases import finite
from nas_gym.explain.section import Section, withheld
from nas_gym.explain.sections.network import figures as figures
from nas_gym.explain.sections.network.tables import tables_of
from nas_gym.explain.sections.network.text import answer_of, trust_of

KEY, QUESTION = "network", "What does the found network use?"
PREDICTED_AT_ONCE = 2048


@dataclass(frozen=True)
class NetworkUse:
    """What was measured of a network on validation examples.

    Attributes:
        trained: the network and its data.
        accuracy: of the network.
        inputs: attributions; None without Captum.
        check: what deleting the inputs that rank first does; None without Captum.
        permutation: of a table's features, float64 (repeats, features); else None.
        layers: what each layer contributes.
        confusion: int64 (classes, classes).
        calibration: of its probabilities.
    """

    trained: TrainedNetwork
    accuracy: float
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


def explain_network(evidence: Evidence, *, seed: int = 0) -> Section:
    """What the network that a run chose uses of its inputs, what each layer adds, how well it predicts.

    Only training and validation examples are looked at.

    Args:
        evidence: of a run in which not everything failed.
        seed: of the examples that are drawn, of shuffles and of resampling.
    """
    trained = trained_network(evidence)
    if isinstance(trained, str):
        return withheld(KEY, QUESTION, trained)
    use = measure_use(trained, seed)
    return Section(
        KEY,
        QUESTION,
        answer_of(use),
        trust=trust_of(use),
        tables=tables_of(use),
        figures=figures.figures_of(use),
        numbers=numbers_of(use),
    )


def measure_use(trained: TrainedNetwork, seed: int) -> NetworkUse:
    """Everything that is measured of a network."""
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
        confusion(y, probabilities.argmax(1), task.num_classes),
        calibration(probabilities, y, seed),
    )


def numbers_of(use: NetworkUse) -> dict[str, Any]:
    """Every number of the section."""
    task = use.trained.task
    calibrated = use.calibration
    return {
        "architecture": str(use.trained.architecture),
        "source": use.trained.source,
        "accuracy": use.accuracy,
        "examples": len(task.y_validation),
        "classes": list(task.class_names),
        "inputs": _input_numbers(use),
        "layers": [_layer_numbers(one) for one in use.layers],
        "confusion": use.confusion.tolist(),
        "confused": [
            {"class": task.class_names[row], "called": task.class_names[column], "examples": count}
            for row, column, count in confused_pairs(use.confusion, 3)
        ],
        "calibration": {
            "error": calibrated.error,
            "low": calibrated.error_low,
            "high": calibrated.error_high,
            "uncorrected": calibrated.uncorrected,
            "by_chance": calibrated.error_by_chance,
            "gap": calibrated.gap,
            "gap_low": calibrated.gap_low,
            "gap_high": calibrated.gap_high,
            "bins": {
                name: getattr(calibrated, name).tolist()
                for name in ("confidence", "accuracy", "low", "high", "counts")
            },
        },
    }


def _input_numbers(use: NetworkUse) -> dict[str, Any] | None:
    if use.inputs is None or use.check is None:
        return {"withheld": NO_CAPTUM} | _permutation_numbers(use)
    found, check = use.inputs, use.check
    errors = found.attributions.errors
    return {
        "kind": use.trained.task.kind,
        "examples": len(errors),
        "reliable": use.reliable,
        "tolerance": TOLERANCE,
        "largest_error": finite(errors.max()),
        "median_error": finite(float(np.median(errors))),
        "features": list(use.trained.task.feature_names),
        "importance": _listed(found.importance),
        "saliency": _listed(found.saliency),
        "agreement_with_permutation": use.agreement,
        "deletion": {
            "values": check.deleted,
            "drop": check.drop,
            "random_drop": float(check.random.mean()),
            "random_drop_highest": float(check.random.max()),
            "confirmed": check.confirmed,
        },
    } | _permutation_numbers(use)


def _permutation_numbers(use: NetworkUse) -> dict[str, Any]:
    if use.permutation is None:
        return {}
    low, high = np.quantile(use.permutation, (0.025, 0.975), axis=0)
    return {
        "permutation": {"drop": use.permutation.mean(0).tolist(), "low": low.tolist(), "high": high.tolist()}
    }


def _layer_numbers(use: LayerUse) -> dict[str, Any]:
    return {
        "name": use.part.name,
        "losses": {
            name: {"drop": loss.drop, "low": finite(loss.low), "high": finite(loss.high)}
            for name, loss in use.losses.items()
        },
        "share": None if use.share is None else finite(use.share),
        "conductance_error": None if use.error is None else finite(use.error),
        "units": use.units,
        "units_for_most": use.units_for_most,
    }


@torch.no_grad()
def _probabilities(trained: TrainedNetwork, x: np.ndarray) -> np.ndarray:
    parts = torch.tensor(x).split(PREDICTED_AT_ONCE)
    return np.concatenate([trained.module(part).softmax(1).numpy() for part in parts])


def _listed(values: np.ndarray) -> list[Any]:
    """Nested lists of numbers, None for NaN."""
    kept = values.round(6).astype(object)
    kept[np.isnan(values)] = None
    return list(kept.tolist())
