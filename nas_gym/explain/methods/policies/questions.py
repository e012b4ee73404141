"""Yes-or-no questions about an architecture, in words, for trees that explain a policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from nas_gym.search_spaces import SearchSpace, Variable
from nas_gym.traces import State

ABSENT = -1
YES_AND_NO = ("no", "yes")
STEPS_LEFT = "steps left"


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a state.

    Attributes:
        about: quantity that the question is about; answers about the same quantity can follow from each
            other.
        kind: ``"at least"`` asks whether a number reaches `value`, ``"is"`` whether a choice is `value`.
        value: a number, or a choice in words.
        yes, no: the two answers as clauses.
    """

    about: str
    kind: Literal["at least", "is"]
    value: float | str
    yes: str
    no: str


class Questions:
    """The questions that fit a search space.

    For each numeric choice of its own (depth) whether it reaches a value; for each position whether
    its choice is a value, also for the last position in use; for choices that several positions
    share how many of those in use have a value; and, where a state has a clock, the steps left.

    Args:
        space: search space of the architectures.
        horizon: horizon of the clock; None where a state has none.

    Attributes:
        all: the questions, in a fixed order.
    """

    def __init__(self, space: SearchSpace[Any], horizon: int | None = None) -> None:
        self._space = space
        self._names = tuple(space.variables)
        self._families = _families(space)
        self._asked: list[tuple[Question, Any]] = []
        self._ask_positions()
        self._ask_families()
        if horizon is not None:
            for steps in range(2, horizon + 1):
                words = f"{steps} steps are left"
                self._add(
                    Question(STEPS_LEFT, "at least", steps, f"at least {words}", f"fewer than {words}"),
                    lambda _, left, steps=steps: left >= steps,
                )
        self.all = tuple(question for question, _ in self._asked)

    def answers(self, states: Sequence[State]) -> np.ndarray:
        """Return the answers, bool (states, questions)."""
        values = np.full((len(states), len(self._names)), ABSENT)
        for row, state in enumerate(states):
            chosen = self._space.encode(state.architecture)
            active = self._space.active_variables(state.architecture)
            values[row] = [chosen[name] if name in active else ABSENT for name in self._names]
        left = np.array([state.steps_left or 0 for state in states])
        columns = {name: values[:, number] for number, name in enumerate(self._names)}
        found = np.zeros((len(states), len(self._asked)), dtype=bool)
        for number, (_, answer) in enumerate(self._asked):
            found[:, number] = answer(columns, left)
        return found

    def _add(self, question: Question, answer: Any) -> None:
        self._asked.append((question, answer))

    def _ask_positions(self) -> None:
        """Ask for the value of every variable, or whether it reaches a value if it is a number."""
        for name, variable in self._space.variables.items():
            choices, place = variable.choices, variable.place
            subject = f"the {variable.aspect} of {place}" if place and variable.aspect else name
            numbers = _numbers(choices)
            if numbers is not None and (len(choices) > 2 or not place):
                for code, number in enumerate(numbers[1:], start=1):
                    self._add(
                        Question(
                            name,
                            "at least",
                            number,
                            f"{subject} is {number:g} or more",
                            f"{subject} is below {number:g}",
                        ),
                        lambda columns, _, name=name, code=code: columns[name] >= code,
                    )
                continue
            for code, value in enumerate(choices):
                if len(choices) == 2 and code == 0 and choices == YES_AND_NO:
                    continue
                yes, no = _is(subject, choices, value)
                self._add(
                    Question(name, "is", value, yes, no),
                    lambda columns, _, name=name, code=code: columns[name] == code,
                )

    def _ask_families(self) -> None:
        """Ask how many of the positions that share a choice have a value, and which value the last has."""
        for family in self._families:
            names = [variable.name for variable in family]
            choices, unit, aspect = family[0].choices, family[0].group, family[0].aspect
            for code, value in enumerate(choices):
                if choices == YES_AND_NO and code == 0:
                    continue
                has = (
                    "is there"
                    if choices == YES_AND_NO
                    else f"has {aspect} {value}"
                    if aspect
                    else f"is {value}"
                )
                have = (
                    "are there"
                    if choices == YES_AND_NO
                    else has.replace("has ", "have ").replace("is ", "are ")
                )
                for count in range(1, len(names) + 1):
                    yes = f"some {unit} {has}" if count == 1 else f"at least {count} {unit}s {have}"
                    no = f"no {unit} {has}" if count == 1 else f"fewer than {count} {unit}s {have}"
                    self._add(
                        Question(f"number of {unit}s with {aspect} {value}", "at least", count, yes, no),
                        lambda columns, _, names=names, code=code, count=count: (
                            sum((columns[name] == code).astype(int) for name in names) >= count
                        ),
                    )
                if self._varies(names):
                    subject = f"the {aspect} of the last {unit}" if aspect else f"the last {unit}"
                    self._add(
                        Question(subject, "is", value, *_is(subject, choices, value)),
                        lambda columns, _, names=names, code=code: _last(columns, names) == code,
                    )

    def _varies(self, names: list[str]) -> bool:
        """Return whether the positions are in use one after the other, so that there is a last one."""
        active = self._space.active_variables(self._space.smallest())
        return names[0] in active and names[-1] not in active


def _last(columns: dict[str, np.ndarray], names: list[str]) -> np.ndarray:
    found = np.full(len(columns[names[0]]), ABSENT)
    for name in names:
        found = np.where(columns[name] == ABSENT, found, columns[name])
    return found


def _families(space: SearchSpace[Any]) -> list[list[Variable]]:
    """Return the groups of variables that are the same choice at several positions."""
    found: dict[tuple[str, str, tuple[str, ...]], list[Variable]] = {}
    for variable in space.variables.values():
        if variable.position:
            found.setdefault((variable.group, variable.aspect, variable.choices), []).append(variable)
    return [family for family in found.values() if len(family) > 1]


def _is(subject: str, choices: tuple[str, ...], value: str) -> tuple[str, str]:
    if choices == YES_AND_NO:
        return f"{subject} is there", f"{subject} is not there"
    return f"{subject} is {value}", f"{subject} is not {value}"


def _numbers(choices: tuple[str, ...]) -> list[float] | None:
    """Return the choices as ascending numbers, or None."""
    try:
        numbers = [float(choice) for choice in choices]
    except ValueError:
        return None
    return numbers if len(numbers) > 1 and numbers == sorted(set(numbers)) else None
