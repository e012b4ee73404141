"""Explaining a run: every explanation made, one after the other, and written beside the run."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from nas_gym.errors import NASGymError
from nas_gym.explain.evidence import Evidence, read_evidence
from nas_gym.explain.facts import facts_of, title_of
from nas_gym.explain.section import Explanation, Section, withheld
from nas_gym.explain.writing import write_explanation

Part = Callable[[Evidence, "Settings"], Section]
OnProgress = Callable[[int, int, str], None]

SUMMARY = ("summary", "What was found, and why is it good?")
QUESTIONS = {
    "choices": "Which choices matter?",
    "edits": "Which edits help?",
    "alternatives": "What would change the result?",
    "policy": "What did the agent learn?",
    "moments": "Which decisions mattered most?",
    "attention": "What does the policy look at?",
    "network": "What does the found network use?",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the explanations of a run are made with.

    Attributes:
        budget: evaluations that may be asked for beyond the run's; None for what each
            explanation asks for by default, 0 for none.
        seed: of every random draw.
    """

    budget: int | None = None
    seed: int = 0


def explain(
    run: str | os.PathLike[str],
    *,
    budget: int | None = None,
    seed: int = 0,
    write: bool = True,
    store: Any = "user",
    on_progress: OnProgress | None = None,
) -> Explanation:
    """Explain a run: what was found, why it is good, how the agent found it, and how sure that is.

    Any run folder will do, also of an interrupted run or of one that is still going on. What cannot
    be explained of a run (a policy that it does not have, effects that too few evaluations show) is
    withheld with a sentence.

    Args:
        run: folder of the run.
        budget: evaluations that may be asked for beyond the run's, which trained networks cost time;
            None for what each explanation asks for by default, 0 for none.
        seed: of every random draw.
        write: write `report.html`, `report.md`, `explanation.json` and TensorBoard's events into the
            run's folder; nothing is written before everything is explained.
        store: where further evaluations are kept, as of `gym.make("NAS-v0", store=...)`.
        on_progress: called before each part with its number, the number of parts, and its question.

    Raises:
        NASGymError: if the folder holds no run, its trace is damaged, or nothing was evaluated in it.
    """
    evidence = read_evidence(run, store)
    explanation = explain_evidence(evidence, Settings(budget, seed), parts(), on_progress)
    if write:
        write_explanation(evidence, explanation)
    return explanation


def explain_evidence(
    evidence: Evidence,
    settings: Settings,
    made_by: Mapping[str, Part],
    on_progress: OnProgress | None = None,
) -> Explanation:
    """All explanations of a run that was read.

    Args:
        evidence: the run.
        settings: of the explanations.
        made_by: what makes each section, by its key; the summary is made of the others.
        on_progress: as of `explain`.
    """
    sections: list[Section] = []
    for number, (key, question) in enumerate(QUESTIONS.items()):
        if on_progress is not None:
            on_progress(number, len(QUESTIONS), question)
        sections.append(_made(key, question, made_by[key], evidence, settings))
    summary = _summary(evidence, sections)
    if on_progress is not None:
        on_progress(len(QUESTIONS), len(QUESTIONS), SUMMARY[1])
    return Explanation(
        str(evidence.folder.path), title_of(evidence), summary, tuple(sections), facts_of(evidence)
    )


def _made(key: str, question: str, part: Part, evidence: Evidence, settings: Settings) -> Section:
    if not evidence.succeeded:
        return withheld(
            key, question, "No network of this run could be trained, so there is nothing to explain."
        )
    try:
        return part(evidence, settings)
    except NASGymError as error:
        return withheld(key, question, f"This run does not answer it: {error}.")


def _summary(evidence: Evidence, sections: list[Section]) -> Section:
    if not evidence.succeeded:
        return _all_failed(evidence)
    from nas_gym.explain.summary import summarise

    return summarise(evidence, sections)


def _all_failed(evidence: Evidence) -> Section:
    """The summary of a run without a network that trained."""
    reasons = Counter(_reasons(evidence))
    named = "; ".join(f"{reason} ({count} times)" for reason, count in reasons.most_common(3))
    count = len(evidence.seen)
    return Section(
        SUMMARY[0],
        SUMMARY[1],
        (
            f"Nothing was found: none of the {count} networks that the run tried could be trained."
            if count > 1
            else "Nothing was found: the only network that the run tried could not be trained.",
            f"What the training said: {named}.",
            "What to try: a smaller learning rate, a higher max_parameters, or another task.",
        ),
        trust="This is counted, not estimated.",
        numbers={"evaluations": count, "failed": count, "reasons": dict(reasons)},
    )


def _reasons(evidence: Evidence) -> Iterator[str]:
    """Why each failed training of the trace failed."""
    for line in evidence.recording.lines:
        if line.error:
            yield line.error


def parts() -> dict[str, Part]:
    """What makes each section."""
    return {key: _part(place) for key, place in _PLACES.items()}


# Imported when a run is explained, since some of them need packages that are slow to import.
_PLACES = {
    "choices": "importance:explain_choices",
    "edits": "edits:explain_edits",
    "alternatives": "counterfactuals:explain_alternatives",
    "policy": "distillation:explain_policy",
    "moments": "moments:explain_moments",
    "attention": "attention:explain_attention",
    "network": "network_section:explain_network",
}


def _part(place: str) -> Part:
    module, _, name = place.partition(":")
    function = getattr(import_module(f"nas_gym.explain.{module}"), name)
    return lambda evidence, settings: function(evidence, seed=settings.seed)
