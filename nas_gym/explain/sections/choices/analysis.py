"""What a run, its table and fresh trainings say of the importance of its choices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import kendalltau

from nas_gym.explain.evidence.evaluations import UsableEvaluations
from nas_gym.explain.evidence.rescoring import MOST_TRAININGS, SEEDS, affordable, control_seeds, measure
from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.methods.anova.coding import ENUMERATED, code
from nas_gym.explain.methods.anova.deletion import Deletion, deletion, edited_choice
from nas_gym.explain.methods.anova.importance import Importances, exact
from nas_gym.explain.methods.anova.permutation import PERMUTATIONS


@dataclass(frozen=True, eq=False)
class Findings:
    """What was found out about the choices of a run.

    Attributes:
        used: the evaluations.
        estimated: from the run alone.
        table: from all of the table that the run searched; None where there is none.
        deletion: deletion test of the choices named by `estimated`; None where it could not be made.
    """

    used: UsableEvaluations
    estimated: Importances
    table: Importances | None
    deletion: Deletion | None

    @property
    def agreement(self) -> float | None:
        """Kendall's tau between the order of the estimates and that of the table; None without a table."""
        if self.table is None:
            return None
        true = {one.name: one.value for one in self.table.choices}
        pairs = [(one.value, true[one.name]) for one in self.estimated.choices if one.value is not None]
        tau = kendalltau(*zip(*pairs, strict=True)).statistic if len(pairs) > 1 else np.nan
        return float(tau) if np.isfinite(tau) else None

    @property
    def covered(self) -> tuple[int, int] | None:
        """How many of the intervals of choices hold the table's value, and of how many."""
        if self.table is None:
            return None
        true = {one.name: one.value for one in self.table.choices}
        held = [
            one.low <= true[one.name] <= one.high  # type: ignore[operator]
            for one in self.estimated.choices
            if one.low is not None and true[one.name] is not None
        ]
        return sum(held), len(held)


def exact_of(
    evidence: Evidence, fidelity: int | None, permutations: int = PERMUTATIONS, seed: int = 0
) -> Importances | None:
    """Importances of the whole table that a run searched; None without one, or of too large a space."""
    table, space = evidence.evaluator.table, evidence.search_space
    if table is None or space.size > ENUMERATED:
        return None
    epochs = evidence.evaluator.fidelities()[-1] if fidelity is None else fidelity
    scores = np.array(table.scores(epochs), dtype=np.float64)
    good = np.asarray(~table.failed.any(axis=1) & ~np.isnan(scores).all(axis=1))
    return exact(code(space, space).rows(good), scores[good], permutations, seed)


def deletion_of(evidence: Evidence, ranking: list[str], budget: int | None) -> Deletion | None:
    """Return the deletion test at the chosen network, with training seeds that the search did not see."""
    space, chosen = evidence.search_space, evidence.chosen.architecture
    neighbours = list(space.neighbours(chosen))
    most = float("inf") if evidence.evaluator.free else MOST_TRAININGS if budget is None else budget
    count = affordable(len(neighbours), SEEDS, most)
    if count < len(neighbours):
        return None
    scores = measure(evidence, {chosen: control_seeds(count)} | dict.fromkeys(neighbours, SEEDS))
    if not len(scores.of(chosen)):
        return None
    drops: dict[str, list[float]] = {}
    for one in neighbours:
        choice, scores = edited_choice(space, chosen, one), scores.of(one)
        if choice and len(scores):
            drops.setdefault(choice, []).append(float(scores.of(chosen).mean() - scores.mean()))
    return deletion(ranking, drops)
