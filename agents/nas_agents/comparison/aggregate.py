"""A comparison in TensorBoard: one run an agent, whatever the number of its seeds, and one for all of them.

Test scores stay in the report: nothing that is looked at while searches are made and tuned shows them.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
from PIL import Image

from nas_agents.comparison.curves import Curve, Quartiles, quartiles_by_evaluations
from nas_agents.comparison.fronts.report import SHORT_HEADS, ranked_by, short_numbers
from nas_agents.comparison.fronts.summary import Fronts
from nas_agents.comparison.ranking import AgentSummary, Analysis
from nas_agents.comparison.records import Run, by_agent
from nas_agents.comparison.report import Setting
from nas_agents.comparison.tables import markdown_table
from nas_gym.traces import About, EventFile, custom_scalars, png_summary, text_summary

TAGS = tuple(f"incumbent/{part}" for part in ("interquartile_mean", "lower", "upper"))
MEAN_TAGS = tuple(f"incumbent/{part}" for part in ("mean", "lower", "upper"))
SPREAD = ("mean", "median", "lower_quartile", "upper_quartile")
SPREAD_TAGS = tuple(f"incumbent_over_runs/{part}" for part in SPREAD)
FRONT_TAGS = tuple(f"hypervolume/{part}" for part in ("mean", "lower", "upper"))
FRONT_SPREAD_TAGS = tuple(f"hypervolume_over_runs/{part}" for part in SPREAD)
REGRET_TAGS = tuple(f"regret/{part}" for part in ("mean", "lower", "upper"))
TIMED_REGRET_TAGS = tuple(f"regret_by_millisecond/{part}" for part in ("mean", "lower", "upper"))
CHART = "best {metric} so far, as seen (optimistic): {estimand} and 95% band"
SPREAD_CHART = "best {metric} so far, as seen (optimistic): median and quartiles of the runs"
REGRET_CHARTS = {
    "regret by distinct evaluation: mean and 95% band": ["Margin", list(REGRET_TAGS)],
    "regret by recorded millisecond: mean and 95% band": ["Margin", list(TIMED_REGRET_TAGS)],
}
MILLISECONDS = 1000
# A picture of many agents has a thousand points of text; wider ones grow the file without being read.
WIDEST = 1400
SHOWS_TEST_SCORES = ("scores", "improvement")
FRONT_CHART = "share of hypervolume: mean and 95% band"
FRONT_SPREAD_CHART = "share of hypervolume: median and quartiles of the runs"


def write_aggregate(
    comparison: Analysis,
    folder: Path,
    runs: Sequence[Run] = (),
    setting: Setting | None = None,
    figures: Sequence[Path] = (),
) -> None:
    """Write one TensorBoard run per agent into ``folder/<agent>``, in place of an earlier comparison.

    What the searches saw is written and, where the optimum is known, the regret of it; the test score
    stays in the report. Its size grows with the number of agents, and not with that of their runs.

    Args:
        comparison: comparison that is written.
        folder: folder of the runs.
        runs: the finished runs, for their quartiles.
        setting: what was compared; with it the folder itself is a run of the comparison's table and figures.
        figures: the figures of the report, PNG files.
    """
    shutil.rmtree(folder, ignore_errors=True)
    spread = {agent: quartiles_by_evaluations(group) for agent, group in by_agent(runs).items()}
    tags, spread_tags = _tags(comparison)
    several = comparison.fronts is not None
    chart, spread_chart = (FRONT_CHART, FRONT_SPREAD_CHART) if several else (CHART, SPREAD_CHART)
    charts = {
        chart.format(metric=comparison.metric, estimand=comparison.estimand.name): ["Margin", list(tags)]
    }
    if spread:
        charts[spread_chart.format(metric=comparison.metric)] = ["Margin", list(spread_tags[1:])]
    charts |= REGRET_CHARTS if comparison.has_regret else {}
    for agent, curve in comparison.evaluation_curves.items():
        with closing(EventFile(folder / agent)) as events:
            events.summary(custom_scalars({"comparison": charts}))
            _write_curve(events, tags, curve, curve.x)
            if agent in spread:
                _write_spread(events, spread_tags, spread[agent])
            if comparison.has_regret:
                regret, timed = comparison.evaluation_regrets[agent], comparison.second_regrets[agent]
                _write_curve(events, REGRET_TAGS, regret, regret.x)
                _write_curve(events, TIMED_REGRET_TAGS, timed, timed.x * MILLISECONDS)
    if setting is not None:
        with closing(EventFile(folder)) as events:
            events.summary(text_summary("0_comparison", _page(comparison, spread, setting)), 0)
            for figure in figures:
                if comparison.has_regret or several or figure.stem not in SHOWS_TEST_SCORES:
                    _write_figure(events, figure, setting.where)


def _tags(comparison: Analysis) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the tags of the curve of an agent, and those of the spread of its runs."""
    if comparison.fronts is not None:
        return FRONT_TAGS, FRONT_SPREAD_TAGS
    return (MEAN_TAGS if comparison.has_regret else TAGS), SPREAD_TAGS


def _write_curve(events: EventFile, tags: Sequence[str], curve: Curve, steps: np.ndarray) -> None:
    for step, *values in zip(steps, curve.value, curve.lower, curve.upper, strict=True):
        events.scalars(dict(zip(tags, values, strict=True)), round(float(step)))


def _write_spread(events: EventFile, tags: Sequence[str], found: Quartiles) -> None:
    for step, *values in zip(found.x, found.mean, found.median, found.lower, found.upper, strict=True):
        events.scalars(dict(zip(tags, values, strict=True)), int(step))


def _write_figure(events: EventFile, figure: Path, where: str) -> None:
    with Image.open(figure) as opened:
        picture = opened.convert("RGB")
    picture.thumbnail((WIDEST, WIDEST))
    # Figures have few colours, and a palette takes a third of the bytes; that of the widest coverage keeps
    # the colours of thin lines apart.
    file, words = io.BytesIO(), figure.stem.replace("_", " ")
    picture.quantize(256, Image.Quantize.MAXCOVERAGE).save(file, "PNG", optimize=True)
    about = About(words, f"{words}, {where}. Its text is read at actual size.")
    events.summary(png_summary(f"comparison/{figure.stem}", file.getvalue(), *picture.size, about), 0)


def _page(comparison: Analysis, spread: dict[str, Quartiles], setting: Setting) -> str:
    """Return the table of all agents, as Markdown: what their searches saw, without test scores."""
    if comparison.fronts is not None:
        return _front_page(comparison, comparison.fronts, setting)
    regret = ["mean regret", "at the optimum"] if comparison.has_regret else []
    # TensorBoard breaks words where a table has many columns.
    heads = ["agent (access)", "runs", "mean", "median [quartiles]", *regret, "evals", "time (s)"]
    order = (
        comparison.agents
        if comparison.has_regret
        else sorted(comparison.agents, key=lambda row: -row.seen.value)
    )
    rows = [_row(row, spread.get(row.agent), with_regret=comparison.has_regret) for row in order]
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n\n".join(
        [
            f"**{setting.where}**: {len(rows)} agents, {setting.effort}.",
            f"Best {comparison.metric} that the searches saw at their end, over runs (optimistic, since "
            "it was selected on), and mean evaluations and recorded seconds of a run:",
            "\n".join(f"| {' | '.join(line)} |" for line in lines),
            *setting.cautions,
            *setting.missing,
            "The ranking with its intervals and tests, and every test score, are in comparison.md, beside "
            "the folder of this run. Charts of agents: CUSTOM SCALARS; figures: IMAGES, at actual size.",
        ]
    )


def _row(row: AgentSummary, spread: Quartiles | None, *, with_regret: bool) -> list[str]:
    seen = ["-", "-"]
    if spread is not None:
        mean, median, lower, upper = (
            f"{each[-1]:.4f}".replace("0.", ".")
            for each in (spread.mean, spread.median, spread.lower, spread.upper)
        )
        seen = [mean, f"{median} [{lower}, {upper}]"]
    regret: list[str] = []
    if with_regret and row.regret is not None:
        regret = [f"{row.regret.value:.5f}".replace("0.", "."), f"{row.optimal:.0%}"]
    agent = row.agent.replace("|", "\\|")
    numbers = [f"{row.evaluations:.0f}", f"{row.seconds:.1f}"]
    return [f"{agent} ({row.access})", str(row.runs), *seen, *regret, *numbers]


def _front_page(comparison: Analysis, fronts: Fronts, setting: Setting) -> str:
    """Return the table of all agents where there are several objectives."""
    heads = ("agent (access)", "runs", *SHORT_HEADS, "evals", "time (s)")
    rows = [
        (
            f"{row.agent} ({row.access})",
            str(row.runs),
            *short_numbers(row, fronts),
            f"{row.evaluations:.0f}",
            f"{row.seconds:.1f}",
        )
        for row in comparison.agents
    ]
    return "\n\n".join(
        [
            f"**{setting.where}**: {len(rows)} agents, {setting.effort}.",
            ranked_by(comparison, fronts),
            markdown_table(heads, rows),
            *setting.cautions,
            *comparison.notes,
            *setting.missing,
            "The tests, what the columns are and the networks are in comparison.md, beside the folder of "
            "this run. Charts of agents: CUSTOM SCALARS; figures: IMAGES, at actual size.",
        ]
    )
