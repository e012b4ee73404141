"""Figures of what the found network uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nas_gym.explain.methods.attribution.network_layers import REPLACEMENTS
from nas_gym.explain.report import style
from nas_gym.explain.report.labels import labels, name_ticks, note_whole
from nas_gym.explain.section import Figure
from nas_gym.explain.sections.network import channels, hidden_parts
from nas_gym.explain.sections.network.recordings import form_of_frames, recordings
from nas_gym.tasks import Forecast

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

    from nas_gym.explain.sections.network.analysis import NetworkUse

IMAGE_LETTERS = 10
NARROW_IMAGES = 5
MOST_FEATURES, MOST_OUTPUTS, MOST_LAYERS = 15, 10, 20
LEGENDS = {
    "unchanged": "input passed on",
    "linear": "best linear map instead",
    "constant": "average output instead",
}


def figures_of(use: NetworkUse) -> tuple[Figure, ...]:
    """Return all figures of the section, the first for the page; what cannot be trusted stands last."""
    from nas_gym.explain.sections.network.text import RELIABLE

    found = []
    is_drawn = use.inputs is not None and not use.hidden  # what is hidden has a figure of its own
    if is_drawn:
        draw = {"features": features, "signal": signals, "image": images}[use.trained.task.inputs]
        form = form_of_frames(use)
        found.append(draw(use) if form is None else recordings(use, form))
    found += [*hidden_parts.figures_of(use), *channels.figures_of(use)]
    if use.layers:
        found.append(layers(use))
    found += use.answers.figures()
    is_unsure = is_drawn and use.reliable < RELIABLE and use.trained.task.inputs != "features"
    return (*found[1:], found[0]) if is_unsure else tuple(found)


def features(use: NetworkUse) -> Figure:
    """Return the attribution of a table's features, and what shuffling them costs."""
    from nas_gym.explain.sections.network.text import feature_names

    assert use.inputs is not None
    names, importance = feature_names(use), np.nan_to_num(use.inputs.importance)
    share = 100 * importance / max(importance.sum(), 1e-300)
    order = np.argsort(-importance, kind="stable")[:MOST_FEATURES]
    drops = np.zeros((1, len(names))) if use.permutation is None else 100 * use.permutation

    def draw(canvas: Canvas) -> None:
        left, right = canvas.subplots(1, 2, sharey=True)
        rows = np.arange(len(order))
        left.barh(rows, share[order], color=style.colour(0))
        name_ticks(left.yaxis, [names[number] for number in order])
        left.set_ylim(len(order) - 0.5, -0.5)
        left.set_xlabel("share of attribution, %")
        low, high = np.quantile(drops[:, order], (0.025, 0.975), axis=0)
        right.barh(rows, drops[:, order].mean(0), color=style.colour(1))
        right.hlines(rows, low, high, color=style.muted(), linewidth=1.5)
        right.set_xlabel(f"{use.label} lost if shuffled, points")
        for axes in (left, right):
            axes.grid(visible=False, axis="y")

    top = [f"{names[number]} {share[number]:.0f}%" for number in order[:5]]
    return Figure(
        "features",
        "Left, how much of the network's answers each feature accounts for (integrated gradients); right, "
        f"the {use.label} that is lost if the feature is shuffled among the examples, with a line for 95% of "
        "the shuffles.",
        f"The features with the largest shares: {', '.join(top)}.",
        draw,
        (7.0, 0.24 * len(order) + 0.9),
        0.3 * len(order) + 1.2,
    )


def signals(use: NetworkUse) -> Figure:
    """Return the attribution along a signal, of all examples and by the explained output."""
    assert use.inputs is not None
    noun, names = use.answers.noun, use.trained.task.target.names
    whole = np.nan_to_num(use.inputs.importance).mean(0)
    by_output = np.nan_to_num(use.inputs.by_output[:MOST_OUTPUTS]).mean(1)
    by_output = by_output / np.maximum(by_output.sum(1, keepdims=True), 1e-300)
    several = len(by_output) > 1
    is_series = isinstance(use.trained.task.target, Forecast)

    def draw(canvas: Canvas) -> None:
        panels = canvas.subplots(
            1 + several, 1, sharex=True, squeeze=False, height_ratios=(1, 1.4)[: 1 + several]
        )
        points, top, bottom = np.arange(1, len(whole) + 1), panels[0, 0], panels[-1, 0]
        top.bar(points, whole, width=0.9, color=style.colour(0))
        top.set_ylabel(f"all {_plural(noun)}" if several else "attribution")
        top.set_yticks([])
        if several:
            edges = (0.5, len(whole) + 0.5, len(by_output) - 0.5, -0.5)
            bottom.imshow(
                by_output, aspect="auto", extent=edges, interpolation="nearest", cmap=style.SEQUENTIAL
            )
            name_ticks(bottom.yaxis, names[: len(by_output)])
            bottom.grid(visible=False)
            bottom.set_ylabel(noun)
        bottom.set_xlabel("steps back from the last one" if is_series else "point of the signal")
        if is_series:
            bottom.xaxis.set_major_formatter(lambda point, _: f"{len(whole) - point:.0f}")

    peak = int(whole.argmax()) + 1
    highest = f"{len(whole) - peak} steps back, of" if is_series else f"at point {peak} of"
    parts = f", above of all of them, below its share within each {noun}, lighter for more" if several else ""
    return Figure(
        "signal",
        f"{'How far back' if is_series else 'Where along the signal'} the network looks: mean absolute "
        f"attribution (integrated gradients) of validation examples{parts}.",
        f"Attribution is highest {highest} {len(whole)}.",
        draw,
        (7.0, 4.2 if several else 2.4),
    )


def images(use: NetworkUse) -> Figure:
    """Return maps of where the network looks, one for each explained output."""
    assert use.inputs is not None
    names, found = use.trained.task.target.names, use.inputs
    count = min(len(found.by_output), MOST_OUTPUTS)
    maps = np.nan_to_num(found.by_output[:count]).mean(1)
    slopes = np.nan_to_num(found.saliency_by_output[:count]).mean(1)
    x, explained = use.trained.task.x_validation, use.answers.explained
    seen = np.array(
        [
            x[explained == number].mean((0, 1)) if (explained == number).any() else 0 * maps[0]
            for number in range(count)
        ]
    )

    titles = labels(names[:count], IMAGE_LETTERS)

    def draw(canvas: Canvas) -> None:
        across = min(count, NARROW_IMAGES) if style.is_narrow(canvas) else count
        grid = canvas.subplots(3 * -(-count // across), across, squeeze=False)
        rows = (("mean image", seen), ("attribution", maps), ("gradient", slopes))
        for row, (title, shown) in enumerate(rows):
            colours = style.SEQUENTIAL if row else "gray"
            # Where there is no room beside each other the next outputs are below, again in three rows.
            places = np.concatenate(grid[row::3])
            for axes in grid[row::3, 0]:
                axes.set_ylabel(title)
            for axes in places[count:]:
                axes.set_axis_off()
            for axes, image, name, label in zip(places, shown, names, titles, strict=False):
                axes.imshow(image, cmap=colours, interpolation="nearest")
                axes.set_xticks([])
                axes.set_yticks([])
                axes.grid(visible=False)
                if row == 0:
                    title = axes.set_title(label, loc="center", fontsize=9, fontweight="normal")
                    note_whole(title, name)

    pixels = np.nan_to_num(found.importance).mean(0)
    row, column = np.unravel_index(int(pixels.argmax()), pixels.shape)
    noun = use.answers.noun
    of_each = f" of each {noun}" if count > 1 else ""
    over_all = f"Over all {_plural(noun)} a" if count > 1 else "A"
    return Figure(
        "images",
        f"Where the network looks in validation examples{of_each}: above their mean, in the middle mean "
        "absolute attribution (integrated gradients), below mean absolute gradient; lighter is more.",
        f"{over_all}ttribution is highest in row {row + 1}, column {column + 1} of "
        f"{pixels.shape[0]} by {pixels.shape[1]}.",
        draw,
        (max(2.0, 0.85 * count + 0.8), 3.6),
        0.4 + 2.4 * -(-count // NARROW_IMAGES),
    )


def layers(use: NetworkUse) -> Figure:
    """Return what is lost where each layer is replaced by less."""
    from nas_gym.explain.sections.network.text import lost

    shown = use.layers[:MOST_LAYERS]
    present = [name for name in REPLACEMENTS if any(name in one.drops for one in shown)]

    def draw(canvas: Canvas) -> None:
        axes = canvas.add_subplot()
        height = 0.8 / len(present)
        for number, name in enumerate(present):
            rows = [row for row, one in enumerate(shown) if name in one.drops]
            drops = [shown[row].drops[name] for row in rows]
            places = [row + (number - (len(present) - 1) / 2) * height for row in rows]
            sizes = [100 * one.drop for one in drops]
            spread = [
                [100 * max(0.0, one.drop - one.low) for one in drops],
                [100 * max(0.0, one.high - one.drop) for one in drops],
            ]
            axes.barh(places, sizes, height * 0.9, color=style.colour(number), label=LEGENDS[name])
            axes.errorbar(sizes, places, xerr=spread, fmt="none", ecolor=style.muted(), elinewidth=1.2)
        axes.axvline(0, color=style.muted(), linewidth=1)
        axes.set_yticks(range(len(shown)), [one.layer.name for one in shown])
        axes.set_ylim(len(shown) - 0.5, -0.5)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(f"{use.label} lost, percentage points")
        canvas.legend(loc="outside upper right", ncols=style.columns(canvas, len(present)))

    costs = [f"{one.layer.name} {lost(min(drop.drop for drop in one.drops.values()))}" for one in shown]
    return Figure(
        "layers",
        f"The {use.label} that is lost on validation examples if less stands in for a layer, with 95% "
        "intervals: its input passed on where shapes allow, the best linear map of its input, or its average "
        "output.",
        f"Least that is lost: {'; '.join(costs)}.",
        draw,
        (7.0, 0.2 * len(present) * len(shown) + 0.25 * len(shown) + 1.2),
        0.2 * len(present) * len(shown) + 0.3 * len(shown) + 1.7,
    )


def _plural(noun: str) -> str:
    return f"{noun}es" if noun.endswith("s") else f"{noun}s"
