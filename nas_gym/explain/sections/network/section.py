"""What the found network uses: its inputs, its layers, and how well it predicts, as a section."""

from __future__ import annotations

from typing import Any

import numpy as np

from nas_gym.explain.broken_off import broken_off
from nas_gym.explain.evidence.network import trained_network
from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.methods.attribution.integrated_gradients import TOLERANCE
from nas_gym.explain.methods.attribution.network_layers import REPLACEMENTS, LayerUse
from nas_gym.explain.report.phrases import finite
from nas_gym.explain.section import DEFAULTS, Question, Section, Settings, Table, withheld
from nas_gym.explain.sections.network import channels, hidden_parts
from nas_gym.explain.sections.network.analysis import NetworkUse, measure_use
from nas_gym.explain.sections.network.facts import facts_of
from nas_gym.explain.sections.network.figures import figures_of
from nas_gym.explain.sections.network.text import answer_of, details_of, feature_names, trust_of

KEY, QUESTION = "network", "What does the found network use?"
DESCRIBED_BY = 4
"""Features that an example is described by in a report table."""


def explain_network(evidence: Evidence, settings: Settings = DEFAULTS) -> Section:
    """Answer which inputs the chosen network uses, what its layers contribute, how well it predicts.

    Only training and validation examples are looked at.

    Args:
        evidence: evidence of a run in which not everything failed.
        settings: the seed is of the examples that are drawn, of shuffles and of resampling.
    """
    trained = trained_network(evidence)
    if isinstance(trained, str):
        return withheld(KEY, QUESTION, trained)
    use = measure_use(trained, settings.seed)
    section = Section(
        KEY,
        QUESTION,
        answer_of(use),
        details=details_of(use),
        trust=trust_of(use),
        tables=tables_of(use),
        figures=figures_of(use),
        numbers=numbers_of(use),
        facts=facts_of(use),
    )
    return broken_off(section, use.no_time_for)


NETWORK = Question(KEY, QUESTION, explain_network, about="network", method=QUESTION)


def numbers_of(use: NetworkUse) -> dict[str, Any]:
    """Return every number of the section."""
    task = use.trained.task
    return {
        "architecture": str(use.trained.architecture),
        "source": use.trained.source,
        "score": use.score,
        "examples": len(task.y_validation),
        "target": task.target.kind,
        "inputs": _input_numbers(use),
        "layers": [_layer_numbers(one) for one in use.layers],
        **hidden_parts.numbers_of(use),
        **channels.numbers_of(use),
        **use.answers.numbers(),
    }


def _input_numbers(use: NetworkUse) -> dict[str, Any] | None:
    if use.inputs is None or use.check is None:
        return {"withheld": use.why_no_inputs} | _permutation_numbers(use)
    found, check = use.inputs, use.check
    errors = found.attributions.errors
    return {
        "kind": use.trained.task.inputs,
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
            "inputs": check.deleted,
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
        "name": use.layer.name,
        "drops": {
            name: {"drop": one.drop, "low": finite(one.low), "high": finite(one.high)}
            for name, one in use.drops.items()
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
    if use.trained.task.inputs == "features":
        tables.append(_feature_table(use))
    tables += [*hidden_parts.tables_of(use), *channels.tables_of(use)]
    return (*tables, *use.answers.tables(use.ranked_features()[:DESCRIBED_BY]))


def _layer_table(use: NetworkUse) -> Table:
    rows = tuple(
        (
            one.layer.name,
            *(one.drops[name].drop if name in one.drops else None for name in REPLACEMENTS),
            one.share if one.share is None else finite(one.share),
            one.units,
            one.units_for_most,
        )
        for one in use.layers
    )
    return Table(
        "layers",
        f"The {use.label} that is lost on validation examples if a layer's input is passed on unchanged, if "
        "the best linear map of its input stands in for it, or its average output; the share of the output "
        "that flows through the layer; its outputs, and how many of them carry 90% of that.",
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
        f"Mean absolute attribution of each feature, and the {use.label} that is lost if it is shuffled.",
        ("feature", "attribution", "loss if shuffled"),
        tuple((names[number], importance[number], drops[number]) for number in order),
    )
