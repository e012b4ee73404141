"""Which decisions mattered most? The decisive steps of a run, each with what else could have been done."""

from __future__ import annotations

from collections.abc import Sequence

from nas_gym.explain.evidence.run import Evidence, SeenEvaluation
from nas_gym.explain.evidence.setting import discount_of
from nas_gym.explain.fact import Fact
from nas_gym.explain.fact import counted as counted_fact
from nas_gym.explain.methods.policies.decisive_steps import measure_steps, most_decisive
from nas_gym.explain.report.phrases import counted, points, unsigned
from nas_gym.explain.section import DEFAULTS, Question, Section, Settings, Table, withheld
from nas_gym.explain.sections.moments.analysis import KnownScores, moment_of
from nas_gym.explain.sections.moments.figures import incumbents, timeline
from nas_gym.explain.sections.moments.local_search import with_local_search
from nas_gym.explain.sections.moments.text import (
    SEEN,
    alternatives_table,
    answer_of,
    details_of,
    facts_of,
    moments_table,
    numbers_of,
    trust,
)

KEY, QUESTION = "moments", "Which decisions mattered most?"
MOST_MOMENTS = 6
LEAPS = 6


def explain_moments(evidence: Evidence, settings: Settings = DEFAULTS) -> Section:
    """Return the section on decisive moments.

    Args:
        evidence: evidence of the run.
        settings: the budget is the number of alternatives that may be evaluated, None for none, except where
            the evaluator is free; nothing is drawn.
    """
    steps, label = evidence.steps, evidence.metric.label
    if not steps:
        return with_local_search(explain_leaps(evidence, KEY, QUESTION), evidence)
    kind = evidence.recording.header.scores
    kind = kind if any(step.scores is not None for step in steps) else None
    found = measure_steps(steps, kind, discount_of(evidence.config))
    weights = found.weight
    if not weights.any():
        return withheld(KEY, QUESTION, f"No step of this run was decisive: no edit changed the {label}.")
    numbers = most_decisive(steps, weights, evidence.search_space, MOST_MOMENTS)
    scores = KnownScores(evidence, steps, numbers, settings.budget)
    moments = [moment_of(number, steps[number], found, weights, evidence, scores) for number in numbers]
    section = Section(
        KEY,
        QUESTION,
        answer=answer_of(moments, label),
        details=details_of(moments, kind, scores, label),
        trust=trust(kind, label),
        tables=(moments_table(moments, label), alternatives_table(moments, label)),
        figures=(timeline(steps, weights, numbers, label),),
        numbers={
            "steps": len(steps),
            "policy_scores": kind,
            "extra_evaluations": scores.requested,
            "moments": [numbers_of(moment) for moment in moments],
        },
        facts=facts_of(moments),
    )
    return with_local_search(section, evidence)


MOMENTS = Question(KEY, QUESTION, explain_moments, about="agent", method=QUESTION)


def explain_leaps(evidence: Evidence, key: str, question: str) -> Section:
    """Return the section on the decisive evaluations of a run without steps."""
    gains, label = _gains(evidence), evidence.metric.label
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
            f"{counted(len(gains), 'evaluation')} raised the best {label}, by {unsigned(total)} points in "
            f"all; the largest gain, {unsigned(first[1])} points to {first[0].score:.1%}, came with number "
            f"{first[0].order + 1} of {len(evidence.seen):,}, `{first[0].architecture}`.",
        ),
        details=(
            "The agent asked for networks without editing one step by step, so the decisive evaluations are "
            f"those that raised its best {label}.",
            f"The last gain came with evaluation {gains[-1][0].order + 1}.",
            "What the agent would have asked for instead is not recorded.",
        ),
        trust=f"Each {label} is that of one evaluation, so small gains may be luck.",
        tables=(_leaps_table(largest, label),),
        figures=(incumbents(evidence.seen, [one.order for one, _ in largest], label),),
        numbers={
            "evaluations": len(evidence.seen),
            "total_gain": total,
            "moments": [
                {
                    "evaluation": one.order,
                    "architecture": str(one.architecture),
                    "score": one.score,
                    "gain": gain,
                }
                for one, gain in largest
            ],
        },
        facts=tuple(_leap_fact(one, gain) for one, gain in largest),
    )


def _leaps_table(largest: Sequence[tuple[SeenEvaluation, float]], label: str) -> Table:
    """Return the table of the largest gains."""
    return Table(
        "moments",
        f"The evaluations that raised the best {label} most.",
        ("evaluation", "network", label, "gain"),
        tuple(
            (one.order + 1, str(one.architecture), round(one.score, 4), points(gain)) for one, gain in largest
        ),
    )


def _leap_fact(one: SeenEvaluation, gain: float) -> Fact:
    """Return the gain of an evaluation as a fact."""
    return counted_fact(
        f"gain of evaluation {one.order + 1}",
        "the score over the best before, as the search saw it",
        "one evaluation",
        gain,
        SEEN,
        1,
    )


def _gains(evidence: Evidence) -> list[tuple[SeenEvaluation, float]]:
    """Return the later evaluations that raised the best score at their fidelity, with the gain."""
    best: dict[int | None, float] = {}
    found = []
    for one in evidence.succeeded:
        before = best.get(one.fidelity)
        if before is None or one.score > before:
            best[one.fidelity] = one.score
        if before is not None and one.score > before:
            found.append((one, one.score - before))
    return found
