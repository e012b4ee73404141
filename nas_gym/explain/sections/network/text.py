"""What the found network uses, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nas_gym.explain.fact import loses_less
from nas_gym.explain.methods.attribution.integrated_gradients import TOLERANCE
from nas_gym.explain.methods.attribution.network_layers import LayerUse
from nas_gym.explain.methods.attribution.score_drop import ScoreDrop
from nas_gym.explain.report.phrases import counted, listed, points
from nas_gym.explain.sections.network import channels, hidden_parts
from nas_gym.explain.sections.network.facts import layer_fact
from nas_gym.explain.sections.network.recordings import form_of_frames, listened
from nas_gym.tasks import Forecast

if TYPE_CHECKING:
    from nas_gym.explain.sections.network.analysis import NetworkUse

NAMED = 3
LAGS = 3
RELIABLE = 0.95
ENOUGH_AGREEMENT = 0.5
MARGIN = 0.01
"""A loss of the score that does not matter to a user: one point."""
INSTEAD = {
    "unchanged": "its input, passed on as it is,",
    "linear": "the best linear map",
    "constant": "its average output",
}
COULD_BE = {"unchanged": "left out", "linear": "a linear map", "constant": "a constant"}


def answer_of(use: NetworkUse) -> tuple[str, ...]:
    """Return what it uses, which layer does most, and where it is wrong, in up to five sentences."""
    found = [*_input_words(use), *_layer_words(use), *use.answers.words()]
    return tuple(found) or (f"The network {use.answers.quality(use.score)}.",)


def details_of(use: NetworkUse) -> tuple[str, ...]:
    """Return what a page folds away: which network was looked at, and what the checks say."""
    quality = f"The network, {use.trained.source}, {use.answers.quality(use.score)}."
    sentences = [quality, *_check_words(use), *_simpler_words(use), *_narrow_words(use)]
    return (*sentences, *use.answers.more_words(), *_sum_words(use))


def trust_of(use: NetworkUse) -> str:
    """Return how far the answer can be trusted."""
    of = "This is about one training of the network, on the validation examples that the search chose by"
    if use.inputs is None or use.reliable >= RELIABLE:
        return f"{of}."
    return (
        f"{of}; the attributions are unreliable, since they add up to the change of the output for only "
        f"{use.reliable:.0%} of {len(use.inputs.attributions.errors)} examples."
    )


def _sum_words(use: NetworkUse) -> list[str]:
    """Return how exactly attributions add up to what they explain."""
    if use.inputs is None:
        return []
    sentences = []
    if use.reliable >= RELIABLE:
        sentences.append(
            f"Attributions add up to the change of the output to within {TOLERANCE:g} of it for "
            f"{use.reliable:.0%} of {len(use.inputs.attributions.errors)} examples; others are left out."
        )
    off = [layer.error for layer in use.layers if layer.error is not None and layer.error > TOLERANCE]
    if off:
        sentences.append(
            f"The flow through layers is approximate: its sums are off by up to {max(off):.1g} of the output."
        )
    return sentences


def feature_names(use: NetworkUse) -> list[str]:
    """Return the names of a table's features, numbered where they have none."""
    task = use.trained.task
    return list(task.feature_names) or [f"feature {number}" for number in range(1, task.input_shape[0] + 1)]


def lost(drop: float) -> str:
    """Return a drop of the score: ``"1.5 points"``."""
    return f"{_points_of(drop)} points"


def _input_words(use: NetworkUse) -> list[str]:
    """Return what it uses, in a sentence, and whether the check confirms it."""
    if use.hidden:
        return [*hidden_parts.words_of(use), *channels.words_of(use)]
    if use.inputs is None or use.check is None:
        why = [] if use.no_time_for else [use.why_no_inputs]
        if use.permutation is None:
            return [*channels.words_of(use), *why]
        return [*why, f"Shuffled one at a time, these features cost most: {_costliest(use)}."]
    importance, inputs = np.nan_to_num(use.inputs.importance), use.trained.task.inputs
    if inputs == "features":
        return [_feature_words(use, importance)]
    told = [_place_words(use, importance)] if use.reliable >= RELIABLE else []
    return [*channels.words_of(use), *told]


def _place_words(use: NetworkUse, importance: np.ndarray) -> str:
    """Return where in a signal or an image it looks, and what hiding that costs."""
    assert use.check is not None
    inputs = use.trained.task.inputs
    form = form_of_frames(use)
    if isinstance(use.trained.task.target, Forecast):
        where = _lag_words(importance)
    elif form is not None:
        where = listened(use, form)
    else:
        where = _signal_words(importance) if inputs == "signal" else _image_words(importance)
    check = use.check
    return (
        f"{where}; with the {check.deleted} highest-ranked hidden it loses {lost(check.drop)}, with "
        f"{check.deleted} random ones {lost(float(check.random.mean()))}"
        f"{_unless(check.confirmed, ': the check does not confirm these ranks')}."
    )


def _feature_words(use: NetworkUse, importance: np.ndarray) -> str:
    """Return which features it uses most: one list where both measures agree, both where they do not."""
    assert use.permutation is not None
    names, drops = feature_names(use), use.permutation.mean(0)
    by_drop = np.argsort(-drops, kind="stable")[:NAMED]
    listing = listed([names[number] for number in by_drop])
    costs = sorted({_points_of(drops[number]) for number in by_drop}, key=float)
    size = f"{costs[0]} to {costs[-1]}" if len(costs) > 1 else costs[0]
    each = "one of them" if len(by_drop) > 1 else "it"
    told = f"It uses {listing} most: shuffling {each} costs {size} points of {use.label}"
    if use.agreement is not None and use.agreement < ENOUGH_AGREEMENT:
        others = listed([names[number] for number in np.argsort(-importance, kind="stable")[:NAMED]])
        told += f". By attribution it uses {others} most: the two disagree, so trust neither alone"
    assert use.check is not None
    return f"{told}{_unless(use.check.confirmed, '; hiding them does not confirm the attributions')}."


def _unless(is_confirmed: bool, text: str) -> str:
    return "" if is_confirmed else text


def _points_of(drop: float) -> str:
    return f"{round(100 * drop, 1) + 0.0:.1f}"


def _check_words(use: NetworkUse) -> list[str]:
    """Return how the attributions of features compare with shuffling and with hiding."""
    if use.inputs is None or use.check is None:
        return []
    if use.trained.task.inputs != "features":
        untold = (bool(use.hidden) or use.reliable < RELIABLE) and use.reliable > 0
        return [_place_words(use, np.nan_to_num(use.inputs.importance))] if untold else []
    importance, names = np.nan_to_num(use.inputs.importance), feature_names(use)
    share = importance / max(importance.sum(), 1e-300)
    first = np.argsort(-importance, kind="stable")[:NAMED]
    most = listed([f"{names[number]} ({share[number]:.0%})" for number in first])
    agreed = "" if use.agreement is None else f"; its rank correlation with shuffling is {use.agreement:.2f}"
    check = use.check
    return [
        f"By attribution the most used features are {most}{agreed}.",
        f"With the {counted(check.deleted, 'highest-ranked feature')} hidden it loses {lost(check.drop)}, "
        f"with {check.deleted} random ones {lost(float(check.random.mean()))}.",
    ]


def _costliest(use: NetworkUse) -> str:
    assert use.permutation is not None
    drops = use.permutation.mean(0)
    first = np.argsort(-drops, kind="stable")[:NAMED]
    return listed([f"{feature_names(use)[number]} ({points(-drops[number])})" for number in first])


def _signal_words(importance: np.ndarray) -> str:
    along = importance.mean(0)
    count = max(1, len(along) // 4)
    sums = np.convolve(along, np.ones(count), mode="valid")
    start = int(sums.argmax())
    share = sums[start] / max(along.sum(), 1e-300)
    return (
        f"Along the signal of {len(along)} points it looks most at points {start + 1} to {start + count}, a "
        f"{count / len(along):.0%} of the signal that has {share:.0%} of the attribution"
    )


def _lag_words(importance: np.ndarray) -> str:
    """Return how far back a forecast looks: 0 is the last step of the window."""
    lags = importance.mean(0)[::-1]
    shares = lags / max(lags.sum(), 1e-300)
    most = [int(lag) for lag in np.argsort(-shares, kind="stable")[:LAGS]]
    half = int(np.searchsorted(np.cumsum(shares), 0.5)) + 1
    named = listed([f"{'the last one' if lag == 0 else f'{lag} back'} ({shares[lag]:.0%})" for lag in most])
    return (
        f"Of the {len(lags)} steps of a window it looks most at {named}; the last {half} have half of the "
        "attribution"
    )


def _image_words(importance: np.ndarray) -> str:
    pixels = np.sort(importance.mean(0).ravel())[::-1]
    enough = int(np.searchsorted(np.cumsum(pixels), 0.5 * pixels.sum()) + 1)
    return f"Half of all attribution is on {enough} of the {pixels.size} pixels ({enough / pixels.size:.0%})"


def _layer_words(use: NetworkUse) -> list[str]:
    """Return the layer that does most, and those that something simpler could replace."""
    costs = [(layer, *_mildest(layer)) for layer in use.layers]
    if not costs:
        return []
    most, how, drop = max(costs, key=lambda cost: cost[2].drop)
    if layer_fact(most, how, len(use.trained.task.y_validation)).is_positive:
        return [
            f"Of its layers, {layer_name(most)} does most: {INSTEAD[how]} in its place loses "
            f"{lost(drop.drop)}{_range(drop)}."
        ]
    return [
        "No single layer is shown to be needed: with the best linear map or the plain input in its place, no "
        "loss shows on these examples."
    ]


def _simpler_words(use: NetworkUse) -> list[str]:
    """Return the layers that something simpler could replace, and what leaving them out costs."""
    idle = [(layer, *_mildest(layer)) for layer in use.layers]
    idle = [(layer, how, drop) for layer, how, drop in idle if loses_less(-drop.high, MARGIN)]
    told = []
    for layer, how, _ in idle[:NAMED]:
        left_out = layer.drops.get("unchanged")
        but = ""
        if how != "unchanged" and left_out is not None and left_out.drop >= MARGIN:
            but = f", but not be left out ({points(-left_out.drop)})"
        told.append(f"{layer_name(layer)} could be {COULD_BE[how]}{but}")
    if not told:
        return []
    others = f"; {counted(len(idle) - NAMED, 'more layer')} likewise" if len(idle) > NAMED else ""
    return [f"Each at a cost of surely under 1 point: {'; '.join(told)}{others}."]


def _narrow_words(use: NetworkUse) -> list[str]:
    narrow = [layer for layer in use.layers if layer.units_for_most is not None]
    if not narrow:
        return []
    least = min(narrow, key=lambda one: (one.units_for_most or 0) / one.units)
    return [
        f"Nine tenths of what flows through {layer_name(least)} passes {least.units_for_most} of its "
        f"{counted(least.units, 'output')}."
    ]


def layer_name(layer: LayerUse) -> str:
    """Return text such as ``"layer 2 (relu-64)"`` of a chain; the name as it is elsewhere."""
    number, _, rest = layer.layer.name.partition(" ")
    if not number.isdecimal():
        return layer.layer.name
    return f"layer {number} ({rest})" if rest else f"layer {number}"


def _mildest(layer: LayerUse) -> tuple[str, ScoreDrop]:
    """Return the name of the replacement that costs least, and what it costs."""
    name = min(layer.drops, key=lambda one: layer.drops[one].drop)
    return name, layer.drops[name]


def _range(drop: ScoreDrop) -> str:
    return f" (95% interval {_points_of(drop.low)} to {_points_of(drop.high)})"
