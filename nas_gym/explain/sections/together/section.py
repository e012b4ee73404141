"""Several runs explained together: what all of them found, why it is good, and how their agents differ."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import scipy.linalg  # noqa: F401 - its threads are limited too, once it is loaded
from threadpoolctl import threadpool_limits

from nas_gym.explain.evidence.together import Together
from nas_gym.explain.fact import Fact
from nas_gym.explain.fact import counted as counted_fact
from nas_gym.explain.report.phrases import counted, deviation_in_points, listed, percent, signed
from nas_gym.explain.section import DEFAULTS, Cell, Explanation, Section, Settings, Table, withheld
from nas_gym.explain.sections.choices.figures import figures as choices_figures
from nas_gym.explain.sections.choices.tables import choices_table, values_table
from nas_gym.explain.sections.together.agents import agents_beside, untried_fact
from nas_gym.explain.sections.together.best import best_networks
from nas_gym.explain.sections.together.choices import ChoicesTogether, choices_together
from nas_gym.explain.sections.together.figures import (
    found_figure,
    kinds_figure,
    overlap_figure,
    tried_figure,
    uses_figure,
)
from nas_gym.explain.sections.together.kinds import DECIDING, Kinds, kinds_of
from nas_gym.explain.sections.together.text import (
    MOST_USES,
    Findings,
    as_good,
    by_agent,
    first_page,
    in_common,
    trust,
    what_one_run_tells,
    where_agents_look,
    which_choices,
)
from nas_gym.explain.sections.together.text import _number as number_of
from nas_gym.traces import versions

SUMMARY = ("summary", "What did all runs find, and why is it good?")
BEST = ("best", "Which networks are best, and who finds them?")
CHOICES = ("choices", "Which choices matter, by all runs?")
KINDS = ("kinds", "Which networks are good for the same reasons?")
AGENTS = ("agents", "Where do the agents look, and what do they miss?")
STAGES = ("Scoring the best networks again", "Which choices matter", "Where the agents look")
SHOWN_CHOICES = 4
"""Choices of the heat map where none is shown to matter."""


def explain_together(
    together: Together, settings: Settings = DEFAULTS, on_progress: Callable[[int, str], None] | None = None
) -> Explanation:
    """Explain several runs of one search space and task.

    Args:
        together: the runs; not every training of theirs failed.
        settings: the budget is the number of new trainings at most, None for 120; the seed that of every
            random draw.
        on_progress: called before each of `STAGES` with its number and its text.
    """
    tell = on_progress or (lambda _number, _text: None)
    tell(0, STAGES[0])
    best = best_networks(together, settings.budget)
    with threadpool_limits(limits=1, user_api="blas"):  # type: ignore[no-untyped-call]
        tell(1, STAGES[1])
        choices = choices_together(together, settings.seed)
        mattering = [] if isinstance(choices, str) else [one.name for one in choices.shown]
        tell(2, STAGES[2])
        agents = agents_beside(together, best, mattering, settings.seed)
    kinds = kinds_of(together, best, mattering)
    found = Findings(together, best, choices, agents, kinds)
    evidence = together.evidence
    sections = (_best(found), _choices(found), _kinds(found), _agents(found))
    summary = Section(
        *SUMMARY,
        first_page(found),
        trust=trust(found),
        figures=(found_figure(together, best, evidence.metric.label),),
        numbers=_numbers(found),
        facts=(*_counts(found), best.quote),
    )
    return Explanation(
        str(together.folder),
        f"{counted(len(together.runs), 'run')} of {counted(len(together.agents), 'agent')} on "
        f"{evidence.problem.task.name} in the space {evidence.search_space.name}",
        summary,
        sections,
        evidence.metric,
        _facts(together, settings),
    )


def _counts(found: Findings) -> tuple[Fact, ...]:
    together = found.together
    tried = len({str(one.architecture) for one in together.evidence.seen})
    runs, evaluations = len(together.runs), together.evaluations
    return (
        counted_fact("runs", "the runs", "the folder", runs, "runs", runs),
        counted_fact("evaluations", "the runs", "the folder", evaluations, "evaluations", evaluations),
        counted_fact("tried", "the runs", "the folder", tried, "networks", evaluations),
        counted_fact(
            "within a point",
            "networks within a point of the best, itself included",
            f"{counted(len(found.best.candidates), 'network')} that were scored again",
            len(found.best.good),
            "networks",
            sum(len(one.scores) for one in found.best.candidates),
        ),
    )


def _best(found: Findings) -> Section:
    best, together = found.best, found.together
    label = together.evidence.metric.label
    networks = tuple(
        (
            str(one),
            f"{one.score:.1%}",
            None if place == 0 else signed(number_of(one.change)),
            None if place == 0 or one.change.low is None else signed(one.change.low),
            None if place == 0 or one.change.high is None else signed(one.change.high),
            len(one.scores),
            len(one.kept_by),
            len(one.tried_by),
            listed(list(dict.fromkeys(together.runs[n].agent for n in one.tried_by))),
        )
        for place, one in enumerate(best.leading)
    )
    agents = tuple(
        (
            agent.name,
            agent.runs,
            agent.evaluations,
            agent.distinct,
            f"{round(number_of(agent.kept) * agent.scored)} of {agent.scored}",
            _interval(agent.kept),
            f"{round(number_of(agent.tried) * agent.runs)} of {agent.runs}",
            _interval(agent.tried),
            f"{agent.of_best} of {len(best.good)}",
        )
        for agent in found.agents.agents
    )
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
        tables=(
            Table(
                "networks",
                f"The best networks, at least all within a point of the best: {label}, difference to the "
                "best in points with an interval that holds for all at once, scores, runs that chose it and "
                "that tried it, and their agents.",
                ("network", label, "difference", "from", "to", "scores", "chose it", "tried it", "agents"),
                networks,
            ),
            Table(
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
                agents,
            ),
        ),
        figures=(tried_figure(together, best, label),),
        numbers={
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
        },
        facts=(
            *(one.change for one in best.leading[1:]),
            *(fact for agent in found.agents.agents for fact in (agent.kept, agent.kept_more, agent.tried)),
        ),
    )


def _interval(fact: Fact) -> str | None:
    if fact.low is None or fact.high is None:
        return None
    return f"{100 * fact.low:.0f} to {100 * fact.high:.0f}%"


def _choices(found: Findings) -> Section:
    choices = found.choices
    if isinstance(choices, str):
        return withheld(*CHOICES, choices)
    used = choices.used
    # Intervals and stars are of the estimate; without pairs there is no map of them.
    figures = tuple(choices_figures(choices.findings))
    answer = [" ".join(which_choices(found)), *what_one_run_tells(found, by_how_many=True)]
    trust_words = [
        f"Estimated from {counted(len(used.y), 'different network')}, each counted once, as averages over "
        "all networks of the space and not over those that the agents preferred.",
        "A single run is asked by the same estimate with its own evaluations.",
    ]
    if used.left_out():
        trust_words.append(used.left_out())
    return Section(
        *CHOICES,
        tuple(answer),
        trust=" ".join(trust_words),
        tables=(
            _alone_table(found, choices),
            choices_table(choices.findings),
            values_table(choices.findings.estimated, choices.findings.label),
        ),
        figures=figures,
        numbers={
            **used.counts(),
            "asked_alone": choices.asked,
            "choices": [
                {
                    "name": one.name,
                    "shown": one.fact.is_shown,
                    "best": one.best,
                    "worst": one.worst,
                    "gap": one.gap,
                    "shown_by_runs_alone": one.alone,
                    "spread_in_points": deviation_in_points(one.importance.value),
                    "p": one.importance.p,
                }
                for one in choices.choices
            ],
        },
        facts=tuple(one.fact for one in choices.choices),
    )


def _alone_table(found: Findings, choices: ChoicesTogether) -> Table:
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            one.name,
            "shown" if one.fact.is_shown else str(one.fact.verdict),
            one.best or None,
            one.worst or None,
            round(100 * one.gap, 1) if one.best else None,
            f"{one.alone} of {choices.asked}",
        )
        for one in choices.choices
    )
    return Table(
        "together",
        f"What {counted(len(choices.used.y), 'network')} of {counted(len(found.together.runs), 'run')} say "
        "of each choice: whether it is shown to matter, its best and worst options and the points between "
        "them on average, and how many runs show by themselves that it matters.",
        ("choice", "all runs", "best", "worst", "points apart", "runs alone"),
        rows,
    )


def _kinds(found: Findings) -> Section:
    kinds, best = found.kinds, found.best
    mattering = [one.name for one in found.shown]
    answer = tuple(in_common(found))
    if not mattering or len(best.leading) == 1:
        return withheld(*KINDS, " ".join(answer), {"networks": [str(one) for one in best.leading]})
    rows = tuple(
        (
            listed([f"{name} {value}" for name, value in kind.options.items()]),
            len(kind.networks),
            f"{kind.networks[0].score:.1%}",
            str(kind.networks[0]),
            listed(list(kind.differing)) or None,
        )
        for kind in kinds.kinds
    )
    return Section(
        *KINDS,
        answer,
        trust=f"Which networks are the best is known by {best.source}; which choices matter, by the "
        "evaluations of all runs. That a network has what matters does not prove that this is why it is "
        "good.",
        tables=(
            Table(
                "kinds",
                "Kinds of the best networks: their options of the choices that matter most, how many are of "
                "the kind, the best of them, and other choices in which they differ.",
                ("what matters", "networks", "best", "such as", "differ in"),
                rows,
            ),
        ),
        figures=(kinds_figure(found.together, best, kinds, mattering[:DECIDING]),),
        numbers=_kinds_numbers(kinds),
    )


def _kinds_numbers(kinds: Kinds) -> dict[str, Any]:
    return {
        "kinds": [
            {
                "options": dict(kind.options),
                "networks": [str(one) for one in kind.networks],
                "differing": list(kind.differing),
            }
            for kind in kinds.kinds
        ],
        "shared": dict(kinds.shared),
        "avoided": {name: list(values) for name, values in kinds.avoided.items()},
        "free": list(kinds.free),
        "open": list(kinds.open),
    }


def _agents(found: Findings) -> Section:
    agents, together = found.agents, found.together
    ranked = [] if isinstance(found.choices, str) else [one.name for one in found.choices.choices]
    shown = [one.name for one in found.shown] or ranked or list(together.evidence.search_space.variables)
    uses = uses_figure(agents, shown[:SHOWN_CHOICES])
    rows = tuple(
        (
            agent.name,
            use.option.choice,
            use.option.value,
            None if use.share.estimate is None else percent(number_of(use.share)),
            _interval(use.share),
            use.evaluations,
            _gap(use.more),
            "yes" if use.more.is_shown else "no",
        )
        for agent in agents.agents
        for use in agent.uses
    )
    answer = [" ".join(where_agents_look(found, MOST_USES)), *_untried(found)]
    overlaps = tuple(
        (agent.name, *(_share(fact) for fact in (agent.own, agent.others)), _gap(agent.own_more))
        for agent in agents.agents
    )
    return Section(
        *AGENTS,
        tuple(answer),
        trust=(
            "A share is the mean over the runs of an agent, with a bootstrap interval over runs; of few runs "
            "there is none. Differences to the other agents have intervals that hold for all agents and "
            "options at once, by permutation of runs. That an agent looks somewhere more often is no reason "
            "why it did better or worse."
        ),
        tables=(
            Table(
                "overlap",
                "Networks that two runs have in common, in per cent of those that either tried: of two runs "
                "of the agent, of one and a run of another, and the difference in points (95% intervals "
                "over runs).",
                ("agent", "with itself", "with others", "difference"),
                overlaps,
            ),
            Table(
                "options",
                "The share of each option in the networks that an agent tried and that have the choice: "
                "mean over runs with its 95% interval, networks, the difference to the other agents in "
                "points, and whether it is more than chance.",
                ("agent", "choice", "option", "share", "interval", "networks", "difference", "beyond chance"),
                rows,
            ),
        ),
        figures=(uses, overlap_figure(agents)),
        numbers={
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
            "overlap": [
                [None if value != value else value for value in row] for row in agents.overlap.tolist()
            ],
        },
        facts=(
            *(untried_fact(agent, use) for agent in agents.agents for use in agent.untried),
            *(use.more for agent in agents.agents for use in agent.uses),
            *(fact for agent in agents.agents for fact in (agent.own, agent.others, agent.own_more)),
        ),
    )


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
    interval = _interval(fact)
    return f"{percent(number_of(fact))}{f' ({interval})' if interval else ''}"


def _gap(fact: Fact) -> str | None:
    if fact.estimate is None:
        return None
    ends = "" if fact.low is None or fact.high is None else f" ({signed(fact.low)} to {signed(fact.high)})"
    return f"{signed(number_of(fact))}{ends}"


def _numbers(found: Findings) -> dict[str, Any]:
    together, best = found.together, found.best
    return {
        "architecture": str(best.best),
        "runs": len(together.runs),
        "agents": list(together.agents),
        "evaluations": together.evaluations,
        "tried": len({str(one.architecture) for one in together.evidence.seen}),
        "within_a_point": len(best.good),
        "quote": best.quote.as_dict(),
        "choices": [one.name for one in found.shown],
        "unfinished": [str(run.folder.path) for run in together.unfinished],
        "empty": [str(path) for path in together.empty],
    }


def _facts(together: Together, settings: Settings) -> dict[str, Any]:
    evidence = together.evidence
    budget = "" if settings.budget is None else f" --budget {settings.budget}"
    return {
        "environment": evidence.config["env_id"],
        "search space": evidence.search_space.name,
        "architectures in the space": evidence.search_space.size,
        "task": evidence.problem.task.name,
        "agents": [f"{name}: {counted(len(together.of(name)), 'run')}" for name in together.agents],
        "unfinished runs": [str(run.folder.path) for run in together.unfinished] or None,
        "runs without an evaluation": [str(path) for path in together.empty] or None,
        "numerics": evidence.config.get("numerics"),
        "versions of the explanation": versions(),
        "command for this report": f"nas-gym explain {together.folder}{budget}",
    }
