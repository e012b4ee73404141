"""Figures of what the found network uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nas_gym.explain.methods.attribution.network_layers import REPLACEMENTS
from nas_gym.explain.report import style
from nas_gym.explain.report.labels import LETTERS, labels, name_ticks, note_whole
from nas_gym.explain.report.phrases import listed, points
from nas_gym.explain.section import Figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

    from nas_gym.explain.sections.network.analysis import NetworkUse

IMAGE_LETTERS = 10
MOST_FEATURES, MOST_CLASSES, MOST_LAYERS = 15, 10, 20
LEGENDS = {
    "unchanged": "input passed on",
    "linear": "best linear map instead",
    "constant": "average output instead",
}


def figures_of(use: NetworkUse) -> tuple[Figure, ...]:
    """Return all figures of the section."""
    found = []
    if use.inputs is not None:
        kind = use.trained.task.kind
        found.append({"table": features, "signal": signals, "image": images}[kind](use))
    if use.layers:
        found.append(layers(use))
    return (*found, confusion_figure(use), reliability(use))


def features(use: NetworkUse) -> Figure:
    """Return attribution of a table's features, and what shuffling them costs."""
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
        right.set_xlabel("loss if shuffled, points")
        for axes in (left, right):
            axes.grid(visible=False, axis="y")

    top = [f"{names[number]} {share[number]:.0f}%" for number in order[:5]]
    return Figure(
        "features",
        "Left, how much of the network's answers each feature accounts for (integrated gradients); right, "
        "the accuracy that is lost if the feature is shuffled among the examples, with a line for 95% of the "
        "shuffles.",
        f"The features with the largest shares: {', '.join(top)}.",
        draw,
        (7.0, 0.27 * len(order) + 1.0),
    )


def signals(use: NetworkUse) -> Figure:
    """Return attribution along a signal, over all classes and for each."""
    assert use.inputs is not None
    names, found = use.trained.task.class_names, use.inputs
    whole = np.nan_to_num(found.importance).mean(0)
    by_class = np.nan_to_num(found.by_class[:MOST_CLASSES]).mean(1)
    by_class = by_class / np.maximum(by_class.sum(1, keepdims=True), 1e-300)

    def draw(canvas: Canvas) -> None:
        top, below = canvas.subplots(2, 1, sharex=True, height_ratios=(1, 1.4))
        points = np.arange(1, len(whole) + 1)
        top.bar(points, whole, width=0.9, color=style.colour(0))
        top.set_ylabel("all classes")
        top.set_yticks([])
        edges = (0.5, len(whole) + 0.5, len(by_class) - 0.5, -0.5)
        below.imshow(by_class, aspect="auto", extent=edges, interpolation="nearest", cmap=style.SEQUENTIAL)
        name_ticks(below.yaxis, names[: len(by_class)])
        below.grid(visible=False)
        below.set_ylabel("class")
        below.set_xlabel("point of the signal")

    peak = int(whole.argmax()) + 1
    return Figure(
        "signal",
        "Where along the signal the network looks: mean absolute attribution (integrated gradients) of "
        "validation examples, above of all of them, below its share within each class, lighter for more.",
        f"Attribution is highest at point {peak} of {len(whole)}.",
        draw,
        (7.0, 4.2),
    )


def images(use: NetworkUse) -> Figure:
    """Return a map for each class of where the network looks."""
    assert use.inputs is not None
    names, found = use.trained.task.class_names, use.inputs
    count = min(len(found.by_class), MOST_CLASSES)
    maps = np.nan_to_num(found.by_class[:count]).mean(1)
    slopes = np.nan_to_num(found.saliency_by_class[:count]).mean(1)
    x, y = use.trained.task.x_validation, use.trained.task.y_validation
    seen = np.array(
        [x[y == label].mean((0, 1)) if (y == label).any() else 0 * maps[0] for label in range(count)]
    )

    titles = labels(names[:count], IMAGE_LETTERS)

    def draw(canvas: Canvas) -> None:
        grid = canvas.subplots(3, count, squeeze=False)
        rows = (("mean image", seen), ("attribution", maps), ("gradient", slopes))
        for row, (title, shown) in enumerate(rows):
            grid[row, 0].set_ylabel(title)
            colours = style.SEQUENTIAL if row else "gray"
            for axes, image, name, label in zip(grid[row], shown, names, titles, strict=False):
                axes.imshow(image, cmap=colours, interpolation="nearest")
                axes.set_xticks([])
                axes.set_yticks([])
                axes.grid(visible=False)
                if row == 0:
                    title = axes.set_title(label, loc="center", fontsize=9, fontweight="normal")
                    note_whole(title, name)

    pixels = np.nan_to_num(found.importance).mean(0)
    row, column = np.unravel_index(int(pixels.argmax()), pixels.shape)
    return Figure(
        "images",
        "Where the network looks in validation examples of each class: above their mean, in the middle mean "
        "absolute attribution (integrated gradients), below mean absolute gradient; lighter is more.",
        f"Over all classes attribution is highest in row {row + 1}, column {column + 1} of "
        f"{pixels.shape[0]} by {pixels.shape[1]}.",
        draw,
        (0.85 * count + 0.8, 3.6),
    )


def layers(use: NetworkUse) -> Figure:
    """Return what is lost where each layer is replaced by less."""
    shown = use.layers[:MOST_LAYERS]
    present = [name for name in REPLACEMENTS if any(name in layer.losses for layer in shown)]

    def draw(canvas: Canvas) -> None:
        axes = canvas.add_subplot()
        height = 0.8 / len(present)
        for number, name in enumerate(present):
            rows = [row for row, layer in enumerate(shown) if name in layer.losses]
            losses = [shown[row].losses[name] for row in rows]
            places = [row + (number - (len(present) - 1) / 2) * height for row in rows]
            drops = [100 * loss.drop for loss in losses]
            spread = [
                [100 * max(0.0, loss.drop - loss.low) for loss in losses],
                [100 * max(0.0, loss.high - loss.drop) for loss in losses],
            ]
            axes.barh(places, drops, height * 0.9, color=style.colour(number), label=LEGENDS[name])
            axes.errorbar(drops, places, xerr=spread, fmt="none", ecolor=style.muted(), elinewidth=1.2)
        axes.axvline(0, color=style.muted(), linewidth=1)
        axes.set_yticks(range(len(shown)), [layer.part.name for layer in shown])
        axes.set_ylim(len(shown) - 0.5, -0.5)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("accuracy lost, percentage points")
        canvas.legend(loc="outside upper right", ncols=len(present))

    costs = [
        f"{layer.part.name} {100 * min(loss.drop for loss in layer.losses.values()):.1f} points"
        for layer in shown
    ]
    return Figure(
        "layers",
        "The accuracy that is lost on validation examples if less stands in for a layer, with 95% intervals: "
        "its input passed on where shapes allow, the best linear map of its input, or its average output.",
        f"Least that is lost: {'; '.join(costs)}.",
        draw,
        (7.0, 0.2 * len(present) * len(shown) + 0.25 * len(shown) + 1.2),
    )


def confusion_figure(use: NetworkUse) -> Figure:
    """Return which classes are taken for which."""
    matrix, names = use.confusion, use.trained.task.class_names
    share = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)

    def draw(canvas: Canvas) -> None:
        axes = canvas.add_subplot()
        picture = axes.imshow(share, cmap=style.SEQUENTIAL, vmin=0, vmax=1)
        if len(names) <= 20:
            for row, column in np.ndindex(*matrix.shape):
                colour = style.over(picture.cmap(picture.norm(share[row, column]))[:3])
                text = str(matrix[row, column])
                axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)
        name_ticks(axes.xaxis, names, letters)
        name_ticks(axes.yaxis, names, letters)
        if max(map(len, names)) > 3:
            axes.tick_params(axis="x", rotation=45)
            for label in axes.get_xticklabels():
                label.set_horizontalalignment("right")
                label.set_rotation_mode("anchor")
        axes.set_xlabel("called")
        axes.set_ylabel("class")
        axes.grid(visible=False)

    right = [f"{name} {share[number, number]:.0%}" for number, name in enumerate(names)]
    # A label takes room from the squares: the more of them there are, the shorter it is.
    letters = LETTERS if len(names) <= 8 else 18
    longest = min(letters, max(map(len, names)))
    side = min(6.5, 0.42 * len(names) + 1.2 + 0.07 * longest)
    return Figure(
        "confusion",
        "Validation examples of each class (row) by what the network called them (column); colours are "
        "shares of the row.",
        f"Right of each class: {listed(right[:20])}.",
        draw,
        (side + 0.4, side),
    )


def reliability(use: NetworkUse) -> Figure:
    """Return how often the network is right, by how sure it is."""
    found = use.calibration

    def draw(canvas: Canvas) -> None:
        axes = canvas.add_subplot()
        lowest = min(float(found.confidence.min()), float(found.low.min()))
        axes.plot([lowest, 1], [lowest, 1], color=style.muted(), linewidth=1, linestyle="--")
        spread = np.maximum(0, [found.score - found.low, found.high - found.score])
        axes.errorbar(found.confidence, found.score, yerr=spread, fmt="o-", color=style.colour(0))
        axes.set_xlabel("probability that the network states")
        axes.set_ylabel("share that is right")

    return Figure(
        "reliability",
        "How often the network is right, by how sure it says it is, in groups of equally many validation "
        "examples with 95% intervals; below the dashed line it is too sure.",
        f"Expected calibration error {found.error:.3f} (95% interval {found.error_low:.3f} to "
        f"{found.error_high:.3f}); stated minus true on average {points(found.gap)}.",
        draw,
        (4.6, 3.8),
    )
