"""Decisive steps: sentences, tables and numbers."""

from __future__ import annotations

from typing import Any

from nas_gym.explain.methods.policies.decisive_steps import Measures
from nas_gym.explain.report.phrases import counted, points
from nas_gym.explain.section import Cell, Table
from nas_gym.explain.sections.moments.analysis import KnownAccuracies, Moment

NOT_EVALUATED = "not evaluated in this run"


def on_all(moments: list[Moment], kind: str | None) -> str:
    """Return the sentence on how the moments were chosen."""
    by = "how much accuracy changed"
    if kind == "q_values":
        by = (
            "how far the policy's values of the legal edits were apart, how much accuracy changed, and how "
            "far the outcome was from what the policy expected"
        )
    elif kind == "probabilities":
        by = (
            "how much more likely the policy held its best edit than its worst, and how much accuracy changed"
        )
    steps = counted(len(moments), "step")
    return f"Shown are the {steps} on which most hung, as far apart from each other as can be, by {by}."


def in_words(moment: Moment) -> str:
    """Return what was done at a moment, what came of it, and what would have come of the best alternative."""
    step, change = moment.step, moment.change
    outcome = "" if change is None else f", which changed accuracy by {points(change)}"
    sentence = (
        f"Step {moment.number + 1} (episode {step.episode + 1}): at {step.architecture} the agent chose "
        f"'{step.edit}'{outcome}"
    )
    best, (known, legal) = moment.best, moment.known
    if best is None or step.score is None:
        return f"{sentence}."
    if best.taken or (best.score or 0.0) <= step.score:
        of_known = "" if known == legal else f" of the {known} of {legal} whose outcome is known"
        return f"{sentence}; no other legal edit{of_known} would bring more."
    return (
        f"{sentence}; '{best.edit}' would have brought {points((best.score or 0.0) - step.score)} more "
        f"(the best of {known} of {legal} legal edits whose outcome is known)."
    )


def trust(found: Measures, kind: str | None, scores: KnownAccuracies) -> str:
    """Return what the sentences rest on."""
    parts = ["A moment is decisive by the policy's own scores at that time, which may have been wrong."]
    if kind is None:
        parts = ["No scores of a policy were recorded, so that only changes of accuracy count."]
    if kind == "probabilities":
        parts.append("Its probabilities say nothing of the outcome it expected, so surprise does not count.")
    if scores.free:
        parts.append("Outcomes of alternatives are looked up or computed.")
    elif scores.asked:
        parts.append(f"{counted(scores.asked, 'alternative')} were evaluated for this report.")
    else:
        parts.append("Outcomes of alternatives are known only where the run evaluated them at some time.")
    parts.append("Each change is of accuracies that the search saw: small ones may be luck.")
    return " ".join(parts)


def moments_table(moments: list[Moment]) -> Table:
    """Return the moments."""
    return Table(
        "moments",
        "The decisive steps. Weight is the mean rank, 1 the highest, of the gap between the best and the "
        "worst legal score, the change of accuracy and the surprise.",
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


def alternatives_table(moments: list[Moment]) -> Table:
    """Return what could have been done at each."""
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
        ("step", "edit", "score", "leads to", "accuracy"),
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
        "accuracy": moment.step.score,
        "alternatives": [
            {"edit": one.edit, "policy_score": one.policy_score, "accuracy": one.score, "taken": one.taken}
            for one in moment.alternatives
        ],
        "best_known": None if moment.best is None else moment.best.edit,
        "known": moment.known[0],
        "legal": moment.known[1],
    }
