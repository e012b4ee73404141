"""What the networks of a run cost, which of them none dominates, and what half of a cost would lose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nas_gym.envs import Objective, Objectives, hypervolume_share, make_objectives, nondominated
from nas_gym.evaluators import LATENCY
from nas_gym.explain.evidence.run import Evidence, SeenEvaluation
from nas_gym.search_spaces import Architecture

MOST_LISTED = 2**16
COUNTED = ("score", "parameters", "flops")
NORMAL = 1.96


@dataclass(frozen=True, eq=False)
class Seen:
    """The networks of a run with their costs.

    Attributes:
        costs: the objectives that are costs.
        networks: evaluations of one fidelity that did not fail.
        values: their costs in their own units, float64 (networks, costs).
        chosen: number of the chosen one.
    """

    costs: tuple[Objective, ...]
    networks: tuple[SeenEvaluation, ...]
    values: np.ndarray
    chosen: int

    @property
    def scores(self) -> np.ndarray:
        """The score of each, float64 (networks,)."""
        return np.array([one.score for one in self.networks])

    def front(self) -> np.ndarray:
        """Return the numbers of the networks that none dominates in score and all costs, cheapest first."""
        kept = np.flatnonzero(nondominated(np.column_stack([self.scores, -self.values])))
        return kept[np.argsort(self.values[kept, 0], kind="stable")]


@dataclass(frozen=True)
class Half:
    """The best network that has at most half of a cost of the chosen one.

    Attributes:
        cost: the cost.
        limit: half of it, in its own unit.
        network: number of the best one seen within it; None where none was.
        loss: how much lower its score is than that of the chosen one; None as above.
        within: how many of the networks seen are within it.
        known_loss: the loss of the best one of the whole table; None where that is not known.
    """

    cost: Objective
    limit: float
    network: int | None
    loss: float | None
    within: int
    known_loss: float | None = None


def look(evidence: Evidence, objectives: Objectives) -> Seen:
    """Return the networks of a run with their costs; those of the chosen one's fidelity."""
    chosen = evidence.chosen
    kept = tuple(one for one in evidence.succeeded if one.fidelity == chosen.fidelity)
    costs = tuple(each for each in objectives if each.is_cost)
    values = costs_of(evidence, costs, [one.architecture for one in kept])
    return Seen(costs, kept, values, kept.index(chosen))


def costs_of(
    evidence: Evidence, costs: Sequence[Objective], architectures: Sequence[Architecture]
) -> np.ndarray:
    """Return costs in their own units, float64 (architectures, costs); nothing is trained for them."""
    return np.stack([_column(evidence, each.name, architectures) for each in costs], axis=1)


def counted_costs(evidence: Evidence) -> Objectives | None:
    """Return the score and the costs that are known of all networks of a run without a measurement.

    None where its scores are of no networks.
    """
    evaluator = evidence.evaluator
    return make_objectives(COUNTED) if evaluator.trains or evaluator.table is not None else None


def halves(evidence: Evidence, seen: Seen, *, of_table: bool = True) -> list[Half]:
    """Return what half of each cost of the chosen network would lose.

    Args:
        evidence: evidence of the run.
        seen: its networks with their costs.
        of_table: whether all networks of a table are asked, too, where there is one.
    """
    whole = _whole(evidence, seen.costs) if of_table else None
    return [_half(seen, column, whole) for column in range(len(seen.costs))]


def change_for_new(evidence: Evidence, seen: Seen, half: Half) -> tuple[float, float, int] | None:
    """Return the 95% interval, for new examples, of how the score changes with half of a cost.

    Both scores are taken as shares of different examples (Agresti and Caffo 2000), which is wider than of the
    same ones.

    Returns:
        Its ends, and over how many examples a score is counted; None where a score is no share of examples,
        or there is no network.
    """
    examples = evidence.evaluator.examples()
    if examples is None or half.network is None:
        return None
    count = examples[1] if evidence.evaluator.selects_on_test else examples[0]
    one, other = ((seen.scores[place] * count + 1) / (count + 2) for place in (seen.chosen, half.network))
    width = NORMAL * float(np.sqrt((one * (1 - one) + other * (1 - other)) / (count + 2)))
    return float(other - one) - width, float(other - one) + width, count


def share_of_front(evidence: Evidence, seen: Seen) -> float | None:
    """Return the share of the exact front's hypervolume that the run found; None where it is not known."""
    whole = _whole(evidence, seen.costs)
    if whole is None:
        return None
    scores, values = whole
    every = np.column_stack([scores, -values])
    return hypervolume_share(np.column_stack([seen.scores, -seen.values]), every[nondominated(every)])


def _half(seen: Seen, column: int, whole: tuple[np.ndarray, np.ndarray] | None) -> Half:
    limit, score = float(seen.values[seen.chosen, column]) / 2, seen.scores[seen.chosen]
    within = np.flatnonzero(seen.values[:, column] <= limit)
    known = None
    if whole is not None and (whole[1][:, column] <= limit).any():
        known = float(score - whole[0][whole[1][:, column] <= limit].max())
    if not len(within):
        return Half(seen.costs[column], limit, None, None, 0, known)
    best = int(within[np.argmax(seen.scores[within])])
    return Half(seen.costs[column], limit, best, float(score - seen.scores[best]), len(within), known)


def _whole(evidence: Evidence, costs: Sequence[Objective]) -> tuple[np.ndarray, np.ndarray] | None:
    """Return score and costs of all networks that did not fail, where they are on a table."""
    space, evaluator = evidence.search_space, evidence.evaluator
    if evaluator.table is None or not evaluator.free or space.size > MOST_LISTED:
        return None
    every = list(space)
    found = evaluator.evaluate_architectures(every)
    fine = np.array([not one.failed for one in found])
    return np.array([one.score for one in found])[fine], costs_of(evidence, costs, every)[fine]


def _column(evidence: Evidence, name: str, architectures: Sequence[Architecture]) -> np.ndarray:
    space, evaluator = evidence.search_space, evidence.evaluator
    if name == LATENCY:
        assert evaluator.latency is not None
        return np.array(evaluator.latency.of(architectures), dtype=np.float64)
    if evaluator.table is not None:
        return np.asarray(evaluator.table.costs(name, architectures), dtype=np.float64)
    return np.array([getattr(space.network(each), name) for each in architectures], dtype=np.float64)
