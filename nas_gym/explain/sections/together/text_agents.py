"""What the agents found, where they look and what they miss, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nas_gym.explain.report.phrases import capital, counted, listed, percent
from nas_gym.explain.sections.together.agents import Agent, Use
from nas_gym.explain.sections.together.findings import MOST_NAMED, Findings, some

MOST_USES, MOST_AGENTS = 2, 6


def by_agent(found: Findings) -> Iterator[str]:
    """Yield how often each agent found one of the best networks, and whether that differs."""
    agents = [agent for agent in found.agents.agents if agent.scored]
    if not agents:
        return
    which = "it or one of these" if len(found.best.good) > 1 else "it"
    scored = sum(agent.scored for agent in agents)
    if not any(agent.kept.estimate for agent in agents):
        tried = [agent.name for agent in agents if agent.of_best]
        tries = f"{listed(tried)} tried {which}, but chose another" if tried else f"none tried {which}"
        yield f"None of {counted(scored, 'run')} chose {which}; {tries}."
        return
    told = [
        f"{agent.name} in {round(agent.kept.value * agent.scored)} of {agent.scored}"
        f" ({100 * (agent.kept.low or 0.0):.0f} to {100 * (agent.kept.high or 1.0):.0f}%)"
        for agent in sorted(agents, key=lambda agent: -agent.kept.value)
    ]
    yield f"Runs that chose {which}, with 95% intervals: {listed(told)}."
    if len(agents) < 2:
        return
    ahead = [agent for agent in agents if agent.kept_more.is_shown]
    if not ahead:
        yield (
            "No agent is shown to find them more often than the others: chance could give these differences."
        )
    for agent in ahead:
        more = "more" if agent.kept_more.value > 0 else "less"
        yield f"{capital(agent.name)} does so {more} often than the others, beyond chance."


def where_agents_look(found: Findings, most: int = 1) -> Iterator[str]:
    """Yield what agents prefer and what they miss, where that is more than chance.

    Args:
        found: what was found out.
        most: options that are named of each agent.
    """
    agents = found.agents
    if len(agents.agents) < 2:
        yield f"There is one agent, {agents.agents[0].name}, so none to compare it with."
        return
    if not agents.can_show:
        yield "With so few runs of each agent no difference between them can be shown."
    mattering = {one.name for one in found.shown}
    told = 0
    for agent in agents.agents:
        sentence = _of_agent(agent, mattering, most)
        if sentence and told < MOST_AGENTS:
            told += 1
            yield sentence
    if agents.can_show and not told:
        yield "No difference between agents in the options that they try is more than chance could give."
    yield from overlap(found)


def _of_agent(agent: Agent, mattering: set[str], most: int) -> str:
    missed = [f"{use.option}" for use in agent.missed]
    parts = []
    if missed:
        parts.append(
            f"never tried {some(missed)} in {agent.evaluations:,} evaluations of {counted(agent.runs, 'run')}"
        )
    more = _strongest(agent.preferred, mattering)[:most]
    if more:
        parts.append(f"looks more than the others at {listed([_use(use) for use in more])}")
    less = [] if missed or (more and most == 1) else _strongest(agent.avoided, mattering)[:most]
    if less:
        parts.append(f"looks less at {listed([_use(use) for use in less])}")
    return f"{capital(agent.name)} {', and '.join(parts)}." if parts else ""


def _strongest(uses: Sequence[Use], mattering: set[str]) -> list[Use]:
    """Return the uses that differ most, those of choices that matter first."""
    return sorted(uses, key=lambda use: (use.option.choice not in mattering, -abs(use.more.value)))


def _use(use: Use) -> str:
    own = use.share.value
    return (
        f"{use.option} ({percent(own)} of its networks, the others {percent(max(0.0, own - use.more.value))})"
    )


def overlap(found: Findings) -> Iterator[str]:
    """Yield which agents' runs repeat each other."""
    alike = [agent for agent in found.agents.agents if agent.own_more.is_positive]
    if alike:
        told = [
            f"{agent.name} {percent(agent.own.value)} (with runs of others {percent(agent.others.value)})"
            for agent in sorted(alike, key=lambda agent: -agent.own.value)[:MOST_NAMED]
        ]
        yield (
            "Two runs of one agent have more networks in common than runs of different agents: "
            f"{listed(told)}."
        )
