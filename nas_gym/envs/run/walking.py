"""Walks: while an agent that only steps searches, every other way to an evaluation is refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from nas_gym.errors import ConfigError
from nas_gym.evaluators import Evaluation, Evaluator, FinalScore, Request
from nas_gym.search_spaces import Architecture

NOTED = ("key", "name")
"""What else an evaluator has that says what its results depend on; a trace notes it."""


class Walk:
    """The rule of a run in which an agent only steps, from the environment's own start states.

    The account of the run holds it, so it holds for whatever leads to the account: the environment,
    its wrappers, its vector form and its forks. Steps and plain resets are not touched.

    Args:
        agent: name of the agent that declares ``access = "walk"``.
        initial: where the environment starts its episodes.
        evaluator: of the environment.

    Attributes:
        initial: as passed in.
        evaluator: what the agent may see of the evaluator.
    """

    def __init__(self, agent: str, initial: str, evaluator: Evaluator) -> None:
        self.initial = initial
        self.evaluator: Evaluator = _UnaskedEvaluator(evaluator, self)
        self._agent = agent

    def refuse(self, what: str) -> NoReturn:
        """Refuse what is no step.

        Raises:
            NASGymError: always.
        """
        raise ConfigError(
            f"the agent {self._agent!r} declares access='walk', so it only steps from the environment's own "
            f"start states and cannot {what}: declare access='query' instead"
        )


class _UnaskedEvaluator(Evaluator):
    """An evaluator that says what it is and evaluates nothing."""

    def __init__(self, inner: Evaluator, walk: Walk) -> None:
        self.search_space, self.task, self.seeds = inner.search_space, inner.task, inner.seeds
        self.draws, self.resumable, self.selects_on_test = inner.draws, inner.resumable, inner.selects_on_test
        self._inner, self._walk = inner, walk

    def config(self) -> dict[str, Any]:
        return self._inner.config()

    def fidelities(self) -> tuple[int, ...]:
        return self._inner.fidelities()

    def stream(self, requests: Sequence[Request]) -> Iterator[tuple[int, Evaluation]]:
        self._walk.refuse("use the evaluator")

    def test(self, architecture: Architecture, seeds: Sequence[int]) -> list[FinalScore]:
        self._walk.refuse("use the evaluator")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "_inner" not in self.__dict__:
            raise AttributeError(name)
        found = getattr(self._inner, name)
        if name not in NOTED:
            self._walk.refuse(f"use the evaluator's {name!r}")
        return found
