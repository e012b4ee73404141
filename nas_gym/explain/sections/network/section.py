"""What the found network uses: its inputs, its layers, and how well it predicts, as a section."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nas_gym.explain.evidence.network import trained_network
from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.methods.attribution.calibration import confused_pairs
from nas_gym.explain.methods.attribution.integrated_gradients import NO_CAPTUM, TOLERANCE
from nas_gym.explain.methods.attribution.network_layers import REPLACEMENTS, LayerUse
from nas_gym.explain.report.phrases import finite
from nas_gym.explain.section import DEFAULTS, Question, Section, Settings, Table, withheld
from nas_gym.explain.sections.network.analysis import NetworkUse, measure_use
from nas_gym.explain.sections.network.figures import figures_of
from nas_gym.explain.sections.network.text import answer_of, feature_names, trust_of

if TYPE_CHECKING:
    from nas_gym.explain.sections.network.analysis import NetworkUse

KEY, QUESTION = "network", "What does the found network use?"


def explain_network(evidence: Evidence, settings: Settings = DEFAULTS) -> Section:
    """Answer what the chosen network uses of its inputs, what layers add, how well it predicts.

    Only training and validation examples are looked at.

    Args:
        evidence: evidence of a run in which not everything failed.
        settings: the seed is of the examples that are drawn, of shuffles and of resampling.
    """
    trained = trained_network(evidence)
    if isinstance(trained, str):
        return withheld(KEY, QUESTION, trained)
    use = measure_use(trained, settings.seed)
    return Section(
        KEY,
        QUESTION,
        answer_of(use),
        trust=trust_of(use),
        tables=tables_of(use),
        figures=figures_of(use),
        numbers=numbers_of(use),
    )


NETWORK = Question(KEY, QUESTION, explain_network, about="network")


def numbers_of(use: NetworkUse) -> dict[str, Any]:
    """Return every number of the section."""
    task = use.trained.task
    calibrated = use.calibration
    return {
        "architecture": str(use.trained.architecture),
        "source": use.trained.source,
        "accuracy": use.score,
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


def _listed(values: np.ndarray) -> list[Any]:
    """Return nested lists of numbers, None for NaN."""
    kept = values.round(6).astype(object)
    kept[np.isnan(values)] = None
    return list(kept.tolist())


def tables_of(use: NetworkUse) -> tuple[Table, ...]:
    """Return the evidence in rows."""
    tables = [_layer_table(use)] if use.layers else []
    if use.trained.task.kind == "table":
        tables.append(_feature_table(use))
    return tuple(tables)


def _layer_table(use: NetworkUse) -> Table:
    rows = tuple(
        (
            layer.part.name,
            *(layer.losses[name].drop if name in layer.losses else None for name in REPLACEMENTS),
            layer.share if layer.share is None else finite(layer.share),
            layer.units,
            layer.units_for_most,
        )
        for layer in use.layers
    )
    return Table(
        "layers",
        "Accuracy that is lost on validation examples if a layer's input is passed on unchanged, if the best "
        "linear map of its input stands in for it, or its average output; the share of the output that flows "
        "through the layer; its outputs, and how many of them carry 90% of that.",
        ("layer", "unchanged", "linear", "constant", "share", "outputs", "carry 90%"),
        rows,
    )


def _feature_table(use: NetworkUse) -> Table:
    names = feature_names(use)
    empty: list[float | None] = [None] * len(names)
    importance = empty if use.inputs is None else [finite(value) for value in use.inputs.importance]
    drops = empty if use.permutation is None else list(map(float, use.permutation.mean(0)))
    order = sorted(range(len(names)), key=lambda number: -(importance[number] or drops[number] or 0.0))
    return Table(
        "features",
        "Mean absolute attribution of each feature, and the accuracy that is lost if it is shuffled.",
        ("feature", "attribution", "loss if shuffled"),
        tuple((names[number], importance[number], drops[number]) for number in order),
    )
