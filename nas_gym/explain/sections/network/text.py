"""What the found network uses, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nas_gym.explain.methods.attribution.calibration import confused_pairs
from nas_gym.explain.methods.attribution.integrated_gradients import NO_CAPTUM, TOLERANCE
from nas_gym.explain.methods.attribution.network_layers import LayerUse, Loss
from nas_gym.explain.report.phrases import counted, listed, points

if TYPE_CHECKING:
    from nas_gym.explain.sections.network.analysis import NetworkUse

NAMED = 3
RELIABLE = 0.95
ENOUGH_AGREEMENT = 0.5


def answer_of(use: NetworkUse) -> tuple[str, ...]:
    """Return the answer in sentences."""
    quality = (
        f"The network, {use.trained.source}, is right for {use.score:.1%} of the "
        f"{len(use.trained.task.y_validation):,} validation examples."
    )
    return (quality, *_input_words(use), *_layer_words(use), *_confusion_words(use), _calibration_words(use))


def trust_of(use: NetworkUse) -> str:
    """Return how far the answer can be trusted."""
    sentences = [
        "It describes one training of the network, and validation examples that the search selected on; the "
        "test part was not looked at."
    ]
    if use.inputs is not None:
        errors = use.inputs.attributions.errors
        if use.reliable >= RELIABLE:
            sentences.append(
                f"Attributions add up to the change of the output to within {TOLERANCE:g} of it for "
                f"{use.reliable:.0%} of {len(errors)} examples; others are left out."
            )
        else:
            sentences.append(
                "The attributions are unreliable: they add up to the change of the output to within "
                f"{TOLERANCE:g} of it for only {use.reliable:.0%} of {len(errors)} examples."
            )
        off = [layer.error for layer in use.layers if layer.error is not None and layer.error > TOLERANCE]
        if off:
            sentences.append(
                f"What flows through layers is approximate: its sums are off by up to {max(off):.1g} of the "
                "output."
            )
    return " ".join(sentences)


def feature_names(use: NetworkUse) -> list[str]:
    """Return names of a table's features, numbered where they have none."""
    task = use.trained.task
    return list(task.feature_names) or [f"feature {number}" for number in range(1, task.input_shape[0] + 1)]


def lost(drop: float) -> str:
    """Return a loss of accuracy: ``"1.5 points"``."""
    return f"{100 * drop:.1f} points"


def _input_words(use: NetworkUse) -> list[str]:
    sentences = []
    if use.inputs is None or use.check is None:
        sentences.append(NO_CAPTUM)
        if use.permutation is not None:
            sentences.append(f"Shuffled one at a time, these features cost most: {_costliest(use)}.")
        return sentences
    importance, kind = np.nan_to_num(use.inputs.importance), use.trained.task.kind
    if kind == "table":
        sentences.append(f"It uses most: {_top_features(use, importance)}.")
        sentences += _agreement_words(use)
    elif kind == "signal":
        sentences.append(_signal_words(importance))
    else:
        sentences.append(_image_words(importance))
    check = use.check
    sentences.append(
        f"A check: without the {counted(check.deleted, 'value')} that rank first it loses "
        f"{lost(check.drop)}, without as many drawn at random {lost(float(check.random.mean()))} on average"
        + (
            ", so the attributions name what matters."
            if check.confirmed
            else "; the attributions are not confirmed by it."
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
    costly = f"Shuffled one at a time, these cost most accuracy: {_costliest(use)}"
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
    layer, how, loss = ranked[0]
    sentences.append(
        f"Of its layers, {layer_name(layer)} contributes most: {how}, accuracy falls by "
        f"{lost(loss.drop)}{_range(loss)}."
        if loss.low > 0
        else "No single layer is shown to be needed: with the best linear map or the plain input in its "
        "place, no loss shows on these examples."
    )
    idle = [layer_name(layer) for layer, _, loss in costs if loss.high < 0.01]
    if idle:
        sentences.append(
            f"Hardly needed, since less in its place costs surely under 1 point: {listed(idle[:NAMED])}"
            f"{' and others' * (len(idle) > NAMED)}."
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
    number, _, rest = layer.part.name.partition(" ")
    return f"layer {number} ({rest})" if number.isdecimal() else layer.part.name


def _mildest(layer: LayerUse) -> tuple[str, Loss]:
    """Return the replacement that costs least, in words: what the layer adds to the best of less."""
    words = {
        "unchanged": "if its input is passed on as it is",
        "linear": "if the best linear map stands in for it",
        "constant": "if its average output stands in for it",
    }
    name = min(layer.losses, key=lambda one: layer.losses[one].drop)
    return words[name], layer.losses[name]


def _range(loss: Loss) -> str:
    return f" (95% interval {100 * loss.low:.1f} to {100 * loss.high:.1f})"


def _confusion_words(use: NetworkUse) -> list[str]:
    names, totals = use.trained.task.class_names, use.confusion.sum(1)
    pairs = confused_pairs(use.confusion, NAMED)
    if not pairs:
        return ["It makes no mistake on them."]
    named = [
        f"{names[row]} taken for {names[column]} ({count} of {totals[row]})" for row, column, count in pairs
    ]
    return [f"Its most frequent mistakes: {listed(named)}."]


def _calibration_words(use: NetworkUse) -> str:
    found = use.calibration
    off = (
        f"on average its stated probability is {abs(100 * found.gap):.1f} points "
        f"{'above' if found.gap > 0 else 'below'} how often it is right"
    )
    error = (
        f"expected calibration error {found.error:.3f}, 95% interval {found.error_low:.3f} to "
        f"{found.error_high:.3f}"
    )
    if found.uncorrected <= found.error_by_chance:
        return f"Its probabilities can be taken at their word, as far as these examples tell ({error})."
    if found.gap_low > 0:
        return f"It is too sure of itself: {off} ({error})."
    if found.gap_high < 0:
        return f"It is not sure enough of itself: {off} ({error})."
    return f"Its probabilities are off, too high for some examples and too low for others ({error})."
