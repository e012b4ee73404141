"""The picture of a landscape: how scores are spread, how noisy, how far, and what fidelities tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from nas_gym._colours import SERIES
from nas_gym.errors import StoreError
from nas_gym.tables.landscape.analysis import Landscape, spearman

BLUE, ORANGE, GREEN = SERIES[:3]
STYLE: Any = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6e6e6",
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "savefig.dpi": 120,
}
BINS = 60
LEFT_OUT = 0.05
"""Share of the worst architectures that may be off the axis of scores, so that the rest is seen."""


def draw_landscape(landscape: Landscape, path: Path) -> None:
    """Write the picture of a landscape as a PNG.

    Raises:
        NASGymError: if it cannot be written.
    """
    table = landscape.table
    with rc_context(STYLE):
        figure = Figure(figsize=(11, 7.6), layout="constrained")
        panels = figure.subplots(2, 2).ravel()
        _distribution(panels[0], landscape)
        _by_rank(panels[1], landscape)
        _by_distance(panels[2], landscape)
        if len(table.fidelities) > 1:
            _by_fidelity(panels[3], landscape)
        else:
            _seed_by_seed(panels[3], landscape)
        figure.suptitle(
            f"{table.benchmark} on {table.task}: {table.size:,} architectures of the "
            f"{table.search_space.name} space, {table.fidelities[-1]} epochs"
            + (f" ({table.measure}: a search selects on it)" * table.selects_on_test),
            x=0.01,
            ha="left",
        )
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            figure.savefig(path, format="png")
        except OSError as error:
            raise StoreError(
                f"the picture cannot be written to {path} ({error}): pass another path"
            ) from error


def _floor(values: np.ndarray) -> float:
    """Return where the axis of scores begins: at the worst, or above a long tail of few."""
    low, cut, high = float(values.min()), float(np.quantile(values, LEFT_OUT)), float(values.max())
    return low if cut - low < 0.3 * (high - low) else cut - 0.05 * (high - cut)


def _distribution(axes: Axes, landscape: Landscape) -> None:
    values = landscape.table.mean_score()
    floor = _floor(values)
    shown = values[values >= floor]
    axes.hist(shown, bins=BINS, color=BLUE)
    axes.axvline(values.max(), color=ORANGE)
    hidden = len(values) - len(shown)
    below = f"; {hidden:,} below {floor:.2f} not shown" if hidden else ""
    axes.set(
        title=f"Distribution, up to {values.max():.4f}{below}",
        xlabel=f"{landscape.table.measure}, mean over seeds",
        ylabel="architectures",
    )


def _by_rank(axes: Axes, landscape: Landscape) -> None:
    """Draw scores in order, the best first, with one deviation over seeds and the local optima."""
    values = landscape.table.mean_score()
    order = np.argsort(-values, kind="stable")
    places = np.arange(1, len(values) + 1)
    ranked = values[order]
    noise = 0.0 if landscape.noise is None else landscape.noise.deviation
    if noise:
        axes.fill_between(
            places,
            ranked - noise,
            ranked + noise,
            color=BLUE,
            alpha=0.2,
            lw=0,
            label=f"± seed noise {noise:.4f}",
        )
    axes.plot(places, ranked, color=BLUE)
    rank_of = np.empty(len(values), dtype=int)
    rank_of[order] = places
    tops = [members[0] for members in landscape.optima]
    label = f"{len(tops)} local optima"
    axes.plot(rank_of[tops], values[tops], "o", color=ORANGE, ms=4.5, label=label, zorder=3)
    axes.set(xscale="log", title="By rank", xlabel="rank, 1 is the best", ylabel=landscape.table.measure)
    margin = 0.03 * (values.max() - _floor(values)) + noise
    axes.set_ylim(_floor(values), values.max() + margin)
    axes.legend(loc="lower left")


def _by_distance(axes: Axes, landscape: Landscape) -> None:
    """Draw scores by the fewest edits to the optimum: median, middle half, and the best."""
    values, distances = landscape.table.mean_score(), landscape.distances
    steps = np.unique(distances[np.isfinite(distances)])
    groups = [values[distances == step] for step in steps]
    low, middle, high = np.array([np.quantile(group, (0.25, 0.5, 0.75)) for group in groups]).T
    axes.fill_between(steps, low, high, color=BLUE, alpha=0.2, lw=0, label="middle half")
    axes.plot(steps, middle, "o-", color=BLUE, label="median")
    axes.plot(steps, [group.max() for group in groups], "^--", color=ORANGE, label="best")
    for step, group in zip(steps, groups, strict=True):
        axes.annotate(
            f"{len(group):,}", (step, 0.01), xycoords=("data", "axes fraction"), ha="center", fontsize=8
        )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.margins(y=0.12)
    axes.set(
        title=f"By distance to the optimum (correlation {landscape.distance_correlation:.2f})",
        xlabel="fewest edits to the optimum (small numbers: how many architectures)",
        ylabel=landscape.table.measure,
    )
    axes.legend(loc="lower left", bbox_to_anchor=(0, 0.05))


def _by_fidelity(axes: Axes, landscape: Landscape) -> None:
    """Draw how well the mean at each fidelity ranks architectures."""
    table = landscape.table
    lines = {f"full {table.measure}": (table.mean_score(), BLUE, "o-")}
    if not table.selects_on_test:
        lines[f"test {table.metric}"] = (table.mean_test_score(), GREEN, "s--")
    for label, (target, colour, style) in lines.items():
        found = [spearman(table.mean_score(epochs), target) for epochs in table.fidelities]
        axes.plot(table.fidelities, found, style, color=colour, ms=4, label=f"with the {label}")
    axes.set(title="What a fidelity tells", xlabel="epochs", ylabel="Spearman correlation")
    axes.set_ylim(top=1.02)
    axes.legend(loc="lower right")


def _seed_by_seed(axes: Axes, landscape: Landscape) -> None:
    """Draw one seed against another, in the range where nearly all architectures are."""
    scores = landscape.table.scores()
    if scores.shape[1] < 2:
        axes.set_axis_off()
        return
    known = ~np.isnan(scores[:, :2]).any(axis=1)
    one, other = scores[known, 0], scores[known, 1]
    low, high = _floor(scores[known, :2]), float(max(one.max(), other.max()))
    axes.plot(one, other, ".", color=BLUE, ms=2, alpha=0.3)
    axes.plot((low, high), (low, high), color=ORANGE, lw=1)
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    first, second = landscape.table.seeds[landscape.table.fidelities[-1]][:2]
    axes.set(
        title=f"Seed by seed (Spearman {spearman(one, other):.2f})",
        xlabel=f"{landscape.table.metric} with seed {first}",
        ylabel=f"{landscape.table.metric} with seed {second}",
    )
