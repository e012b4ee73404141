"""Explaining a run: every explanation made, one after the other, and written beside the run."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import scipy.linalg  # noqa: F401 - its threads are limited too, once it is loaded
from threadpoolctl import threadpool_limits

from nas_gym.errors import NASGymError
from nas_gym.explain.evidence.facts import facts_of, title_of
from nas_gym.explain.evidence.run import Evidence, read_evidence
from nas_gym.explain.report.writer import write_explanation
from nas_gym.explain.section import Explanation, Section, withheld
from nas_gym.explain.sections.registry import QUESTIONS, SUMMARY_QUESTION, Parts, Settings, all_parts

OnProgress = Callable[[int, int, str], None]

NOTHING_TRAINED = "No network of this run could be trained, so there is nothing to explain."


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

    ```python
    explanation = explain("tensorboard_logs/NAS-v0-mlp-mnist1d/q-learning/seed0")
    print(" ".join(explanation.summary.answer))
    explanation["choices"].numbers
    ```

    Args:
        run: folder of the run.
        budget: evaluations that each explanation may ask for beyond the run's, which trained networks
            cost time; None for what each asks for by default, 0 for none.
        seed: of every random draw.
        write: write `report.html`, `report.md`, `explanation.json` and TensorBoard's events into the
            run's folder; nothing is written before everything is explained.
        store: where further evaluations are kept, as of `gym.make("NAS-v0", store=...)`.
        on_progress: called before each part with its number, the number of parts, and its question.

    Raises:
        NASGymError: if the folder holds no run, its trace is damaged, or nothing was evaluated in it.
    """
    evidence = read_evidence(run, store)
    explanation = explain_evidence(evidence, Settings(budget, seed), all_parts(), on_progress)
    if write:
        write_explanation(evidence, explanation)
    return explanation


def explain_evidence(
    evidence: Evidence, settings: Settings, parts: Parts, on_progress: OnProgress | None = None
) -> Explanation:
    """All explanations of a run that was read.

    Args:
        evidence: the run.
        settings: of the explanations.
        parts: what makes them.
        on_progress: as of `explain`.
    """
    sections = []
    # One thread: the matrices are small, and sums in another order would be other numbers.
    with threadpool_limits(limits=1, user_api="blas"):  # type: ignore[no-untyped-call]
        for number, (key, question) in enumerate(QUESTIONS.items()):
            if on_progress is not None:
                on_progress(number, len(QUESTIONS) + 1, question)
            sections.append(_section(key, evidence, settings, parts))
        summary = parts.summary(evidence, sections) if evidence.succeeded else _all_failed(evidence)
    return Explanation(
        str(evidence.folder.path), title_of(evidence), summary, tuple(sections), facts_of(evidence)
    )


def _section(key: str, evidence: Evidence, settings: Settings, parts: Parts) -> Section:
    if not evidence.succeeded:
        return withheld(key, QUESTIONS[key], NOTHING_TRAINED)
    try:
        return parts.sections[key](evidence, settings)
    except NASGymError as error:
        return withheld(key, QUESTIONS[key], f"This run does not answer it: {error}.")


def _all_failed(evidence: Evidence) -> Section:
    """The summary of a run without a network that trained."""
    reasons = Counter(_reasons(evidence))
    named = "; ".join(f"{reason} ({count} times)" for reason, count in reasons.most_common(3))
    count = len(evidence.seen)
    return Section(
        "summary",
        SUMMARY_QUESTION,
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
