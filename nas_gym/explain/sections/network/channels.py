"""What each channel of a signal or of a series is worth to a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nas_gym.explain.report import style
from nas_gym.explain.report.labels import name_ticks
from nas_gym.explain.report.phrases import finite, listed
from nas_gym.explain.section import Figure, Table
from nas_gym.tasks import Forecast

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

    from nas_gym.explain.sections.network.analysis import NetworkUse

NAMED, SHOWN = 3, 12


def channel_names(use: NetworkUse) -> list[str]:
    """Return the names of the channels, numbered where they have none."""
    task = use.trained.task
    return list(task.channel_names) or [f"channel {number + 1}" for number in range(task.input_shape[0])]


def words_of(use: NetworkUse) -> list[str]:
    """Return which channels it uses most, and what shuffling each costs, in a sentence."""
    if use.channels is None:
        return []
    drops, names = use.channels.mean(axis=0), channel_names(use)
    order = [int(number) for number in np.argsort(-drops, kind="stable")[:NAMED]]
    costs = listed([f"{names[number]} {round(100 * drops[number], 1) + 0.0:.1f}" for number in order])
    return [
        f"Of its {len(names)} channels it uses {names[order[0]]} most: shuffled among the examples, each by "
        f"itself, they cost points of {use.label}: {costs}."
    ]


def tables_of(use: NetworkUse) -> list[Table]:
    """Return what shuffling each channel costs, and its share of the attribution, the costliest first."""
    if use.channels is None:
        return []
    drops, names, shares = use.channels.mean(axis=0), channel_names(use), _shares(use)
    low, high = np.quantile(use.channels, (0.025, 0.975), axis=0)
    return [
        Table(
            "channels",
            f"The {use.label} that is lost if a channel is shuffled among validation examples, all of it at "
            f"most; what 95% of {len(use.channels)} shuffles cost; and the share of the attribution.",
            ("channel", "loss if shuffled", "from", "to", "attribution"),
            tuple(
                (
                    names[number],
                    float(drops[number]),
                    float(low[number]),
                    float(high[number]),
                    None if shares is None else finite(shares[number]),
                )
                for number in np.argsort(-drops, kind="stable").tolist()
            ),
        )
    ]


def figures_of(use: NetworkUse) -> list[Figure]:
    """Return what shuffling each channel costs, beside where along each of them the network looks."""
    if use.channels is None:
        return []
    names = channel_names(use)
    order = np.argsort(-use.channels.mean(axis=0), kind="stable")[:SHOWN]
    drops = 100 * use.channels[:, order]
    along = None if use.inputs is None else np.nan_to_num(use.inputs.importance)[order]
    is_series = isinstance(use.trained.task.target, Forecast)

    def draw(canvas: Canvas) -> None:
        count = 1 if along is None else 2
        shape = (count, 1) if style.is_narrow(canvas) else (1, count)
        panels = canvas.subplots(*shape, squeeze=False).ravel()
        bars = panels[0]
        low, high = np.quantile(drops, (0.025, 0.975), axis=0)
        middle = drops.mean(axis=0)
        spread = [np.maximum(0, middle - low), np.maximum(0, high - middle)]
        bars.barh(range(len(order)), middle, color=style.colour(0))
        bars.errorbar(middle, range(len(order)), xerr=spread, fmt="none", ecolor=style.muted())
        bars.axvline(0, color=style.muted(), linewidth=1)
        bars.set_ylim(len(order) - 0.5, -0.5)
        bars.grid(visible=False, axis="y")
        name_ticks(bars.yaxis, [names[number] for number in order])
        bars.set_xlabel(f"{use.label} lost if shuffled, points")
        if along is None:
            return
        points = along.shape[1]
        edges = (0.5, points + 0.5, len(order) - 0.5, -0.5)
        panels[1].imshow(along, aspect="auto", extent=edges, interpolation="nearest", cmap=style.SEQUENTIAL)
        panels[1].grid(visible=False)
        if style.is_narrow(canvas):
            name_ticks(panels[1].yaxis, [names[number] for number in order])
        else:
            panels[1].set_yticks([])
        panels[1].set_xlabel("steps back from the last one" if is_series else "point of the signal")
        if is_series:
            panels[1].xaxis.set_major_formatter(lambda point, _: f"{points - point:.0f}")

    where = "; beside it where along each channel the network looks, lighter for more" if use.inputs else ""
    costs = [f"{names[number]} {drop:.1f}" for number, drop in zip(order, drops.mean(axis=0), strict=True)]
    return [
        Figure(
            "channels",
            f"The {use.label} that is lost if a channel is shuffled among validation examples, with what 95% "
            f"of the shuffles cost{where}.",
            f"Points that shuffling costs: {'; '.join(costs)}.",
            draw,
            (7.0, 0.3 * len(order) + 1.2),
            2 * (0.3 * len(order) + 1.2),
        )
    ]


def numbers_of(use: NetworkUse) -> dict[str, Any]:
    """Return every number of the above, JSON-able."""
    if use.channels is None:
        return {}
    low, high = np.quantile(use.channels, (0.025, 0.975), axis=0)
    shares = _shares(use)
    return {
        "channels": {
            "names": channel_names(use),
            "drop": use.channels.mean(axis=0).tolist(),
            "low": low.tolist(),
            "high": high.tolist(),
            "attribution": None if shares is None else shares.tolist(),
        }
    }


def _shares(use: NetworkUse) -> np.ndarray | None:
    """Return the share of the attribution that each channel has, float64 (channels,)."""
    if use.inputs is None:
        return None
    sums = np.nan_to_num(use.inputs.importance).sum(axis=1)
    shares: np.ndarray = sums / max(float(sums.sum()), 1e-300)
    return shares
