"""Two policies in the same states: where they agree, where they differ, and whose edits are worth more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from nas_gym.explain.methods.policies.decision_tree import grow
from nas_gym.explain.methods.policies.questions import Questions
from nas_gym.explain.methods.policies.rules import clauses
from nas_gym.explain.methods.policies.scores import TOLERANCE, PolicyScores
from nas_gym.explain.methods.significance.sign_flip import SignFlipTest, sign_flips
from nas_gym.traces import State

REGIONS = 4
# A region with a smaller share of the visits is not worth a sentence.
LEAST_MASS = 0.1


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A state in which each of two policies makes an edit that the other holds for worse than its own.

    Attributes:
        state: the state.
        edits: edit of the first and of the second policy.
        weight: share of the visits of both policies.
        worth: worth of both edits; None where it is not known.
    """

    state: State
    edits: tuple[int, int]
    weight: float
    worth: tuple[float, float] | None = None

    @property
    def better(self) -> int | None:
        """0 or 1 for the policy whose edit is worth more; None where neither is, or it is not known."""
        if self.worth is None or abs(self.worth[0] - self.worth[1]) <= TOLERANCE:
            return None
        return int(self.worth[1] > self.worth[0])


@dataclass(frozen=True, slots=True)
class PolicyComparison:
    """The comparison of two policies.

    Attributes:
        states: number of states in which both prefer some edit.
        agree: share of their visits to these states in which they agree.
        covered: share of all their visits that are to these states.
        disagreements: the states in which they disagree, the most visited first.
        region: region in which they disagree most, in words, and the share of visits there in which they
            do; None where no question separates one.
    """

    states: int
    agree: float
    covered: float
    disagreements: tuple[Disagreement, ...]
    region: tuple[str, float] | None

    @property
    def judged(self) -> list[Disagreement]:
        """The disagreements of known worth."""
        return [one for one in self.disagreements if one.worth is not None]

    def won(self, policy: int) -> float:
        """Return the share of visits to judged disagreements in which the edit of 0 or 1 is worth more."""
        total = sum(one.weight for one in self.judged)
        return sum(one.weight for one in self.judged if one.better == policy) / total if total else 0.0

    def tested(self, seed: int = 0) -> tuple[SignFlipTest, SignFlipTest]:
        """Test whether one policy is right more often, and whether its edits are worth more.

        Both tests are of differences of the first policy to the second, weighted by visits. The same two
        edits against each other in several states are one case.
        """
        judged = self.judged
        weights = np.array([one.weight for one in judged])
        _, groups = np.unique([one.edits for one in judged], axis=0, return_inverse=True)
        gains = np.array([one.worth[0] - one.worth[1] for one in judged if one.worth is not None])
        wins = np.array([0.0 if one.better is None else 1.0 - 2.0 * one.better for one in judged])
        return sign_flips(wins, weights, groups, seed), sign_flips(gains, weights, groups, seed)

    def with_worth(self, values: Sequence[float | None]) -> PolicyComparison:
        """Return the comparison with the worth of both edits of each disagreement, in order."""
        pairs = zip(values[::2], values[1::2], strict=True)
        disagreements = tuple(
            replace(one, worth=None if first is None or second is None else (first, second))
            for one, (first, second) in zip(self.disagreements, pairs, strict=True)
        )
        return replace(self, disagreements=disagreements)


def compare_policies(
    first: PolicyScores, second: PolicyScores, visits: np.ndarray, questions: Questions
) -> PolicyComparison | None:
    """Compare two policies; None where no state was found in which both prefer some edit.

    Args:
        first: N states with the scores of the first policy.
        second: the same states with the scores of the second policy.
        visits: number of visits of the two to each state, float64 (N,).
        questions: questions that describe the region where they disagree most.
    """
    both = np.flatnonzero(first.prefers & second.prefers & (visits > 0))
    if len(both) == 0:
        return None
    weights = visits[both] / visits[both].sum()
    one, other = first[both], second[both]
    rows = np.arange(len(both))
    agree = other.near_best[rows, one.best] | one.near_best[rows, other.best]
    apart = np.flatnonzero(~agree)
    disagreements = [
        Disagreement(one.states[row], (int(one.best[row]), int(other.best[row])), float(weights[row]))
        for row in apart[np.argsort(-weights[apart], kind="stable")]
    ]
    return PolicyComparison(
        states=len(both),
        agree=float(weights[agree].sum()),
        covered=float(visits[both].sum() / visits.sum()),
        disagreements=tuple(disagreements),
        region=_region(one.states, ~agree, weights, questions),
    )


def _region(
    states: Sequence[State], apart: np.ndarray, weights: np.ndarray, questions: Questions
) -> tuple[str, float] | None:
    """Return the leaf of a small tree in which the largest share of visits is to disagreements."""
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
