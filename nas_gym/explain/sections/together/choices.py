"""Which choices matter by the evaluations of all runs, and which of them a single run could tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from nas_gym.explain.evidence.evaluations import UsableEvaluations, usable
from nas_gym.explain.evidence.run import SeenEvaluation
from nas_gym.explain.evidence.together import Together
from nas_gym.explain.fact import Fact
from nas_gym.explain.methods.anova.components import evaluations_needed
from nas_gym.explain.methods.anova.encoding import EncodedArchitectures, encode_architectures, reference
from nas_gym.explain.methods.anova.importance import Importance, estimate
from nas_gym.explain.methods.anova.permutation import PERMUTATIONS
from nas_gym.explain.sections.choices.analysis import Findings, exact_of
from nas_gym.explain.sections.choices.facts import importance_fact
from nas_gym.explain.sections.choices.tables import best_and_worst

PERMUTATIONS_OF_ONE = 199


@dataclass(frozen=True, eq=False)
class Choice:
    """How much a choice matters.

    Attributes:
        importance: the estimate by all runs.
        fact: spread of the mean scores of its options, as a standard deviation.
        best, worst: its options with the highest and the lowest mean score; "" where it is not determined.
        gap: mean score of the best option minus that of the worst.
        alone: runs that show by themselves that it matters.
    """

    importance: Importance
    fact: Fact
    best: str
    worst: str
    gap: float
    alone: int

    @property
    def name(self) -> str:
        """Its name."""
        return self.importance.name


@dataclass(frozen=True, eq=False)
class ChoicesTogether:
    """The choices by the evaluations of all runs.

    Attributes:
        findings: what the section on choices knows; without its deletion test.
        choices: from the most important to the least.
        asked: runs that had evaluations enough to be asked alone.
    """

    findings: Findings
    choices: tuple[Choice, ...]
    asked: int

    @property
    def used(self) -> UsableEvaluations:
        """The evaluations that are used."""
        return self.findings.used

    @property
    def shown(self) -> tuple[Choice, ...]:
        """The choices that are shown to matter."""
        return tuple(one for one in self.choices if one.fact.is_shown)


def choices_together(
    together: Together, seed: int = 0, permutations: int = PERMUTATIONS
) -> ChoicesTogether | str:
    """Return which choices matter by the distinct evaluations of all runs, or why that cannot be said.

    Args:
        together: the runs.
        seed: seed of permutations, intervals and the sample of a large space.
        permutations: number of permutations in the tests of significance.
    """
    evidence = together.evidence
    space, label = evidence.search_space, evidence.metric.label
    used = usable(evidence, seed=seed)
    base = encode_architectures(space, reference(space, seed))
    wanted = evaluations_needed(base)
    if len(used.y) < wanted:
        return (
            f"Not enough evaluations to say: all runs together have {len(used.y)} different networks, and at "
            f"least {wanted} are needed."
        )
    if used.y.std() < 1e-9:
        return f"All {len(used.y)} evaluations have the same {label}, so no choice made a difference to it."
    visited = encode_architectures(space, used.architectures)
    estimated = estimate(base, visited, used.y, permutations, seed, with_pairs=False)
    table = exact_of(evidence, used.fidelity, permutations, seed)
    if table is not None:
        table = replace(table, pairs=())
    alone = [_shown_by(run.seen, used.fidelity, together, base, wanted, seed) for run in together.runs]
    answers = [names for names in alone if names is not None]
    choices = [
        _choice(one, len(used.y), sum(one.name in names for names in answers)) for one in estimated.choices
    ]
    return ChoicesTogether(Findings(label, used, estimated, table, None), tuple(choices), len(answers))


def _choice(one: Importance, evaluations: int, alone: int) -> Choice:
    fact = importance_fact(one, "evaluations of all runs", evaluations)
    if one.value is None:
        return Choice(one, fact, "", "", 0.0, alone)
    best, worst = best_and_worst(one)
    gap = float(one.effects[best] - one.effects[worst])
    return Choice(one, fact, one.component.words[best][0], one.component.words[worst][0], gap, alone)


def _shown_by(
    seen: Sequence[SeenEvaluation],
    fidelity: int | None,
    together: Together,
    base: EncodedArchitectures,
    wanted: int,
    seed: int,
) -> set[str] | None:
    """Return the choices that a run shows by itself; None where it has too few evaluations to be asked."""
    good = [one for one in seen if not one.failed and one.fidelity == fidelity]
    y = np.array([one.score for one in good])
    if len(y) < wanted or y.std() < 1e-9:
        return None
    visited = encode_architectures(together.evidence.search_space, [one.architecture for one in good])
    found = estimate(base, visited, y, PERMUTATIONS_OF_ONE, seed, with_pairs=False)
    return {one.name for one in found.choices if one.significant()}
