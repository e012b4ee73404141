"""What the found network uses, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nas_gym.explain.methods.attribution.integrated_gradients import NO_CAPTUM, TOLERANCE
from nas_gym.explain.methods.attribution.network_layers import LayerUse
from nas_gym.explain.methods.attribution.score_drop import ScoreDrop
from nas_gym.explain.report.phrases import counted, listed, points

if TYPE_CHECKING:
    from nas_gym.explain.sections.network.analysis import NetworkUse

NAMED = 3
RELIABLE = 0.95
ENOUGH_AGREEMENT = 0.5


def answer_of(use: NetworkUse) -> tuple[str, ...]:
    """Return the answer in sentences."""
    quality = f"The network, {use.trained.source}, {use.answers.quality(use.score)}."
    return (quality, *_input_words(use), *_layer_words(use), *use.answers.words())


def trust_of(use: NetworkUse) -> str:
    """Return how far the answer can be trusted."""
    sentences = [
        "This is about one training of the network and about validation examples, which the search selected "
        "on; the test part was not looked at."
    ]
    if use.inputs is not None:
        errors = use.inputs.attributions.errors
        if use.reliable >= RELIABLE:
            others = "" if use.reliable == 1 else "; others are left out"
            sentences.append(
                f"Attributions add up to the change of the output to within {TOLERANCE:g} of it for "
                f"{use.reliable:.0%} of {len(errors)} examples{others}."
            )
        else:
            sentences.append(
                "The attributions are unreliable: they add up to the change of the output to within "
                f"{TOLERANCE:g} of it for only {use.reliable:.0%} of {len(errors)} examples."
            )
        off = [layer.error for layer in use.layers if layer.error is not None and layer.error > TOLERANCE]
        if off:
            sentences.append(
                f"The flow through layers is approximate: its sums are off by up to {max(off):.1g} of the "
                "output."
            )
    return " ".join(sentences)


def feature_names(use: NetworkUse) -> list[str]:
    """Return the names of a table's features, numbered where they have none."""
    task = use.trained.task
    return list(task.feature_names) or [f"feature {number}" for number in range(1, task.input_shape[0] + 1)]


def lost(drop: float) -> str:
    """Return a drop of the score: ``"1.5 points"``; what rounds to nothing has no minus."""
    return f"{round(100 * drop, 1) + 0.0:.1f} points"


def _input_words(use: NetworkUse) -> list[str]:
    sentences = []
    if use.inputs is None or use.check is None:
        sentences.append(NO_CAPTUM)
        if use.permutation is not None:
            sentences.append(f"Shuffled one at a time, these features cost most: {_costliest(use)}.")
        return sentences
    importance, inputs = np.nan_to_num(use.inputs.importance), use.trained.task.inputs
    if inputs == "features":
        sentences.append(f"It uses most: {_top_features(use, importance)}.")
        sentences += _agreement_words(use)
    elif inputs == "signal":
        sentences.append(_signal_words(importance))
    else:
        sentences.append(_image_words(importance))
    check = use.check
    first = f"{check.deleted} inputs that rank first" if check.deleted > 1 else "input that ranks first"
    others = "as many" if check.deleted > 1 else "one"
    sentences.append(
        f"A check: without the {first} it loses {lost(check.drop)} of {use.label}, without {others} drawn at "
        f"random {lost(float(check.random.mean()))} on average"
        + (
            ", so the attributions name what matters."
            if check.confirmed
            else "; so the check does not confirm the attributions."
        )
    )
    return sentences


def _top_features(use: NetworkUse, importance: np.ndarray) -> str:
    names, share = feature_names(use), importance / max(importance.sum(), 1e-300)
    first = np.argsort(-importance, kind="stable")[:NAMED]
    return listed([f"{names[number]} ({share[number]:.0%} of all attribution)" for number in first])


def _costliest(use: NetworkUse) -> str:
    assert use.permutation is not None
    drops = use.permutation.mean(0)
    first = np.argsort(-drops, kind="stable")[:NAMED]
    return listed([f"{feature_names(use)[number]} ({points(-drops[number])})" for number in first])


def _agreement_words(use: NetworkUse) -> list[str]:
    agreed = use.agreement
    costly = f"Shuffled one at a time, these cost most {use.label}: {_costliest(use)}"
    if agreed is None:
        return [f"{costly}."]
    verdict = "agree" if agreed >= ENOUGH_AGREEMENT else "do not agree, so neither should be trusted alone"
    return [f"{costly}; the two rankings {verdict} (rank correlation {agreed:.2f})."]


def _signal_words(importance: np.ndarray) -> str:
    along = importance.mean(0)
    count = max(1, len(along) // 4)
    sums = np.convolve(along, np.ones(count), mode="valid")
    start = int(sums.argmax())
    share = sums[start] / max(along.sum(), 1e-300)
    return (
        f"Along the signal of {len(along)} points it looks most at points {start + 1} to {start + count}, a "
        f"{count / len(along):.0%} of the signal that has {share:.0%} of the attribution."
    )


def _image_words(importance: np.ndarray) -> str:
    pixels = np.sort(importance.mean(0).ravel())[::-1]
    enough = int(np.searchsorted(np.cumsum(pixels), 0.5 * pixels.sum()) + 1)
    return f"Half of all attribution is on {enough} of the {pixels.size} pixels ({enough / pixels.size:.0%})."


def _layer_words(use: NetworkUse) -> list[str]:
    sentences = []
    costs = [(layer, *_mildest(layer)) for layer in use.layers]
    if not costs:
        return ["It has no inner layers to look into."]
    ranked = sorted(costs, key=lambda cost: -cost[2].drop)
    most, how, drop = ranked[0]
    sentences.append(
        f"Of its layers, {layer_name(most)} contributes most: {how}, {use.label} falls by "
        f"{lost(drop.drop)}{_range(drop)}."
        if drop.low > 0
        else "No single layer is shown to be needed: with the best linear map or the plain input in its "
        "place, no loss shows on these examples."
    )
    idle = [layer_name(layer) for layer, _, drop in costs if drop.high < 0.01]
    if idle:
        more = [f"{len(idle) - NAMED} more"] if len(idle) > NAMED else []
        sentences.append(
            f"Hardly needed are {listed([*idle[:NAMED], *more])}: less in their place surely costs under 1 "
            "point."
            if len(idle) > 1
            else f"Hardly needed is {idle[0]}: less in its place surely costs under 1 point."
        )
    narrow = [layer for layer in use.layers if layer.units_for_most is not None]
    if narrow:
        least = min(narrow, key=lambda one: (one.units_for_most or 0) / one.units)
        sentences.append(
            f"Nine tenths of what flows through {layer_name(least)} passes {least.units_for_most} of its "
            f"{counted(least.units, 'output')}."
        )
    return sentences


def layer_name(layer: LayerUse) -> str:
    """Return text such as ``"layer 2 (relu-64)"`` of a chain; the name as it is elsewhere."""
    number, _, label = layer.layer.name.partition(" ")
    if not number.isdecimal():
        return layer.layer.name
    return f"layer {number} ({label})" if label else f"layer {number}"


def _mildest(layer: LayerUse) -> tuple[str, ScoreDrop]:
    """Return the replacement that costs least, in words, and what it costs."""
    words = {
        "unchanged": "if its input is passed on as it is",
        "linear": "if the best linear map stands in for it",
        "constant": "if its average output stands in for it",
    }
    name = min(layer.drops, key=lambda one: layer.drops[one].drop)
    return words[name], layer.drops[name]


def _range(drop: ScoreDrop) -> str:
    return f" (95% interval {100 * drop.low:.1f} to {100 * drop.high:.1f})"
