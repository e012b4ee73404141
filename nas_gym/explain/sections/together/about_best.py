"""The best networks of all runs, and who finds them, as a section."""

from __future__ import annotations

from typing import Any

from nas_gym.explain.report.phrases import counted, listed, signed
from nas_gym.explain.section import Section, Table
from nas_gym.explain.sections.together.figures import tried_figure
from nas_gym.explain.sections.together.findings import Findings, interval_of
from nas_gym.explain.sections.together.text import as_good
from nas_gym.explain.sections.together.text_agents import by_agent

BEST = ("best", "Which networks are best, and who finds them?")


def best_section(found: Findings) -> Section:
    """Return the section on the best networks."""
    best, together = found.best, found.together
    label = together.evidence.metric.label
    answer = (
        f"The best is `{best.best}`, by {counted(len(best.best.scores), 'score')}: {best.source}.",
        " ".join(as_good(found)) or "No other network was scored.",
        " ".join(by_agent(found)) or "Which runs found it is not known, since none has come to its end.",
    )
    drawn = (
        ""
        if together.evidence.evaluator.table is not None
        else " Scores are drawn towards the mean of all by as much as trainings of one network differ."
    )
    return Section(
        *BEST,
        answer,
        trust=f"The scores are of {best.source}, and no search chose by them.{drawn}",
        tables=(_networks_table(found), _agents_table(found)),
        figures=(tried_figure(together, best, label),),
        numbers=_numbers(found),
        facts=(
            *(one.change for one in best.leading[1:]),
            *(fact for agent in found.agents.agents for fact in (agent.kept, agent.kept_more, agent.tried)),
        ),
    )


def _networks_table(found: Findings) -> Table:
    """Return the table of the best networks."""
    best, together = found.best, found.together
    label = together.evidence.metric.label
    rows = tuple(
        (
            str(one),
            f"{one.score:.1%}",
            None if place == 0 else signed(one.change.value),
            None if place == 0 or one.change.low is None else signed(one.change.low),
            None if place == 0 or one.change.high is None else signed(one.change.high),
            len(one.scores),
            len(one.kept_by),
            len(one.tried_by),
            listed(list(dict.fromkeys(together.runs[n].agent for n in one.tried_by))),
        )
        for place, one in enumerate(best.leading)
    )
    return Table(
        "networks",
        f"The best networks, at least all within a point of the best: {label}, difference to the "
        "best in points with an interval that holds for all at once, scores, runs that chose it and "
        "that tried it, and their agents.",
        ("network", label, "difference", "from", "to", "scores", "chose it", "tried it", "agents"),
        rows,
    )


def _agents_table(found: Findings) -> Table:
    """Return the table of what each agent found."""
    rows = tuple(
        (
            agent.name,
            agent.runs,
            agent.evaluations,
            agent.distinct,
            f"{round(agent.kept.value * agent.scored)} of {agent.scored}",
            interval_of(agent.kept),
            f"{round(agent.tried.value * agent.runs)} of {agent.runs}",
            interval_of(agent.tried),
            f"{agent.of_best} of {len(found.best.good)}",
        )
        for agent in found.agents.agents
    )
    return Table(
        "agents",
        "What each agent found: evaluations and different networks of all its runs, runs that chose "
        "and runs that tried one of the best networks (95% intervals over runs), and how many of "
        "the best its runs tried.",
        (
            "agent",
            "runs",
            "evaluations",
            "different",
            "chose one",
            "interval",
            "tried one",
            "interval ",
            "of them",
        ),
        rows,
    )


def _numbers(found: Findings) -> dict[str, Any]:
    """Return the numbers of the section."""
    best, together = found.best, found.together
    return {
        "networks": [
            {
                "architecture": str(one),
                "score": one.score,
                "scores": one.scores.tolist(),
                "kept_by": [str(together.runs[n].folder.path) for n in one.kept_by],
                "tried_by": [str(together.runs[n].folder.path) for n in one.tried_by],
            }
            for one in best.leading
        ],
        "within_a_point": len(best.good),
        "scored": len(best.candidates),
        "source": best.source,
    }
