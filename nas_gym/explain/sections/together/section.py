"""Several runs explained together: what all of them found, why it is good, and how their agents differ."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import scipy.linalg  # noqa: F401 - its threads are limited too, once it is loaded
from threadpoolctl import threadpool_limits

from nas_gym.explain.evidence.together import Together
from nas_gym.explain.fact import Fact
from nas_gym.explain.fact import counted as counted_fact
from nas_gym.explain.report.phrases import counted
from nas_gym.explain.section import DEFAULTS, Explanation, Section, Settings
from nas_gym.explain.sections.together.about_agents import agents_section
from nas_gym.explain.sections.together.about_best import best_section
from nas_gym.explain.sections.together.about_choices import choices_section
from nas_gym.explain.sections.together.about_kinds import kinds_section
from nas_gym.explain.sections.together.agents import agents_beside
from nas_gym.explain.sections.together.best import best_networks
from nas_gym.explain.sections.together.choices import choices_together
from nas_gym.explain.sections.together.figures import found_figure
from nas_gym.explain.sections.together.findings import Findings
from nas_gym.explain.sections.together.kinds import kinds_of
from nas_gym.explain.sections.together.text import first_page, trust
from nas_gym.traces import versions

SUMMARY = ("summary", "What did all runs find, and how good is it?")
STAGES = ("Scoring the best networks again", "Which choices matter", "Where the agents look")


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
    sections = (best_section(found), choices_section(found), kinds_section(found), agents_section(found))
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
