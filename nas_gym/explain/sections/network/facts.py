"""What is known of the found network's inputs, layers and answers, as facts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from nas_gym.explain.fact import Fact, counted, difference, measured
from nas_gym.explain.sections.network.channels import channel_names

if TYPE_CHECKING:
    from nas_gym.explain.methods.attribution.network_layers import LayerUse
    from nas_gym.explain.sections.network.analysis import NetworkUse


def facts_of(use: NetworkUse) -> tuple[Fact, ...]:
    """Return every fact of the section."""
    return (*_scores(use), *_inputs(use), *layer_facts(use), *use.answers.facts())


def layer_fact(layer: LayerUse, how: str, examples: int) -> Fact:
    """Return what replacing a layer costs."""
    drop = layer.drops[how]
    return difference(
        f"loss with {layer.layer.name} {how}",
        f"the whole network over that with {layer.layer.name} replaced ({how})",
        f"{examples:,} validation examples",
        drop.drop,
        drop.low,
        drop.high,
        examples,
    )


def layer_facts(use: NetworkUse) -> Iterator[Fact]:
    """Yield what each replacement of each layer costs."""
    examples = len(use.trained.task.y_validation)
    for layer in use.layers:
        for how in layer.drops:
            yield layer_fact(layer, how, examples)


def _scores(use: NetworkUse) -> Iterator[Fact]:
    examples = len(use.trained.task.y_validation)
    over, of = (
        f"{examples:,} validation examples that the search chose by",
        "one training of the found network",
    )
    yield measured("validation score", of, over, use.score, None, None, examples)


def _inputs(use: NetworkUse) -> Iterator[Fact]:
    """Yield what shuffling each feature costs over the shuffles, and what hiding the first inputs costs."""
    task = use.trained.task
    examples = len(task.y_validation)
    if use.permutation is not None:
        names = task.feature_names or [str(n) for n in range(1, use.permutation.shape[1] + 1)]
        low, high = np.quantile(use.permutation, (0.025, 0.975), axis=0)
        over = f"{len(use.permutation)} shuffles of {examples:,} validation examples"
        for number, drop in enumerate(use.permutation.mean(0)):
            of = f"the score over that with feature {names[number]} shuffled"
            ends = (float(drop), float(low[number]), float(high[number]))
            yield difference(f"loss if {names[number]} is shuffled", of, over, *ends, examples)
    if use.channels is not None:
        low, high = np.quantile(use.channels, (0.025, 0.975), axis=0)
        over = f"{len(use.channels)} shuffles of validation examples"
        for number, (name, drop) in enumerate(zip(channel_names(use), use.channels.mean(0), strict=True)):
            of = f"the score over that with channel {name} shuffled"
            ends = (float(drop), float(low[number]), float(high[number]))
            yield difference(f"loss if channel {name} is shuffled", of, over, *ends, examples)
    if use.inputs is not None:
        attributed = len(use.inputs.attributions.errors)
        of, over = "attributions that add up to what they explain", f"{attributed} attributed examples"
        reliable = round(use.reliable * attributed)
        yield counted("reliable attributions", of, over, reliable, "examples", attributed)
    if use.check is not None:
        of = f"the score over that with the {use.check.deleted} highest-ranked inputs hidden"
        yield counted(
            "loss if hidden", of, f"{examples:,} validation examples", use.check.drop, "score", examples
        )
