"""Which decisions mattered most? The decisive steps of a run, each with what else could have been done."""

from __future__ import annotations

from typing import Any

from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.methods.policies.decisive_steps import measures, most_decisive
from nas_gym.explain.section import Section, withheld
from nas_gym.explain.sections.moments.analysis import Known, moment_of
from nas_gym.explain.sections.moments.figures import timeline
from nas_gym.explain.sections.moments.queries import explain_leaps
from nas_gym.explain.sections.moments.text import (
    alternatives_table,
    in_words,
    moments_table,
    numbers_of,
    on_all,
    trust,
)

KEY, QUESTION = "moments", "Which decisions mattered most?"
MOMENTS = 6
DISCOUNT = 0.9


def explain_moments(evidence: Evidence, budget: int | None = None, seed: int = 0) -> Section:
    """The section on decisive moments.

    Args:
        evidence: of the run.
        budget: evaluations of alternatives that may be asked for; None for none, except where the
            evaluator answers at once.
        seed: not used; nothing is drawn.
    """
    steps = evidence.steps
    if not steps:
        return explain_leaps(evidence, KEY, QUESTION)
    kind = evidence.recording.header.scores
    kind = kind if any(step.scores is not None for step in steps) else None
    found = measures(steps, kind, discount_of(evidence.config))
    weights = found.weight
    if not weights.any():
        return withheld(KEY, QUESTION, "Nothing hung on any step of this run: no edit changed an accuracy.")
    numbers = most_decisive(steps, weights, evidence.search_space, MOMENTS)
    accuracies = Known(evidence, steps, numbers, budget)
    moments = [moment_of(number, steps[number], found, weights, evidence, accuracies) for number in numbers]
    return Section(
        KEY,
        QUESTION,
        answer=(on_all(moments, kind), *(in_words(moment) for moment in moments[:3])),
        trust=trust(found, kind, accuracies),
        tables=(moments_table(moments), alternatives_table(moments)),
        figures=(timeline(steps, weights, numbers),),
        numbers={
            "steps": len(steps),
            "scores": kind,
            "extra_evaluations": accuracies.asked,
            "moments": [numbers_of(moment) for moment in moments],
        },
    )


def discount_of(config: dict[str, Any]) -> float:
    """The discount of a run's agent, from its hyperparameters; 0.9 where it names none."""
    found = _find(config.get("config"), "gamma")
    return float(found) if isinstance(found, int | float) else DISCOUNT


def _find(values: Any, name: str) -> Any:
    if not isinstance(values, dict):
        return None
    if name in values:
        return values[name]
    return next((found for each in values.values() if (found := _find(each, name)) is not None), None)
