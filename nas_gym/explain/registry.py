"""The questions that an explanation answers, a line each, in the order of a report."""

from __future__ import annotations

from collections.abc import Iterator

from nas_gym.errors import ConfigError
from nas_gym.explain.section import Question
from nas_gym.registry import lookup

SUMMARY = "summary"

# Paths of `Question` objects: some of their modules need packages that are slow to import.
QUESTIONS: dict[str, Question | str] = {
    "usage": "nas_gym.explain.sections.usage.section:USAGE",
    "network": "nas_gym.explain.sections.network.section:NETWORK",
    "alternatives": "nas_gym.explain.sections.alternatives.section:ALTERNATIVES",
    "choices": "nas_gym.explain.sections.choices.section:CHOICES",
    "edits": "nas_gym.explain.sections.edits.section:EDITS",
    "moments": "nas_gym.explain.sections.moments.section:MOMENTS",
    "policy": "nas_gym.explain.sections.policy.section:POLICY",
    "attention": "nas_gym.explain.sections.attention.section:ATTENTION",
    "costs": "nas_gym.explain.sections.costs.section:COSTS",
}

OF_SHARED_WEIGHTS: dict[str, Question | str] = {
    "shared_weights": "nas_gym.explain.sections.shared_weights.section:SHARED_WEIGHTS",
}
"""Asked of runs alone that hold readings of shared weights."""


def questions(*, of_shared_weights: bool = False) -> Iterator[Question]:
    """Return the questions in the order of a report; each is imported when it is reached.

    Args:
        of_shared_weights: whether the run searched by gradients on shared weights, which adds one.
    """
    for key in list(QUESTIONS):
        yield lookup("question", key, QUESTIONS)
    if of_shared_weights:
        for key in OF_SHARED_WEIGHTS:
            yield lookup("question", key, OF_SHARED_WEIGHTS)


def register_question(question: Question | str) -> None:
    """Add a question to every explanation from now on, after the others.

    Its section is then in `report.html`, `report.md`, `explanation.json` and TensorBoard.

    ```python
    def explain_failures(evidence, settings):
        failed = sum(one.failed for one in evidence.seen)
        answer = (f"{failed} of {len(evidence.seen)} networks failed.",)
        return Section("failures", "What failed?", answer, numbers={"failed": failed})

    register_question(Question("failures", "What failed?", explain_failures))
    ```

    Args:
        question: the question, or where it is, ``"module:NAME"``; one with the same key is replaced where
            it stands.

    Raises:
        NASGymError: if there is no question, or its key is not a word of letters, digits and underscores, or
            is ``"summary"``.
    """
    if isinstance(question, str):
        path, question = question, lookup("question", question, QUESTIONS)
        if not isinstance(question, Question):
            raise ConfigError(f"{path!r} is not a question: name a nas_gym.explain.Question of the module")
    if not question.key.isidentifier() or question.key == SUMMARY:
        raise ConfigError(
            f"the key of a question must be a word other than {SUMMARY!r}, such as 'failures', not "
            f"{question.key!r}"
        )
    QUESTIONS[question.key] = question
