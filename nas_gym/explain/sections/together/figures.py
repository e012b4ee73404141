"""The pictures of several runs: what each run found, where agents look, what the best networks share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np

from nas_gym.explain.evidence.together import Together
from nas_gym.explain.report import style
from nas_gym.explain.report.labels import labels, shortened
from nas_gym.explain.report.phrases import listed, percent
from nas_gym.explain.section import Figure
from nas_gym.explain.sections.together.agents import Agents, Option
from nas_gym.explain.sections.together.best import MARGIN, BestNetworks
from nas_gym.explain.sections.together.kinds import Kinds

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

WIDTH = 6.4
MOST_OPTIONS, MOST_NETWORKS = 24, 12


def found_figure(together: Together, best: BestNetworks, label: str) -> Figure:
    """Return what each run found, by agent."""
    names = together.agents
    points = [
        [one.score for run in together.of(name) if (one := best.of(run.chosen)) is not None] for name in names
    ]
    top = best.best.score

    def draw(canvas: Canvas) -> None:
        axes = canvas.subplots()
        axes.axvspan(100 * (top - MARGIN), 100 * top, color=style.good(), alpha=0.25, linewidth=0)
        rng = np.random.default_rng(0)
        for row, scores in enumerate(points):
            heights = row + rng.uniform(-0.18, 0.18, len(scores))
            axes.plot(
                [100 * score for score in scores],
                heights,
                "o",
                color=style.colour(0),
                markeredgecolor=style.paper(),
                markersize=6,
                linestyle="none",
            )
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel(f"{label} of the network that a run chose (%)")

    said = [
        f"{name} {sum(score >= top - MARGIN for score in scores)} of {len(scores)}"
        for name, scores in zip(names, points, strict=True)
    ]
    return Figure(
        "found",
        f"What each run found: a dot is the network that a run chose, by {best.source}. In the band lie "
        "those within a point of the best.",
        f"Runs that chose a network within a point of the best: {listed(said)}.",
        draw,
        (WIDTH, 1.2 + 0.42 * len(names)),
    )


def tried_figure(together: Together, best: BestNetworks, label: str) -> Figure:
    """Return which agents tried each of the best networks."""
    names, networks = together.agents, best.leading[:MOST_NETWORKS]
    counts = np.array(
        [[sum(together.runs[n].agent == name for n in one.tried_by) for name in names] for one in networks]
    )

    def draw(canvas: Canvas) -> None:
        axes = canvas.subplots()
        top = max(1, int(counts.max()))
        axes.imshow(counts, cmap=style.SEQUENTIAL, vmin=0, vmax=top, aspect="auto")
        colours = mpl.colormaps[style.SEQUENTIAL]
        for (row, column), count in np.ndenumerate(counts):
            colour = style.over(colours(count / top))
            axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=9)
        axes.set_xticks(
            range(len(names)),
            [shortened(name, 16) for name in names],
            rotation=25,
            ha="right",
            rotation_mode="anchor",
        )
        axes.set_yticks(
            range(len(networks)),
            [f"{name}  {100 * one.score:.1f}%" for name, one in zip(shown, networks, strict=True)],
        )
        _without_lines(axes)
        axes.set_xlabel("runs of the agent that tried it")

    shown = labels([str(one) for one in networks], 26)
    tried = [f"{name} {int((counts[:, column] > 0).sum())}" for column, name in enumerate(names)]
    return Figure(
        "tried",
        f"The best networks with their {label}, and in how many runs each agent tried them.",
        f"Of these {len(networks)} networks each agent tried: {listed(tried)}.",
        draw,
        (WIDTH, 1.4 + 0.32 * len(networks)),
    )


def uses_figure(agents: Agents, choices: Sequence[str]) -> Figure:
    """Return how the networks of each agent spread over the options of choices."""
    options = [option for name in choices for option in agents.options if option.choice == name][
        :MOST_OPTIONS
    ]
    table = [{use.option: use for use in agent.uses} for agent in agents.agents]
    shares = np.array(
        [
            [np.nan if (value := uses[option].share.estimate) is None else float(value) for uses in table]
            for option in options
        ]
    )
    marks = {
        (row, column): "*" if uses[option].more.is_shown else ""
        for row, option in enumerate(options)
        for column, uses in enumerate(table)
    }

    def draw(canvas: Canvas) -> None:
        axes = canvas.subplots()
        top = max(0.01, float(np.nanmax(shares)))
        axes.imshow(np.ma.masked_invalid(shares), cmap=style.SEQUENTIAL, vmin=0, vmax=top, aspect="auto")
        colours = mpl.colormaps[style.SEQUENTIAL]
        for (row, column), mark in marks.items():
            share = shares[row, column]
            if np.isnan(share):
                continue
            text = "0" if share == 0 else f"{100 * share:.0f}"
            axes.text(
                column,
                row,
                f"{text}{mark}",
                ha="center",
                va="center",
                color=style.over(colours(share / top)),
                fontsize=9,
            )
        axes.set_xticks(
            range(len(table)),
            [shortened(agent.name, 16) for agent in agents.agents],
            rotation=25,
            ha="right",
            rotation_mode="anchor",
        )
        axes.set_yticks(range(len(options)), [str(option) for option in options])
        _without_lines(axes)
        axes.set_xlabel("agent; % of its networks that have the choice")

    return Figure(
        "uses",
        "Where each agent looks: the share of its networks (mean over its runs) with each option, in per "
        "cent. A star marks what differs from the other agents by more than chance gives.",
        f"Shares that differ beyond chance: {listed(_starred(agents, options)) or 'none'}.",
        draw,
        (WIDTH, 1.5 + 0.3 * len(options)),
    )


def _starred(agents: Agents, options: Sequence[Option]) -> list[str]:
    return [
        f"{agent.name} on {use.option} {percent(float(use.share.estimate or 0.0))}"
        for agent in agents.agents
        for use in agent.uses
        if use.option in options and use.more.is_shown
    ]


def kinds_figure(together: Together, best: BestNetworks, kinds: Kinds, mattering: Sequence[str]) -> Figure:
    """Return the best networks and their options of the choices that matter."""
    groups = kinds.kinds[:12]
    variables = together.evidence.search_space.variables
    codes = np.full((len(groups), len(mattering)), np.nan)
    for row, kind in enumerate(groups):
        for column, name in enumerate(mattering):
            if kind.options[name] in variables[name].choices:
                codes[row, column] = variables[name].choices.index(kind.options[name])
    most = max(len(variables[name].choices) for name in mattering)

    def draw(canvas: Canvas) -> None:
        axes = canvas.subplots()
        for row, kind in enumerate(groups):
            for column, name in enumerate(mattering):
                code = codes[row, column]
                fill = style.faint() if np.isnan(code) else style.colour(int(code) % 7)
                axes.barh(
                    row, 0.92, left=column - 0.46, height=0.8, color=fill, alpha=0.35 if most <= 7 else 0.2
                )
                axes.text(
                    column,
                    row,
                    shortened(kind.options[name], 12),
                    ha="center",
                    va="center",
                    fontsize=9,
                    color=style.ink(),
                )
        axes.set_xlim(-0.5, len(mattering) - 0.5)
        axes.set_ylim(len(groups) - 0.5, -0.5)
        axes.set_xticks(range(len(mattering)), mattering, rotation=25, ha="right", rotation_mode="anchor")
        axes.set_yticks(
            range(len(groups)), [f"{len(kind.networks)} of {len(best.leading)}" for kind in groups]
        )
        _without_lines(axes)
        axes.set_ylabel("networks")

    said = [
        f"{len(kind.networks)} with {listed([f'{name} {value}' for name, value in kind.options.items()])}"
        for kind in groups[:4]
    ]
    return Figure(
        "kinds",
        "The best networks by their options of the choices that matter most: a row is a kind of network, "
        "and says how many of the best are of it.",
        f"Kinds of the best networks: {'; '.join(said)}.",
        draw,
        (WIDTH, 1.5 + 0.36 * len(groups)),
    )


def overlap_figure(agents: Agents) -> Figure:
    """Return how much the runs of every two agents have in common."""
    names = [agent.name for agent in agents.agents]
    values = agents.overlap

    def draw(canvas: Canvas) -> None:
        axes = canvas.subplots()
        top = max(0.01, float(np.nanmax(values)) if not np.isnan(values).all() else 0.01)
        axes.imshow(np.ma.masked_invalid(values), cmap=style.SEQUENTIAL, vmin=0, vmax=top, aspect="auto")
        colours = mpl.colormaps[style.SEQUENTIAL]
        for (row, column), value in np.ndenumerate(values):
            if not np.isnan(value):
                colour = style.over(colours(value / top))
                axes.text(
                    column, row, f"{100 * value:.0f}", ha="center", va="center", color=colour, fontsize=9
                )
        axes.set_xticks(
            range(len(names)),
            [shortened(name, 16) for name in names],
            rotation=25,
            ha="right",
            rotation_mode="anchor",
        )
        axes.set_yticks(range(len(names)), names)
        _without_lines(axes)

    own = [
        f"{name} {percent(float(values[n, n]))}" for n, name in enumerate(names) if not np.isnan(values[n, n])
    ]
    return Figure(
        "overlap",
        "What two runs have in common: networks that both evaluated, in per cent of those that either did; "
        "mean over pairs of runs, on the diagonal of the same agent.",
        f"Runs of one agent have in common: {listed(own) or 'unknown, each has one run'}.",
        draw,
        (WIDTH, 1.4 + 0.38 * len(names)),
    )


def _without_lines(axes: Any) -> None:
    axes.grid(visible=False)
    for side in axes.spines.values():
        side.set_visible(False)
