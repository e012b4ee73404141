"""Walks: while an agent that only steps searches, every other way to an evaluation is refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from nas_gym.errors import ConfigError
from nas_gym.evaluators import Evaluation, Evaluator, FinalScore, ForwardingEvaluator, Request
from nas_gym.search_spaces import Architecture


class Walk:
    """The rule of a run in which an agent only steps, from the environment's own start states.

    The ledger of the run holds it, so it holds for whatever leads to the ledger: the environment,
    its wrappers, its vector form and its forks. Steps and plain resets are not touched.

    Args:
        agent: name of the agent that declares ``access = "walk"``.
        initial: the start state of the environment's episodes.
        evaluator: evaluator of the environment.

    Attributes:
        initial: the start state.
        evaluator: what the agent may see of the evaluator.
    """

    def __init__(self, agent: str, initial: str, evaluator: Evaluator) -> None:
        self.initial = initial
        self.evaluator: Evaluator = _UnaskedEvaluator(evaluator, self)
        self._agent = agent

    def refuse(self, what: str) -> NoReturn:
        """Refuse what is not a step.

        Raises:
            NASGymError: always.
        """
        raise ConfigError(
            f"the agent {self._agent!r} declares access='walk', so it only steps from the environment's own "
            f"start states and cannot {what}: declare access='query' instead"
        )


class _UnaskedEvaluator(ForwardingEvaluator):
    """An evaluator that declares what it is and evaluates nothing."""

    def __init__(self, inner: Evaluator, walk: Walk) -> None:
        super().__init__(inner)
        self._walk = walk

    @property
    def table(self) -> NoReturn:  # type: ignore[override]  # it holds all scores
        self._walk.refuse("use the evaluator's 'table'")

    def optimum(self) -> None:
        """Return None: where the best score is known, a walk has to find out."""

    def stream(self, requests: Sequence[Request]) -> Iterator[tuple[int, Evaluation]]:
        self._walk.refuse("use the evaluator")

    def test(self, architecture: Architecture, seeds: Sequence[int]) -> list[FinalScore]:
        self._walk.refuse("use the evaluator")

    def fit(self, architecture: Architecture, seed: int) -> NoReturn:
        self._walk.refuse("use the evaluator's 'fit'")

    def parts(self) -> NoReturn:
        self._walk.refuse("use the evaluator's 'parts'")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "_inner" not in self.__dict__:
            raise AttributeError(name)
        found = getattr(self._inner, name)
        if name != "name":
            self._walk.refuse(f"use the evaluator's {name!r}")
        return found
