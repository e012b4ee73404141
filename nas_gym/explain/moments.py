"""Which decisions mattered most? The decisive steps of a run, each with what else could have been done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nas_gym.explain.decisive_steps import Measures, measures, most_decisive, scores_of
from nas_gym.explain.evidence import Evidence
from nas_gym.explain.known_accuracies import answers_at_once, evaluated
from nas_gym.explain.leaps import explain_leaps
from nas_gym.explain.moments_figure import timeline
from nas_gym.explain.phrases import counted, finite, points
from nas_gym.explain.section import Cell, Section, Table, withheld
from nas_gym.search_spaces.base import Architecture
from nas_gym.traces.trace_lines import Step

KEY, QUESTION = "moments", "Which decisions mattered most?"
MOMENTS = 6
ALTERNATIVES = 3
DISCOUNT = 0.9
NOT_EVALUATED = "not evaluated in this run"


@dataclass(frozen=True, slots=True)
class Alternative:
    """An edit that was legal at a step.

    Attributes:
        edit: in words.
        score: the policy's before the step; None where it has none.
        leads_to: the architecture it makes.
        accuracy: of that; None where it is not known.
        taken: whether it is the edit that was made.
    """

    edit: str
    score: float | None
    leads_to: str
    accuracy: float | None
    taken: bool


@dataclass(frozen=True, slots=True)
class Moment:
    """A decisive step: its number, the trace's line, how much hung on it, and its alternatives.

    Attributes:
        number: of the step in the run, from 0.
        step: as recorded.
        weight: in [0, 1].
        gap, change, surprise: as of `Measures`, None where they cannot be told.
        alternatives: the taken edit first, then the others by the policy's score.
        best: the alternative of the highest known accuracy.
        known: of how many legal edits the accuracy is known, and of how many there are.
    """

    number: int
    step: Step
    weight: float
    gap: float | None
    change: float | None
    surprise: float | None
    alternatives: tuple[Alternative, ...]
    best: Alternative | None
    known: tuple[int, int]


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
    accuracies = _Known(evidence, steps, numbers, budget)
    moments = [_moment(number, steps[number], found, weights, evidence, accuracies) for number in numbers]
    return Section(
        KEY,
        QUESTION,
        answer=(_on_all(moments, kind), *(_in_words(moment) for moment in moments[:3])),
        trust=_trust(found, kind, accuracies),
        tables=(_moments_table(moments), _alternatives_table(moments)),
        figures=(timeline(steps, weights, numbers),),
        numbers={
            "steps": len(steps),
            "scores": kind,
            "extra_evaluations": accuracies.asked,
            "moments": [_numbers(moment) for moment in moments],
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


class _Known:
    """Accuracies that the run measured, and those that are asked for within a budget."""

    def __init__(self, evidence: Evidence, steps: list[Step], numbers: list[int], budget: int | None) -> None:
        self._evidence = evidence
        self._values = {str(one.architecture): one.accuracy for one in evidence.succeeded}
        self.at_once = answers_at_once(evidence.evaluator)
        self.asked = 0
        wanted = dict.fromkeys(
            after
            for number in numbers
            for after in _within_an_edit(evidence, steps[number])
            if str(after) not in self._values
        )
        most = len(wanted) if self.at_once and budget is None else min(budget or 0, len(wanted))
        some = list(wanted)[:most]
        if some:
            self._values.update(zip(map(str, some), evaluated(evidence.evaluator, some), strict=True))
            self.asked = len(some)

    def of(self, architecture: Architecture) -> float | None:
        return self._values.get(str(architecture))


def _within_an_edit(evidence: Evidence, step: Step) -> list[Architecture]:
    """Where the legal edits of a step lead, keep first."""
    before = evidence.search_space.parse(step.architecture)
    return [before, *evidence.search_space.neighbours(before)]


def _moment(
    number: int, step: Step, found: Measures, weights: np.ndarray, evidence: Evidence, accuracies: _Known
) -> Moment:
    space, scores = evidence.search_space, scores_of(step)
    before = space.parse(step.architecture)
    everything = [
        Alternative(
            str(space.actions[action]),
            scores.get(action),
            str(space.apply(before, action)),
            accuracies.of(space.apply(before, action)),
            action == step.action,
        )
        for action in step.mask
    ]
    order = sorted(everything, key=lambda one: (not one.taken, -(one.score or 0.0)))
    known = [one for one in everything if one.accuracy is not None]
    best = max(known, key=lambda one: one.accuracy or 0.0, default=None)
    shown = order[: 1 + ALTERNATIVES]
    if best is not None and best not in shown:
        shown = [*shown, best]
    return Moment(
        number,
        step,
        float(weights[number]),
        finite(found.gap[number]),
        finite(found.change[number]),
        finite(found.surprise[number]),
        tuple(shown),
        best,
        (len(known), len(everything)),
    )


def _on_all(moments: list[Moment], kind: str | None) -> str:
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


def _in_words(moment: Moment) -> str:
    step, change = moment.step, moment.change
    outcome = "" if change is None else f", which changed accuracy by {points(change)}"
    sentence = (
        f"Step {moment.number + 1} (episode {step.episode + 1}): at {step.architecture} the agent chose "
        f"'{step.edit}'{outcome}"
    )
    best, (known, legal) = moment.best, moment.known
    if best is None or step.accuracy is None:
        return f"{sentence}."
    if best.taken or (best.accuracy or 0.0) <= step.accuracy:
        of_known = "" if known == legal else f" of the {known} of {legal} whose outcome is known"
        return f"{sentence}; no other legal edit{of_known} would bring more."
    return (
        f"{sentence}; '{best.edit}' would have brought {points((best.accuracy or 0.0) - step.accuracy)} more "
        f"(the best of {known} of {legal} legal edits whose outcome is known)."
    )


def _trust(found: Measures, kind: str | None, accuracies: _Known) -> str:
    parts = ["A moment is decisive by the policy's own scores at that time, which may have been wrong."]
    if kind is None:
        parts = ["No scores of a policy were recorded, so that only changes of accuracy count."]
    if kind == "probabilities":
        parts.append("Its probabilities say nothing of the outcome it expected, so surprise does not count.")
    if accuracies.at_once:
        parts.append("Outcomes of alternatives are looked up or computed.")
    elif accuracies.asked:
        parts.append(f"{counted(accuracies.asked, 'alternative')} were evaluated for this report.")
    else:
        parts.append("Outcomes of alternatives are known only where the run evaluated them at some time.")
    parts.append("One training decides each change of accuracy: small ones may be its luck.")
    return " ".join(parts)


def _moments_table(moments: list[Moment]) -> Table:
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


def _alternatives_table(moments: list[Moment]) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (
            moment.number + 1,
            f"{one.edit} (made)" if one.taken else one.edit,
            _rounded(one.score),
            one.leads_to,
            NOT_EVALUATED if one.accuracy is None else round(one.accuracy, 4),
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


def _numbers(moment: Moment) -> dict[str, Any]:
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
        "accuracy": moment.step.accuracy,
        "alternatives": [
            {"edit": one.edit, "score": one.score, "accuracy": one.accuracy, "taken": one.taken}
            for one in moment.alternatives
        ],
        "best_known": None if moment.best is None else moment.best.edit,
        "known": moment.known[0],
        "legal": moment.known[1],
    }
