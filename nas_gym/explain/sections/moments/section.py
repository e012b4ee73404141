"""Which decisions mattered most? The decisive steps of a run, each with what else could have been done."""

from __future__ import annotations

from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.evidence.setting import discount_of
from nas_gym.explain.methods.policies.decisive_steps import measures, most_decisive
from nas_gym.explain.section import DEFAULTS, Question, Section, Settings, withheld
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
MOST_MOMENTS = 6


def explain_moments(evidence: Evidence, settings: Settings = DEFAULTS) -> Section:
    """The section on decisive moments.

    Args:
        evidence: of the run.
        settings: the budget is the evaluations of alternatives that may be asked for, None for none,
            except where the evaluator answers at once; nothing is drawn.
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
    numbers = most_decisive(steps, weights, evidence.search_space, MOST_MOMENTS)
    accuracies = Known(evidence, steps, numbers, settings.budget)
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


MOMENTS = Question(KEY, QUESTION, explain_moments)
