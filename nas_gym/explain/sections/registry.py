"""The parts of an explanation in the order of a report, and what makes each of them.

Each is imported when a run is explained, since some need packages that are slow to import.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from nas_gym._checks import plain
from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.section import Section


@dataclass(frozen=True, slots=True)
class Settings:
    """What the explanations of a run are made with.

    Attributes:
        budget: evaluations that an explanation may ask for beyond the run's; None for what each
            asks for by default, 0 for none.
        seed: of every random draw.
    """

    budget: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "budget", plain(self.budget))
        object.__setattr__(self, "seed", plain(self.seed))


Part = Callable[[Evidence, Settings], Section]
Summary = Callable[[Evidence, Sequence[Section]], Section]

SUMMARY_QUESTION = "What was found, and why is it good?"
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
class Parts:
    """What makes an explanation.

    Attributes:
        sections: what makes each section, by the keys of `QUESTIONS`.
        summary: what makes the first page of the other sections.
    """

    sections: Mapping[str, Part]
    summary: Summary


def all_parts() -> Parts:
    """The parts that nas-gym has."""
    return Parts(
        {
            "choices": _choices,
            "edits": _edits,
            "alternatives": _alternatives,
            "policy": _policy,
            "moments": _moments,
            "attention": _attention,
            "network": _network,
        },
        _summary,
    )


def _choices(evidence: Evidence, settings: Settings) -> Section:
    from nas_gym.explain.sections.choices.analysis import explain_choices

    return explain_choices(evidence, budget=settings.budget, seed=settings.seed)


def _edits(evidence: Evidence, settings: Settings) -> Section:
    from nas_gym.explain.sections.edits.section import explain_edits

    return explain_edits(evidence, seed=settings.seed)


def _alternatives(evidence: Evidence, settings: Settings) -> Section:
    from nas_gym.explain.sections.alternatives.analysis import explain_alternatives

    return explain_alternatives(evidence, budget=settings.budget, seed=settings.seed)


def _policy(evidence: Evidence, settings: Settings) -> Section:
    from nas_gym.explain.sections.policy.section import explain_policy

    return explain_policy(evidence, seed=settings.seed)


def _moments(evidence: Evidence, settings: Settings) -> Section:
    from nas_gym.explain.sections.moments.section import explain_moments

    return explain_moments(evidence, budget=settings.budget, seed=settings.seed)


def _attention(evidence: Evidence, settings: Settings) -> Section:
    from nas_gym.explain.sections.attention.analysis import explain_attention

    return explain_attention(evidence, seed=settings.seed)


def _network(evidence: Evidence, settings: Settings) -> Section:
    from nas_gym.explain.sections.network.section import explain_network

    return explain_network(evidence, seed=settings.seed)


def _summary(evidence: Evidence, sections: Sequence[Section]) -> Section:
    from nas_gym.explain.sections.summary.section import summarise

    return summarise(evidence, sections)
