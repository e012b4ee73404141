"""A tree of edits as rules in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nas_gym.explain.methods.policies.edit_tree import EditTree
from nas_gym.explain.methods.policies.questions import Question
from nas_gym.search_spaces import Edit

MOST_GROUPS = 3


@dataclass(frozen=True, slots=True)
class Rule:
    """A leaf of a tree.

    Attributes:
        when: the conditions as clauses; () for a tree of one leaf.
        then: the edits in words, each for where those before are impossible.
        leaf: its number in the tree.
    """

    when: tuple[str, ...]
    then: tuple[str, ...]
    leaf: int

    @property
    def condition(self) -> str:
        """``"depth is below 3 and the activation of layer 1 is relu"``."""
        return " and ".join(self.when) if self.when else "always"

    @property
    def action(self) -> str:
        """``"swap width of layer 3 (else 2) to 64, or where that is impossible remove layer 2"``."""
        return edits_in_words(self.then)

    def __str__(self) -> str:
        return f"If {self.condition}: {self.action}." if self.when else f"Always: {self.action}."


def rules_of(tree: EditTree, questions: Sequence[Question], actions: Sequence[Edit]) -> tuple[Rule, ...]:
    """Return the rules of a tree, one a leaf, from left to right."""
    return tuple(
        Rule(
            tuple(clauses([(questions[number], answer) for number, answer in path])),
            tuple(str(actions[edit]) for edit in tree.edits[leaf]),
            leaf,
        )
        for leaf, path in tree.tree.paths().items()
    )


def clauses(path: Sequence[tuple[Question, bool]]) -> list[str]:
    """Return the answers of a path in words, without those that follow from others on it."""
    found: list[str] = []
    for about in dict.fromkeys(question.about for question, _ in path):
        here = [(question, answer) for question, answer in path if question.about == about]
        chosen = next((question for question, answer in here if question.kind == "is" and answer), None)
        if chosen is not None:
            found.append(chosen.yes)
            continue
        found += [question.no for question, answer in here if question.kind == "is" and not answer]
        bounds = [pair for pair in here if pair[0].kind == "at least"]
        reached = [question for question, answer in bounds if answer]
        missed = [question for question, answer in bounds if not answer]
        if reached:
            found.append(max(reached, key=_value).yes)
        if missed:
            found.append(min(missed, key=_value).no)
    return found


def edits_in_words(edits: Sequence[str]) -> str:
    """Return edits in words, the first possible one is made; after three kinds the others are left out."""
    groups = _joined(edits)
    more = ", and so on" if len(groups) > MOST_GROUPS else ""
    return ", or where that is impossible ".join(groups[:MOST_GROUPS]) + more


def shares_of(tree: EditTree, answers: np.ndarray, weights: np.ndarray) -> dict[int, float]:
    """Return the weight of the states in each leaf."""
    leaf = tree.tree.leaf_of(answers)
    return {number: float(weights[leaf == number].sum()) for number in tree.edits}


def _value(question: Question) -> float:
    return float(question.value)


def _joined(edits: Sequence[str]) -> list[str]:
    """Return edits in words; those that follow each other and differ in one word become one."""
    groups: list[tuple[list[str], dict[int, list[str]]]] = []
    for words in (edit.split() for edit in edits):
        first, others = groups[-1] if groups else ([], {})
        differing = [number for number, (a, b) in enumerate(zip(first, words, strict=False)) if a != b]
        if len(first) == len(words) and len(differing) == 1 and set(others) <= set(differing):
            others.setdefault(differing[0], []).append(words[differing[0]])
        else:
            groups.append((words, {}))
    return [
        " ".join(
            f"{word} (else {', else '.join(others[number])})" if number in others else word
            for number, word in enumerate(first)
        )
        for first, others in groups
    ]
