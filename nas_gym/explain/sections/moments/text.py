"""Decisive steps: sentences, tables and numbers."""

from __future__ import annotations

from typing import Any

from nas_gym.explain.report.phrases import counted, points
from nas_gym.explain.section import Cell, Table
from nas_gym.explain.sections.moments.analysis import KnownScores, Moment

NOT_EVALUATED = "not evaluated in this run"


def on_all(moments: list[Moment], kind: str | None, label: str) -> str:
    """Return the sentence on how the moments were chosen."""
    by = f"how much {label} changed"
    if kind == "q_values":
        by = (
            f"how far the policy's values of the legal edits were apart, how much {label} changed, and how "
            "far the outcome was from what the policy expected"
        )
    elif kind == "probabilities":
        by = f"how much more probable the policy's best edit was than its worst, and how much {label} changed"
    if len(moments) == 1:
        return f"The step shown was the most decisive one, judged by {by}."
    return (
        f"The {len(moments)} steps shown were the most decisive ones that lie far apart from each other, "
        f"judged by {by}."
    )


def in_words(moment: Moment, label: str) -> str:
    """Return what was done at a moment, what came of it, and what would have come of the best alternative."""
    step, change = moment.step, moment.change
    outcome = "" if change is None else f", which changed {label} by {points(change)}"
    sentence = (
        f"Step {moment.number + 1} (episode {step.episode + 1}): at {step.architecture} the agent chose "
        f"'{step.edit}'{outcome}"
    )
    best, (known, legal) = moment.best, moment.known
    if best is None or step.score is None:
        return f"{sentence}."
    if best.taken or (best.score or 0.0) <= step.score:
        far = "" if known == legal else f", as far as outcomes are known ({known} of {legal} legal edits)"
        return f"{sentence}; no other legal edit would have brought more{far}."
    more = points((best.score or 0.0) - step.score).lstrip("+")
    return (
        f"{sentence}; '{best.edit}' would have brought {more} more (the best of the {known} of {legal} legal "
        "edits whose outcome is known)."
    )


def trust(kind: str | None, scores: KnownScores, label: str) -> str:
    """Return what the sentences rest on."""
    parts = [
        "How decisive a step was is judged by the policy's own scores at that time, which may have been "
        "wrong."
    ]
    if kind is None:
        parts = [f"No scores of a policy were recorded, so only changes of {label} count."]
    if kind == "probabilities":
        parts.append("Probabilities do not say what the policy expected, so surprise does not count.")
    if scores.free:
        parts.append("Outcomes of alternatives are looked up or computed.")
    elif scores.requested:
        parts.append(f"For this report {counted(scores.requested, 'alternative')} were evaluated.")
    else:
        parts.append("Outcomes of alternatives are known only where the run evaluated them at some time.")
    parts.append("Changes are those that the search saw: small ones may be luck.")
    return " ".join(parts)


def moments_table(moments: list[Moment], label: str) -> Table:
    """Return the moments."""
    return Table(
        "moments",
        "The decisive steps. The weight is the mean rank, 1 the highest, of the gap between the policy's "
        f"best and worst score of a legal edit, the change of {label}, and the surprise (outcome minus what "
        "the policy expected).",
        ("step", "at", "edit", "weight", "gap", "change", "surprise", "best known alternative"),
        tuple(
            (
                moment.number + 1,
                moment.step.architecture,
                moment.step.edit,
                round(moment.weight, 2),
                _rounded(moment.gap),
                None if moment.change is None else points(moment.change),
                _rounded(moment.surprise),
                None if moment.best is None else moment.best.edit,
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


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.3g}")


def numbers_of(moment: Moment) -> dict[str, Any]:
    """Return a moment as numbers."""
    return {
        "step": moment.number,
        "episode": moment.step.episode,
        "t": moment.step.t,
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
