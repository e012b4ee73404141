"""The report tables and sentences of a comparison of several objectives."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nas_agents.comparison.fronts.summary import Fronts, FrontSummary
from nas_agents.comparison.ranking import AgentSummary, Analysis
from nas_agents.comparison.tables import EFFORT_HEADS, effort_cells, interval, markdown_table
from nas_gym.common import code

LISTED = 12
"""Networks of a front that are listed; of a longer one as many, from its cheap end to its dear one."""
UNITS = {"latency": " (ms)"}

BY_FRONT = (
    "Agents are ranked and tested by hypervolume, of {objectives}: of the volume that {reference} dominates, "
    "the share that the front of a run does. Means have 95% intervals over more seeds of the same search. "
    "{valued}"
)
RECORDED = (
    "The exact front is that of all {size:,} networks of the table. A run's front is chosen by what the "
    "search saw and valued by the means over all recorded seeds at full fidelity; scores are validation "
    "{metric}, and test {metric} chooses nothing."
)
TOGETHER = (
    "No exact front is known here: the reference is the front of all networks that any run of this "
    "comparison evaluated, so shares belong to this comparison and say nothing beside another one. Scores "
    "are validation {metric} as the searches saw it, so the fronts are optimistic."
)
HOW_TO_READ = """\
- **Share of hypervolume**: the volume that the front of a run dominates, as a share of that of {reference}.
  It is normalised by ideal and nadir of {reference}, with the reference point 1.1. Networks count that were
  trained by the full recipe and did not fail. The table gives its mean over the agent's runs, by which agents
  are ranked and tested.
- **IGD+**: the mean distance, in the same frame, from {reference} to what a run found, by the objectives in
  which that is worse; lower is better, 0 where all was found. Median and quartiles over runs; a dash where a
  run has no network that counts.
- **Of the reference found**: the mean share of the points of {reference} that a run has, to the last digit.
- **Goes by**: an agent that goes by one objective alone, or by none, does not search for a front; its front
  is that of the networks that it happened to evaluate."""
FIGURES = """\
- **Fronts found**: the best score up to each value of a cost. The line is what half of an agent's runs
  attained or surpassed, the band lies between what three quarters and what a quarter of them did (empirical
  attainment surfaces)."""


def ranked_by(comparison: Analysis, fronts: Fronts) -> str:
    """Return what agents are ranked by, in sentences."""
    yardstick = fronts.yardstick
    valued = (RECORDED if yardstick.exact else TOGETHER).format(size=yardstick.size, metric=comparison.metric)
    return BY_FRONT.format(
        reference=fronts.reference_in_words, objectives=", ".join(fronts.objectives.names), valued=valued
    )


def front_ranking(comparison: Analysis, fronts: Fronts) -> str:
    """Return the ranking as a Markdown table."""
    heads = ("rank", "agent", "access", "goes by", "share of hypervolume", "IGD+", "of the reference found")
    rows = [
        (
            str(rank),
            row.agent,
            row.access,
            fronts.goes_by(row.agent),
            interval(row.score),
            _distance(fronts.rows[row.agent]),
            f"{fronts.rows[row.agent].found:.0%}",
            f"{fronts.rows[row.agent].networks:.1f}",
            *effort_cells(row),
        )
        for rank, row in zip(comparison.ranks, comparison.agents, strict=True)
    ]
    return markdown_table((*heads, "networks on the front", *EFFORT_HEADS), rows)


SHORT_HEADS = ("share of HV [95%]", "goes by", "IGD+")


def short_numbers(row: AgentSummary, fronts: Fronts) -> tuple[str, ...]:
    """Return the columns of `SHORT_HEADS`."""
    of_front = fronts.rows[row.agent]
    median = of_front.distance[0]
    distance = f"{median:.3f}".replace("0.", ".") if np.isfinite(median) else "-"
    goes_by = fronts.objectives[0].name if of_front.goes_by == "first" else of_front.goes_by
    return (interval(row.score).replace("0.", "."), goes_by, distance)


def networks_of_fronts(comparison: Analysis, fronts: Fronts) -> str:
    """Return the front of one run of each agent, the one in the middle, as a Markdown table."""
    tested = any(row.shown.tests for row in fronts.rows.values())
    tests = (f"test {comparison.metric}",) if tested and not comparison.selects_on_test else ()
    heads = tuple(f"{each.name}{UNITS.get(each.name, '')}" for each in fronts.objectives)
    rows = []
    for row in comparison.agents:
        shown = fronts.rows[row.agent].shown
        values = fronts.values(shown.gains)
        for number in _listed(shown.gains):
            amounts = [
                _amount(value, is_cost=each.is_cost)
                for value, each in zip(values[number], fronts.objectives, strict=True)
            ]
            network = code(shown.architectures[number])
            rows.append((row.agent, network, *amounts, *([f"{shown.tests[number]:.3f}"] if tests else [])))
    return markdown_table(("agent", "architecture", *heads, *tests), rows)


def about_networks(comparison: Analysis, fronts: Fronts) -> str:
    """Say which fronts are listed."""
    seeds = ", ".join(f"{row.agent} {fronts.rows[row.agent].shown_seed}" for row in comparison.agents)
    return (
        f"Of each agent the front of its run with the median share of hypervolume (by seed: {seeds}), "
        f"cheapest first; of a front of more than {LISTED} networks, {LISTED} spread over it."
    )


def how_to_read_fronts(fronts: Fronts) -> str:
    """Return what the columns and pictures of fronts are, as a Markdown list."""
    return f"{HOW_TO_READ.format(reference=fronts.reference_in_words)}\n{FIGURES}"


def _listed(gains: np.ndarray) -> Sequence[int]:
    """Return the numbers of networks of a front that are listed, the cheapest by the last objective first."""
    order = np.lexsort((gains[:, 0], -gains[:, -1]))
    if len(order) > LISTED:
        order = order[np.linspace(0, len(order) - 1, LISTED).round().astype(int)]
    numbers: list[int] = order.tolist()
    return numbers


def _amount(value: float, *, is_cost: bool) -> str:
    if not is_cost:
        return f"{value:.3f}"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _distance(row: FrontSummary) -> str:
    median, low, high = row.distance
    if not np.isfinite(median):
        return "-"
    return f"{median:.3f} [{low:.3f}, {high:.3f}]" if np.isfinite(high) else f"{median:.3f} [{low:.3f}, -]"
