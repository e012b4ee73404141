"""Which decisions mattered most? The decisive steps of a run, each with what else could have been done."""

from __future__ import annotations

from nas_gym.explain.evidence.run import Evidence, SeenEvaluation
from nas_gym.explain.evidence.setting import discount_of
from nas_gym.explain.methods.policies.decisive_steps import measures, most_decisive
from nas_gym.explain.report.phrases import points
from nas_gym.explain.section import DEFAULTS, Question, Section, Settings, Table, withheld
from nas_gym.explain.sections.moments.analysis import KnownAccuracies, moment_of
from nas_gym.explain.sections.moments.figures import incumbents, timeline
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
LEAPS = 6


def explain_moments(evidence: Evidence, settings: Settings = DEFAULTS) -> Section:
    """Return the section on decisive moments.

    Args:
        evidence: evidence of the run.
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
    scores = KnownAccuracies(evidence, steps, numbers, settings.budget)
    moments = [moment_of(number, steps[number], found, weights, evidence, scores) for number in numbers]
    return Section(
        KEY,
        QUESTION,
        answer=(on_all(moments, kind), *(in_words(moment) for moment in moments[:3])),
        trust=trust(found, kind, scores),
        tables=(moments_table(moments), alternatives_table(moments)),
        figures=(timeline(steps, weights, numbers),),
        numbers={
            "steps": len(steps),
            "scores": kind,
            "extra_evaluations": scores.asked,
            "moments": [numbers_of(moment) for moment in moments],
        },
    )


MOMENTS = Question(KEY, QUESTION, explain_moments, about="agent")


def explain_leaps(evidence: Evidence, key: str, question: str) -> Section:
    """Return the section on decisive moments, of a run without steps."""
    gains = _gains(evidence)
    if not gains:
        return withheld(
            key,
            question,
            "The first network that this run evaluated is still its best, so no later evaluation was "
            "decisive.",
        )
    largest = sorted(gains, key=lambda pair: -pair[1])[:LEAPS]
    total = sum(gain for _, gain in gains)
    first = largest[0]
    return Section(
        key,
        question,
        answer=(
            "The agent asked for networks without editing one step by step, so decisive are the "
            f"evaluations that raised its best accuracy: {len(gains)} of them, by "
            f"{points(total)} in total.",
            f"The largest was evaluation {first[0].order + 1}, {first[0].architecture}: {points(first[1])}, "
            f"to {first[0].score:.1%}.",
            f"The last was evaluation {gains[-1][0].order + 1} of {len(evidence.seen):,}.",
        ),
        trust=(
            "One training decides each accuracy: small gains may be its luck. What the agent would have "
            "asked for instead is not recorded."
        ),
        tables=(
            Table(
                "moments",
                "The evaluations that raised the best accuracy most.",
                ("evaluation", "network", "accuracy", "gain"),
                tuple(
                    (one.order + 1, str(one.architecture), round(one.score, 4), points(gain))
                    for one, gain in largest
                ),
            ),
        ),
        figures=(incumbents(evidence.seen, [one.order for one, _ in largest]),),
        numbers={
            "evaluations": len(evidence.seen),
            "total_gain": total,
            "moments": [
                {
                    "evaluation": one.order,
                    "architecture": str(one.architecture),
                    "accuracy": one.score,
                    "gain": gain,
                }
                for one, gain in largest
            ],
        },
    )


def _gains(evidence: Evidence) -> list[tuple[SeenEvaluation, float]]:
    """Return the later evaluations that raised the best accuracy at its fidelity, with the gain."""
    best: dict[int | None, float] = {}
    found = []
    for one in evidence.succeeded:
        before = best.get(one.fidelity)
        if before is None or one.score > before:
            best[one.fidelity] = one.score
        if before is not None and one.score > before:
            found.append((one, one.score - before))
    return found
