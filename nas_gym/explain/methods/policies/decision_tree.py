"""A decision tree over yes-or-no questions, grown leaf by leaf: every smaller tree is a part of it."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

LEAF = -1
LEAST_GAIN = 1e-9


@dataclass(frozen=True, eq=False, slots=True)
class Tree:
    """A tree; node 0 is the root.

    Attributes:
        question: asked at each node, int (nodes,); -1 at leaves.
        yes, no: the child for each answer, int (nodes,); -1 at leaves.
        turn: in which split a node was split, from 0, int (nodes,); -1 at leaves.
    """

    question: np.ndarray
    yes: np.ndarray
    no: np.ndarray
    turn: np.ndarray

    @property
    def leaves(self) -> int:
        """Number of leaves."""
        return int((self.question == LEAF).sum())

    def cut(self, leaves: int) -> Tree:
        """Return the tree as it was when it had at most so many leaves."""
        kept = (self.turn >= 0) & (self.turn < leaves - 1)
        parts = (np.where(kept, part, LEAF) for part in (self.question, self.yes, self.no, self.turn))
        question, yes, no, turn = parts
        reached = np.zeros(len(question), dtype=bool)
        reached[0] = True
        for node in np.flatnonzero(kept):
            reached[[yes[node], no[node]]] = True
        # Unreached nodes have the highest numbers: children are numbered in the order of splits.
        count = int(reached.sum())
        return Tree(question[:count], yes[:count], no[:count], turn[:count])

    def leaf_of(self, answers: np.ndarray) -> np.ndarray:
        """Return the leaf of each row of answers, int (rows,), from bool (rows, questions)."""
        node = np.zeros(len(answers), dtype=int)
        while True:
            asked = self.question[node]
            inner = np.flatnonzero(asked != LEAF)
            if len(inner) == 0:
                return node
            answer = answers[inner, asked[inner]]
            node[inner] = np.where(answer, self.yes[node[inner]], self.no[node[inner]])

    def paths(self) -> dict[int, list[tuple[int, bool]]]:
        """Return the questions and answers that lead to each leaf, leaves from left (yes) to right."""
        found: dict[int, list[tuple[int, bool]]] = {}
        open_nodes: list[tuple[int, list[tuple[int, bool]]]] = [(0, [])]
        while open_nodes:
            node, path = open_nodes.pop()
            asked = int(self.question[node])
            if asked == LEAF:
                found[node] = path
                continue
            open_nodes.append((int(self.no[node]), [*path, (asked, False)]))
            open_nodes.append((int(self.yes[node]), [*path, (asked, True)]))
        return found


def grow(
    answers: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    leaves: int,
    settled: Callable[[np.ndarray], bool] | None = None,
) -> Tree:
    """Grow a tree by the split that lowers the weighted Gini impurity most, wherever in the tree it is.

    CART (Breiman et al. 1984) with best-first growth: the tree of k leaves is the tree of k + 1
    leaves without its last split.

    Args:
        answers: bool (rows, questions).
        labels: int (rows,), from 0.
        weights: float64 (rows,), at least 0.
        leaves: most leaves.
        settled: whether a leaf of these rows, int (k,), is good as it is and need not be split.
    """
    asked = answers.astype(np.float64)
    marked = np.zeros((len(labels), int(labels.max(initial=0)) + 1))
    marked[np.arange(len(labels)), labels] = weights
    question, yes, no, turn = [LEAF], [LEAF], [LEAF], [LEAF]
    waiting: list[tuple[float, int, int, np.ndarray]] = []

    def consider(node: int, rows: np.ndarray) -> None:
        if settled is not None and settled(rows):
            return
        best, gain = _best_split(asked[rows], marked[rows])
        if gain > LEAST_GAIN * weights.sum():
            heapq.heappush(waiting, (-gain, node, best, rows))

    consider(0, np.arange(len(labels)))
    splits = 0
    while waiting and splits < leaves - 1:
        _, node, best, rows = heapq.heappop(waiting)
        question[node], turn[node] = best, splits
        splits += 1
        for side, children in ((answers[rows, best], yes), (~answers[rows, best], no)):
            child = len(question)
            children[node] = child
            for part in (question, yes, no, turn):
                part.append(LEAF)
            consider(child, rows[side])
    return Tree(*(np.array(part) for part in (question, yes, no, turn)))


def _best_split(asked: np.ndarray, marked: np.ndarray) -> tuple[int, float]:
    """Return the question whose answer separates the labels best, and by how much the impurity falls."""
    if len(asked) < 2:
        return LEAF, 0.0
    marked = marked[:, marked.any(axis=0)]
    whole = marked.sum(axis=0)
    yes = asked.T @ marked
    no = whole - yes
    separated = _purity(yes) + _purity(no)
    # A question with one answer everywhere separates nothing, whatever rounding says.
    counts = asked.sum(axis=0)
    separated[(counts == 0) | (counts == len(asked))] = -np.inf
    best = int(separated.argmax())
    return best, float(separated[best] - _purity(whole[None])[0])


def _purity(mass: np.ndarray) -> np.ndarray:
    """Return sum of squares over sum, of the mass of each label, (k, labels) -> (k,)."""
    total = mass.sum(axis=1)
    return np.asarray((mass**2).sum(axis=1) / np.where(total > 0, total, 1.0))
