"""The importance of the choices of a run, by its evaluations, by its table and by fresh trainings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import kendalltau

from nas_gym.explain.evidence.evaluations import UsableEvaluations
from nas_gym.explain.evidence.rescoring import MOST_TRAININGS, SEEDS, affordable, control_seeds, measure
from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.methods.anova.deletion import Deletion, deletion, edited_choice
from nas_gym.explain.methods.anova.encoding import ENUMERATED, encode_architectures
from nas_gym.explain.methods.anova.importance import Importances, exact
from nas_gym.explain.methods.anova.permutation import PERMUTATIONS


@dataclass(frozen=True, eq=False)
class Findings:
    """The importance of the choices of a run.

    Attributes:
        label: name of the score for readers.
        used: evaluations of the run that are used.
        estimated: importances by the run alone.
        table: importances by the whole table that the run searched; None where there is none.
        deletion: deletion test of the choices that `estimated` ranks first; None where it was not possible.
    """

    label: str
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
        """Number of intervals that contain the table's value, and of all intervals; None without a table."""
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
    """Return importances by the whole table of a run; None without one, or for too large a space."""
    table, space = evidence.evaluator.table, evidence.search_space
    if table is None or table.classes or space.size > ENUMERATED:
        return None
    epochs = evidence.evaluator.fidelities()[-1] if fidelity is None else fidelity
    scores = np.array(table.scores(epochs), dtype=np.float64)
    good = np.asarray(~table.failed.any(axis=1) & ~np.isnan(scores).all(axis=1))
    return exact(encode_architectures(space, space).rows(good), scores[good], permutations, seed)


def deletion_of(evidence: Evidence, ranking: list[str], budget: int | None) -> Deletion | None:
    """Return the deletion test at the chosen network, with training seeds that the search did not see."""
    space, chosen = evidence.search_space, evidence.chosen.architecture
    neighbours = list(space.neighbours(chosen))
    most = float("inf") if evidence.evaluator.free else MOST_TRAININGS if budget is None else budget
    count = affordable(len(neighbours), SEEDS, most)
    if count < len(neighbours):
        return None
    fresh = measure(evidence, {chosen: control_seeds(count)} | dict.fromkeys(neighbours, SEEDS))
    if fresh.left_out or not len(fresh.of(chosen)):
        return None
    drops: dict[str, list[float]] = {}
    for one in neighbours:
        choice, scores = edited_choice(space, chosen, one), fresh.of(one)
        if choice and len(scores):
            drops.setdefault(choice, []).append(float(fresh.of(chosen).mean() - scores.mean()))
    return deletion(ranking, drops)
