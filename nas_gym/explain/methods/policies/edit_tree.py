"""A decision tree that edits: each leaf has edits in order, of which the first legal one is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nas_gym.explain.methods.policies.decision_tree import Tree, grow
from nas_gym.explain.methods.policies.questions import Questions
from nas_gym.explain.methods.policies.scores import PolicyScores
from nas_gym.traces import State

KEEP = 0
NEEDED = 6
MOST_EDITS = 12
CANDIDATES = 8


@dataclass(frozen=True, eq=False)
class EditTree:
    """A tree that chooses a legal edit in any state.

    Attributes:
        tree: the questions.
        edits: up to twelve edits of each leaf, of which the states that it was grown on need six at
            most; the first legal one is made, keep where none is.
    """

    tree: Tree
    edits: dict[int, tuple[int, ...]]

    @property
    def leaves(self) -> int:
        """Number of leaves."""
        return self.tree.leaves

    def choose(self, answers: np.ndarray, masks: np.ndarray) -> np.ndarray:
        """Return the edit in each state, int (N,), from answers bool (N, questions) and masks bool (N, n)."""
        leaf = self.tree.leaf_of(answers)
        chosen = np.full(len(leaf), KEEP)
        for number, edits in self.edits.items():
            rows = np.flatnonzero(leaf == number)
            chosen[rows] = first_legal(edits, masks[rows])
        return chosen

    def decide(self, questions: Questions, states: Sequence[State], masks: np.ndarray) -> np.ndarray:
        """Return the edit in each state, int (N,)."""
        return self.choose(questions.answers(states), masks)


def first_legal(edits: Sequence[int], masks: np.ndarray) -> np.ndarray:
    """Return the first of some edits that is legal, keep where none is; int (rows of masks,)."""
    chosen = np.full(len(masks), KEEP)
    for edit in reversed(edits):
        chosen = np.where(masks[:, edit], edit, chosen)
    return chosen


class TreeFamily:
    """A tree grown on states of a policy, of which every smaller tree can be taken.

    Args:
        answers: bool (N, questions).
        policy_scores: the states with the scores of the policy.
        weights: weight of each state, float64 (N,); each is multiplied by what a wrong edit costs there.
        leaves: most leaves.
    """

    def __init__(
        self, answers: np.ndarray, policy_scores: PolicyScores, weights: np.ndarray, leaves: int
    ) -> None:
        self._answers = answers
        self._masks, self._near_best = policy_scores.masks, policy_scores.near_best
        self._mass = (weights * policy_scores.stakes)[:, None] * policy_scores.near_best
        labels = shared_labels(policy_scores.near_best, weights * policy_scores.stakes)
        self._tree = grow(answers, labels, weights * policy_scores.stakes, leaves, self._settled)

    def of(self, leaves: int) -> EditTree:
        """Return the tree of at most so many leaves."""
        tree = self._tree.cut(leaves)
        leaf = tree.leaf_of(self._answers)
        edits = {
            int(number): self._ranked(np.flatnonzero(leaf == number))
            for number in np.flatnonzero(tree.question < 0)
        }
        return EditTree(tree, edits)

    def _settled(self, rows: np.ndarray) -> bool:
        """Return whether the edits of a leaf of these states are right in all of them."""
        needed, _ = self._needed(rows)
        return bool(self._near_best[rows, first_legal(needed, self._masks[rows])].all())

    def _ranked(self, rows: np.ndarray) -> tuple[int, ...]:
        """Return the edits of a leaf."""
        needed, left = self._needed(rows)
        if needed == [KEEP] or (len(needed) == 1 and len(left) == 0):
            return tuple(needed)
        return self._extended(needed, rows, left) or (KEEP,)

    def _needed(self, rows: np.ndarray) -> tuple[list[int], np.ndarray]:
        """Return the edit that is right in most of these states by weight, then likewise where it is illegal.

        Returns:
            The edits, and the states in which all of them are illegal.
        """
        needed: list[int] = []
        left = rows
        while len(left) and len(needed) < NEEDED and KEEP not in needed:
            edit = self._next(left)
            if edit is None:
                break
            needed.append(edit)
            if edit != KEEP:
                left = left[~self._masks[left, edit]]
        return needed, left

    def _extended(self, needed: list[int], rows: np.ndarray, left: np.ndarray) -> tuple[int, ...]:
        """Return the edits with others that are right in some of the states and wrong in none of those left.

        They change nothing here, but states that were not seen may need them: a tree that saw which
        of three layers to widen first, and widened each, should not stop at the fourth.
        """
        keeps = needed[-1:] == [KEEP]
        extended = needed[:-1] if keeps else list(needed)
        overall = self._mass[rows].sum(axis=0)
        for edit in np.argsort(-overall, kind="stable").tolist():
            if len(extended) >= MOST_EDITS or overall[edit] <= 0:
                break
            legal = left[self._masks[left, edit]]
            if edit != KEEP and edit not in extended and self._near_best[legal, edit].all():
                extended.append(edit)
                left = left[~self._masks[left, edit]]
        return (*extended, KEEP) if keeps else tuple(extended)

    def _next(self, rows: np.ndarray) -> int | None:
        """Return the edit to try first in these states, with a view to the best one where it is illegal."""
        mass = self._mass[rows]
        total = mass.sum(axis=0)
        edits = np.argsort(-total, kind="stable")[:CANDIDATES]
        if total[edits[0]] <= 0:
            return None
        elsewhere = (~self._masks[np.ix_(rows, edits)]).T.astype(np.float64) @ mass
        return int(edits[(total[edits] + elsewhere.max(axis=1)).argmax()])


def best_rule(policy_scores: PolicyScores, weights: np.ndarray) -> int:
    """Return the one edit that, made wherever it is legal, is right in most states by weight."""
    return int((weights[:, None] * _right_if_made(policy_scores)).sum(axis=0).argmax())


def _right_if_made(policy_scores: PolicyScores) -> np.ndarray:
    """Return whether making an edit where it is legal, and keeping else, is within 1e-3 of the best."""
    keeping = policy_scores.near_best[:, [KEEP]]
    return np.asarray(np.where(policy_scores.masks, policy_scores.near_best, keeping))


def shared_labels(near_best: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return one edit for each state out of those as good as the best, few different ones by a greedy cover.

    Edits that the policy holds for equally good would otherwise look like different decisions.

    Args:
        near_best: bool (N, n).
        weights: float64 (N,).

    Returns:
        int (N,), numbered from 0 in the order of the cover.
    """
    labels = np.zeros(len(near_best), dtype=int)
    # A tiny weight for all, so that states without stakes are covered too.
    mass = (weights + 1e-12 * (weights.sum() + 1.0))[:, None] * near_best
    left = near_best.any(axis=1)
    number = 0
    while left.any():
        edit = int(mass[left].sum(axis=0).argmax())
        covered = left & near_best[:, edit]
        labels[covered] = number
        left &= ~covered
        number += 1
    return labels
