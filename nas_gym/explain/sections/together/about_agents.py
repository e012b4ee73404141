"""Where the agents look, and what they miss, as a section."""

from __future__ import annotations

from typing import Any

from nas_gym.explain.fact import Fact
from nas_gym.explain.report.phrases import counted, listed, percent
from nas_gym.explain.section import Section, Table
from nas_gym.explain.sections.together.agents import Agents, untried_fact
from nas_gym.explain.sections.together.figures import overlap_figure, uses_figure
from nas_gym.explain.sections.together.findings import Findings, gap_of, interval_of
from nas_gym.explain.sections.together.text_agents import MOST_USES, where_agents_look

AGENTS = ("agents", "Where do the agents look, and what do they miss?")
SHOWN_CHOICES = 4
"""Choices of the heat map where none is shown to matter."""


def agents_section(found: Findings) -> Section:
    """Return the section on agents."""
    agents, together = found.agents, found.together
    ranked = [] if isinstance(found.choices, str) else [one.name for one in found.choices.choices]
    shown = [one.name for one in found.shown] or ranked or list(together.evidence.search_space.variables)
    uses = uses_figure(agents, shown[:SHOWN_CHOICES])
    answer = [" ".join(where_agents_look(found, MOST_USES)), *_untried(found)]
    return Section(
        *AGENTS,
        tuple(answer),
        trust=(
            "A share is the mean over the runs of an agent, with a bootstrap interval over runs; of few runs "
            "there is none. Differences to the other agents have intervals that hold for all agents and "
            "options at once, by permutation of runs. That an agent looks somewhere more often is no reason "
            "why it did better or worse."
        ),
        tables=(_overlap_table(agents), _options_table(agents)),
        figures=(uses, overlap_figure(agents)),
        numbers=_numbers(agents),
        facts=(
            *(untried_fact(agent, use) for agent in agents.agents for use in agent.untried),
            *(use.more for agent in agents.agents for use in agent.uses),
            *(fact for agent in agents.agents for fact in (agent.own, agent.others, agent.own_more)),
        ),
    )


def _overlap_table(agents: Agents) -> Table:
    """Return the table of the networks that two runs have in common."""
    rows = tuple(
        (agent.name, *(_share(fact) for fact in (agent.own, agent.others)), gap_of(agent.own_more))
        for agent in agents.agents
    )
    return Table(
        "overlap",
        "Networks that two runs have in common, in per cent of those that either tried: of two runs "
        "of the agent, of one and a run of another, and the difference in points (95% intervals "
        "over runs).",
        ("agent", "with itself", "with others", "difference"),
        rows,
    )


def _options_table(agents: Agents) -> Table:
    """Return the table of the options that agents tried."""
    rows = tuple(
        (
            agent.name,
            use.option.choice,
            use.option.value,
            None if use.share.estimate is None else percent(use.share.value),
            interval_of(use.share),
            use.evaluations,
            gap_of(use.more),
            "yes" if use.more.is_shown else "no",
        )
        for agent in agents.agents
        for use in agent.uses
    )
    return Table(
        "options",
        "The share of each option in the networks that an agent tried and that have the choice: "
        "mean over runs with its 95% interval, networks, the difference to the other agents in "
        "points, and whether it is more than chance.",
        ("agent", "choice", "option", "share", "interval", "networks", "difference", "beyond chance"),
        rows,
    )


def _numbers(agents: Agents) -> dict[str, Any]:
    """Return the numbers of the section."""
    return {
        "can_show": agents.can_show,
        "agents": {
            agent.name: {
                "runs": agent.runs,
                "evaluations": agent.evaluations,
                "distinct": agent.distinct,
                "untried": [str(use.option) for use in agent.untried],
                "missed": [str(use.option) for use in agent.missed],
                "preferred": [str(use.option) for use in agent.preferred],
                "avoided": [str(use.option) for use in agent.avoided],
                "untried_regions": [
                    " and ".join(map(str, pair)) for pair in agents.regions.get(agent.name, ())
                ],
                "of_best": agent.of_best,
            }
            for agent in agents.agents
        },
        "overlap": [[None if value != value else value for value in row] for row in agents.overlap.tolist()],
    }


def _untried(found: Findings) -> list[str]:
    """Return which options and regions agents never tried, whether or not by chance."""
    said = []
    for agent in found.agents.agents:
        by_chance = [
            str(use.option)
            for use in agent.untried
            if use not in agent.missed and use.share.estimate is not None
        ]
        regions = found.agents.regions.get(agent.name, ())
        if by_chance:
            said.append(
                f"{agent.name} never tried {listed(by_chance[:4])} in {agent.evaluations:,} evaluations, "
                "which chance could give"
            )
        if regions:
            said.append(
                f"{agent.name} never tried {counted(len(regions), 'combination')} of two choices that "
                f"matter which others tried, such as {' with '.join(map(str, regions[0]))}"
            )
    return [f"Never tried: {'; '.join(said)}."] if said else []


def _share(fact: Fact) -> str | None:
    if fact.estimate is None:
        return None
    interval = interval_of(fact)
    return f"{percent(fact.value)}{f' ({interval})' if interval else ''}"
