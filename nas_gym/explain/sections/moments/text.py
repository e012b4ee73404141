"""Decisive steps: sentences, tables and numbers."""

from __future__ import annotations

from typing import Any

from nas_gym.explain.fact import Fact
from nas_gym.explain.fact import counted as counted_fact
from nas_gym.explain.report.phrases import counted, points, unsigned
from nas_gym.explain.section import Cell, Table
from nas_gym.explain.sections.moments.analysis import KnownScores, Moment

NOT_EVALUATED = "not evaluated in this run"
SAID = 3
SEEN = "difference of scores as the search saw them"


def answer_of(moments: list[Moment], label: str) -> tuple[str, ...]:
    """Return the most decisive steps whose outcome is known, a sentence each."""
    told = [moment for moment in moments if moment.change is not None] or moments
    return tuple(in_words(moment, label) for moment in told[:SAID])


def facts_of(moments: list[Moment]) -> tuple[Fact, ...]:
    """Return what each step changed as the search saw it, which may be luck."""
    return tuple(
        counted_fact(
            f"change in step {moment.number + 1}",
            f"the score after {moment.step.edit} over that before",
            "one evaluation of each",
            moment.change,
            SEEN,
            1,
        )
        for moment in moments
        if moment.change is not None
    )


def in_words(moment: Moment, label: str) -> str:
    """Return what was done at a step, what came of it, and whether something else would have brought more."""
    step, change, best = moment.step, moment.change, moment.best
    outcome = "" if change is None else f", which changed {label} by {points(change)}"
    sentence = f"Step {moment.number + 1}: at `{step.architecture}` the agent chose to {step.edit}{outcome}"
    if best is None or best.taken or step.score is None or (best.score or 0.0) <= step.score:
        return f"{sentence}."
    more = f"{unsigned((best.score or 0.0) - step.score)} points more"
    return f"{sentence}; to {best.edit} would have brought {more}."


def details_of(moments: list[Moment], kind: str | None, scores: KnownScores, label: str) -> tuple[str, ...]:
    """Return how the moments were chosen, and what is known of the alternatives."""
    by = f"how much {label} changed"
    if kind == "q_values":
        by = (
            f"how far the policy's values of the legal edits were apart, how much {label} changed, and how "
            "far the outcome was from what the policy expected"
        )
    elif kind == "probabilities":
        by = f"how much more probable the policy's best edit was than its worst, and how much {label} changed"
    chosen = (
        f"The step shown was the most decisive one, judged by {by}."
        if len(moments) == 1
        else f"The {len(moments)} steps shown were the most decisive ones that lie far apart from each "
        f"other, judged by {by}."
    )
    if scores.free:
        known = "Outcomes of alternatives are looked up or computed."
    elif scores.requested:
        known = f"For this report {counted(scores.requested, 'alternative')} were evaluated."
    else:
        known = "Outcomes of alternatives are known only where the run evaluated them at some time."
    return (chosen, known)


def trust(kind: str | None, label: str) -> str:
    """Return what the sentences rest on."""
    luck = "changes are those that the search saw, so small ones may be luck"
    if kind is None:
        return f"No scores of a policy were recorded, so only changes of {label} count; {luck}."
    return f"How decisive a step was is judged by the policy's own scores at that time; {luck}."


def moments_table(moments: list[Moment], label: str) -> Table:
    """Return the moments."""
    return Table(
        "moments",
        "The decisive steps. The weight is the mean rank, 1 the highest, of the gap between the policy's "
        f"best and worst score of a legal edit, the change of {label}, and the surprise (outcome minus what "
        "the policy expected).",
        ("step", "at", "edit", "weight", "gap", "change", "surprise", "better alternative"),
        tuple(
            (
                moment.number + 1,
                moment.step.architecture,
                moment.step.edit,
                round(moment.weight, 2),
                _rounded(moment.gap),
                None if moment.change is None else points(moment.change),
                _rounded(moment.surprise),
                _better(moment),
            )
            for moment in moments
        ),
    )


def alternatives_table(moments: list[Moment], label: str) -> Table:
    """Return the alternatives at each moment."""
    rows: list[tuple[Cell, ...]] = [
        (
            moment.number + 1,
            f"{one.edit} (made)" if one.taken else one.edit,
            _rounded(one.policy_score),
            one.leads_to,
            NOT_EVALUATED if one.score is None else round(one.score, 4),
        )
        for moment in moments
        for one in moment.alternatives
    ]
    return Table(
        "alternatives",
        "What could have been done at each of these steps: the edit that was made, those that the policy "
        "scored highest, and the best whose outcome is known.",
        ("step", "edit", "policy's score", "leads to", label),
        tuple(rows),
    )


def _better(moment: Moment) -> str | None:
    """Return the best edit whose outcome is known, where it is not the one that was made."""
    best = moment.best
    return None if best is None or best.taken else best.edit


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.3g}")


def numbers_of(moment: Moment) -> dict[str, Any]:
    """Return a moment as numbers."""
    return {
        "step": moment.number + 1,
        "episode": moment.step.episode + 1,
        "step_of_episode": moment.step.t + 1,
        "architecture": moment.step.architecture,
        "edit": moment.step.edit,
        "weight": moment.weight,
        "gap": moment.gap,
        "change": moment.change,
        "surprise": moment.surprise,
        "score": moment.step.score,
        "alternatives": [
            {"edit": one.edit, "policy_score": one.policy_score, "score": one.score, "taken": one.taken}
            for one in moment.alternatives
        ],
        "best_known": None if moment.best is None else moment.best.edit,
        "known": moment.known[0],
        "legal": moment.known[1],
    }
