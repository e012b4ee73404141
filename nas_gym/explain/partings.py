"""Two policies in the same states: where they agree, where they part, and who was right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from nas_gym.explain.decision_tree import grow
from nas_gym.explain.policy_values import TOLERANCE, Valued
from nas_gym.explain.rules import clauses
from nas_gym.explain.tree_features import Questions
from nas_gym.traces.policy import State

# How good an edit is in a state, or None where that is not known.
Worth = Callable[[State, int], float | None]
REGIONS = 4
# A region with fewer of the visits is not worth telling of.
LEAST_MASS = 0.1


@dataclass(frozen=True, slots=True)
class Parting:
    """A state in which two policies make different edits, neither as good as the other's best to it.

    Attributes:
        state: where.
        edits: of the first and of the second policy.
        weight: share of the visits of both.
        worth: of each edit; None where it is not known.
    """

    state: State
    edits: tuple[int, int]
    weight: float
    worth: tuple[float, float] | None

    @property
    def better(self) -> int | None:
        """0 or 1 for the policy whose edit is worth more; None where neither is, or it is not known."""
        if self.worth is None or abs(self.worth[0] - self.worth[1]) <= TOLERANCE:
            return None
        return int(self.worth[1] > self.worth[0])


@dataclass(frozen=True, slots=True)
class Compared:
    """Two policies compared.

    Attributes:
        states: in which both prefer some edit.
        agree: share of their visits to these states in which they agree.
        covered: share of all their visits that are to these states.
        partings: the others, those visited most first.
        region: where they part most, in words, and the share of visits there in which they do; None
            where no question tells it.
    """

    states: int
    agree: float
    covered: float
    partings: tuple[Parting, ...]
    region: tuple[str, float] | None

    def won(self, policy: int) -> float:
        """The share of visits to partings of known worth in which the edit of 0 or 1 is worth more."""
        known = [one for one in self.partings if one.worth is not None]
        total = sum(one.weight for one in known)
        return sum(one.weight for one in known if one.better == policy) / total if total else 0.0


def compare_policies(
    first: Valued, second: Valued, visits: np.ndarray, questions: Questions, worth: Worth
) -> Compared | None:
    """Compare two policies; None where there is no state in which both prefer some edit.

    Args:
        first: N states as the first policy values them.
        second: the same states as the second does.
        visits: how often the two visit each state, float64 (N,).
        questions: by which the region where they part is told.
        worth: what an edit is worth, by the truth as far as it is known.
    """
    both = np.flatnonzero(first.prefers & second.prefers & (visits > 0))
    if len(both) == 0:
        return None
    weights = visits[both] / visits[both].sum()
    one, other = first[both], second[both]
    rows = np.arange(len(both))
    agree = other.near_best[rows, one.best] | one.near_best[rows, other.best]
    apart = np.flatnonzero(~agree)
    partings = [
        _parting(one.states[row], (int(one.best[row]), int(other.best[row])), float(weights[row]), worth)
        for row in apart[np.argsort(-weights[apart], kind="stable")]
    ]
    return Compared(
        states=len(both),
        agree=float(weights[agree].sum()),
        covered=float(visits[both].sum() / visits.sum()),
        partings=tuple(partings),
        region=_region(one.states, ~agree, weights, questions),
    )


def _parting(state: State, edits: tuple[int, int], weight: float, worth: Worth) -> Parting:
    values = worth(state, edits[0]), worth(state, edits[1])
    known = (values[0], values[1]) if values[0] is not None and values[1] is not None else None
    return Parting(state, edits, weight, known)


def _region(
    states: Sequence[State], apart: np.ndarray, weights: np.ndarray, questions: Questions
) -> tuple[str, float] | None:
    """The leaf of a small tree in which the largest share of visits is to partings."""
    answers = questions.answers(states)
    tree = grow(answers, apart.astype(int), weights, REGIONS)
    if tree.leaves == 1:
        return None
    leaf = tree.leaf_of(answers)
    mass = {node: float(weights[leaf == node].sum()) for node in tree.paths()}
    share = {
        node: float(weights[(leaf == node) & apart].sum()) / mass[node]
        for node in mass
        if mass[node] >= LEAST_MASS
    }
    if not share:
        return None
    most = max(share, key=lambda node: share[node])
    path = [(questions.all[number], answer) for number, answer in tree.paths()[most]]
    return " and ".join(clauses(path)), share[most]
