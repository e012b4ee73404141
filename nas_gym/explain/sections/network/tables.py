"""Tables of what the found network uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nas_gym.explain.methods.attribution.network_layers import REPLACEMENTS
from nas_gym.explain.report.phrases import finite
from nas_gym.explain.section import Table
from nas_gym.explain.sections.network.text import feature_names

if TYPE_CHECKING:
    from nas_gym.explain.sections.network.analysis import NetworkUse


def tables_of(use: NetworkUse) -> tuple[Table, ...]:
    """The evidence in rows."""
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
