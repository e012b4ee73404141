"""The figures of fronts: what half of an agent's runs attained, and between which quartiles they lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import EngFormatter

from nas_agents.comparison.fronts.summary import Fronts
from nas_agents.comparison.plot_style import look
from nas_agents.comparison.ranking import Analysis
from nas_gym.common import INK, MUTED
from nas_gym.envs import Objective, attainment_front, nondominated

MEDIAN, QUARTILES = 0.5, (0.75, 0.25)
"""Shares of the runs that attain a surface; the lower end of a band is what most attain."""
MOST_COLUMNS = 3
WIDE_RANGE = 30
"""Ratio of the dearest to the cheapest network of a front from which costs are drawn by their logarithm."""
ABOVE, BELOW = 0.05, 0.12
ROUNDING = 1e-12
UNITS = {"latency": " (ms)"}
PREFIX = "front_"


@dataclass(frozen=True)
class Plane:
    """Two objectives that fronts are drawn in.

    Attributes:
        across: number of the one along the x axis.
        up: number of the one along the y axis.
        objectives: the two.
    """

    across: int
    up: int
    objectives: tuple[Objective, Objective]

    @property
    def name(self) -> str:
        """Name of the figure."""
        return f"{PREFIX}{self.objectives[0].name}"


def planes(fronts: Fronts) -> tuple[Plane, ...]:
    """Return the planes of figures: the score, or else the first objective, by each of the others."""
    names = fronts.objectives.names
    up = names.index("score") if "score" in names else 0
    every = fronts.objectives
    return tuple(Plane(n, up, (each, every[up])) for n, each in enumerate(every) if n != up)


def attained_fronts(comparison: Analysis, fronts: Fronts, plane: Plane, where: str) -> Figure:
    """Draw a panel for each agent, best first: its median front with a band, the reference, and the others.

    Args:
        comparison: comparison that is drawn.
        fronts: what was found.
        plane: the objectives along the axes.
        where: environment, space and task, for the title.
    """
    agents = [row.agent for row in comparison.agents]
    order = sorted(fronts.found)
    columns = min(MOST_COLUMNS, len(agents))
    lines = -(-len(agents) // columns)
    figure = Figure(figsize=(1.2 + 3.3 * columns, 1.6 + 2.7 * lines), layout="constrained")
    panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
    surface = Surfaces(fronts, plane)
    medians = {agent: surface.attained(agent, MEDIAN) for agent in agents}
    for panel, agent in zip(panels, agents, strict=False):
        for other in agents:
            if other != agent:
                panel.step(surface.x, medians[other], where="post", color=MUTED, linewidth=0.8, alpha=0.45)
        panel.step(surface.x, surface.reference, where="post", color=INK, linewidth=1.2, linestyle=":")
        colour = look(order.index(agent))[0]
        low, high = (surface.attained(agent, share).clip(surface.bottom, surface.top) for share in QUARTILES)
        panel.fill_between(surface.x, low, high, step="post", color=colour, alpha=0.25, linewidth=0)
        panel.step(surface.x, medians[agent], where="post", color=colour, linewidth=2)
        goes_by = fronts.rows[agent].goes_by
        panel.set_title(
            agent if goes_by == "front" else f"{agent}\n(goes by {fronts.goes_by(agent)})", fontsize=11
        )
    for panel in panels[len(agents) :]:
        panel.set_visible(False)
    _axes(panels, comparison, plane, surface, columns)
    reference = fronts.reference_in_words.removeprefix("the ")
    figure.suptitle(f"Fronts found, {where}", x=0.01, ha="left", fontsize=12)
    figure.legend(
        handles=[
            Line2D([], [], color=MUTED, linewidth=2, label="median of the runs"),
            Patch(color=MUTED, alpha=0.35, label="quartiles"),
            Line2D([], [], color=MUTED, linewidth=0.8, alpha=0.6, label="medians of the others"),
            Line2D([], [], color=INK, linewidth=1.2, linestyle=":", label=reference),
        ],
        loc="outside lower center",
        ncols=4 if columns > 2 else 2,
        fontsize=10,
    )
    return figure


class Surfaces:
    """Step functions on one grid: the best of the one objective up to each value of the other.

    Attributes:
        x: where any of them steps, and the ends of the axis, float (steps,).
        reference: the reference front, float (steps,).
        bottom, top: the ends of the y axis.
    """

    def __init__(self, fronts: Fronts, plane: Plane) -> None:
        pair = [plane.up, plane.across]
        self._units = [-(each.scale or 1.0) if each.is_cost else 1.0 for each in reversed(plane.objectives)]
        self._runs = {agent: [gains[:, pair] for gains in each] for agent, each in fronts.found.items()}
        exact = fronts.yardstick.reference[:, pair]
        exact = exact[nondominated(exact)]
        up, steps = (exact * self._units).T
        first, last = float(steps.min()), float(steps.max())
        self.wide = first > 0 and last / first > WIDE_RANGE
        beyond = last * (last / first) ** ABOVE if self.wide else last + ABOVE * _span(steps)
        found = [points[:, 1] * self._units[1] for each in self._runs.values() for points in each]
        self.x = np.unique(np.concatenate([steps, *found, [beyond]]))
        self.x = self.x[(self.x >= first) & (self.x <= beyond)]
        self.reference = self._best(exact)
        # There is more room on the worse side, where the other agents are.
        worse, better = (ABOVE, BELOW) if plane.objectives[1].is_cost else (BELOW, ABOVE)
        self.bottom, self.top = up.min() - worse * _span(up), up.max() + better * _span(up)

    def attained(self, agent: str, share: float) -> np.ndarray:
        """Return what a share of the runs of an agent attained, float (steps,); infinite where nothing."""
        runs = self._runs[agent]
        if not any(len(points) for points in runs):
            return np.full(len(self.x), -np.inf) * self._units[0]
        return self._best(attainment_front(runs, share))

    def _best(self, points: np.ndarray) -> np.ndarray:
        """Return the best y up to each x of points of gains."""
        reached = points[None, :, 1] * self._units[1] <= self.x[:, None] * (1 + ROUNDING)
        gains = np.where(reached, points[None, :, 0], -np.inf).max(axis=1, initial=-np.inf)
        found: np.ndarray = gains * self._units[0]
        return found


def _span(values: np.ndarray) -> float:
    """Return the range of values, or of a single one its size, so that an axis has a length."""
    return float(np.ptp(values)) or float(np.abs(values).max()) or 1.0


def _axes(panels: np.ndarray, comparison: Analysis, plane: Plane, surface: Surfaces, columns: int) -> None:
    across, up, count = plane.objectives[0], plane.objectives[1], len(comparison.agents)
    for number, panel in enumerate(panels[:count]):
        if surface.wide:
            panel.set_xscale("log")
        panel.set_xlim(surface.x[0], surface.x[-1])
        panel.set_ylim(surface.bottom, surface.top)
        if across.name != "latency" and not surface.wide:
            panel.xaxis.set_major_formatter(EngFormatter(sep=""))
            panel.locator_params(axis="x", nbins=5)
        if up.is_cost and up.name != "latency":
            panel.yaxis.set_major_formatter(EngFormatter(sep=""))
        if number % columns == 0:
            panel.set_ylabel(comparison.seen if up.name == "score" else _label(up.name))
        if number + columns >= count:
            panel.set_xlabel(_label(across.name))
            panel.tick_params(labelbottom=True)


def _label(name: str) -> str:
    return {"flops": "FLOPs"}.get(name, name) + UNITS.get(name, "")
