"""What an evaluator is: one method over a batch of requests."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nas_gym._checks import plain
from nas_gym._shared import Shared
from nas_gym.evaluators.evaluation import Evaluation, FinalScore, Request, mean
from nas_gym.evaluators.latency.base import Latency
from nas_gym.search_spaces import Architecture, SearchSpace
from nas_gym.tasks import ConstantAnswer, Task, constant_answer

if TYPE_CHECKING:
    from nas_gym.executors import Executor
    from nas_gym.networks import NetworkModule
    from nas_gym.tables import Table
    from nas_gym.training import Progress


class Evaluator(Shared, ABC):
    """From requests to evaluations. Copies of what holds an evaluator share it.

    The attributes and the methods after `config` declare what an evaluator can do. Their defaults are
    those of an evaluator that can do nothing beside evaluating, so a new one states only what differs.

    Attributes:
        search_space: whose architectures it evaluates.
        task: the data.
        seeds: training seeds that an architecture is evaluated with, averaged.
        draws: whether an evaluation is of one seed that the environment draws for it by `draw`.
        resumable: whether going on from a lower fidelity costs only the difference.
        selects_on_test: whether the scores that a search sees are of test examples, because there
            are no others. Whatever shows a test score then says that the search selected on it,
            and shows it once, not beside itself as the validation score.
        free: whether an evaluation is looked up or computed at once, so that asking costs nothing.
        trains: whether it trains networks, so that `fit` gives one with its weights.
        storable: whether a store may keep its results; `key` then says what a result depends on.
        table: the table that it answers from, with the seeds that were recorded; None for others.
        latency: the source of the latencies among the metrics of its evaluations; None where there is none.
        engine: version of the training engine; None where it trains nothing by the engine.
        numerics: device type, precision, torch version and processor that results depend on;
            None where they depend on none.
        cheap: whether its scores stand for those of trained networks, and are none themselves.
        preparing: what it does before its first answer, in words, where that takes long; "" for nothing.
        hits: requests so far that a store answered.
        executor: where it trains networks, other than in this process; None for here.
        progress: what an evaluator that `trains` calls as networks are trained; None for nothing. It may
            be set at any time.
    """

    search_space: SearchSpace[Any]
    task: Task
    seeds: tuple[int, ...]
    draws: bool = False
    resumable: bool = False
    selects_on_test: bool = False
    free: bool = False
    trains: bool = False
    storable: bool = False
    table: Table | None = None
    latency: Latency | None = None
    engine: int | None = None
    numerics: str | None = None
    cheap: bool = False
    preparing: str = ""
    hits: int = 0
    executor: Executor | None = None
    progress: Callable[[Progress], None] | None = None

    @abstractmethod
    def stream(self, requests: Sequence[Request]) -> Iterator[tuple[int, Evaluation]]:
        """Evaluate a batch, giving (position in `requests`, evaluation) as each is finished."""

    @abstractmethod
    def test(self, architecture: Architecture, seeds: Sequence[int]) -> list[FinalScore]:
        """Retrain an architecture and score it on test examples, for the final report alone."""

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """Return a JSON-able description: all that its evaluations depend on."""

    def key(self, request: Request) -> dict[str, Any]:
        """Return all that a result depends on, JSON-able, of an evaluator that is `storable`."""
        raise NotImplementedError(f"results of {type(self).__name__} cannot be stored")

    def fit(self, architecture: Architecture, seed: int) -> tuple[NetworkModule, Evaluation]:
        """Train one architecture and keep it, of an evaluator that `trains`; not through the store.

        Returns:
            The module in evaluation mode, and its evaluation.
        """
        raise NotImplementedError(f"{type(self).__name__} trains no networks")

    def refit(self, architecture: Architecture, seed: int) -> NetworkModule:
        """Train one architecture on all but the test examples, of an evaluator that `trains`.

        Returns:
            The module in evaluation mode.
        """
        raise NotImplementedError(f"{type(self).__name__} trains no networks")

    def refit_all(
        self, members: Sequence[tuple[Architecture, int]]
    ) -> list[tuple[Architecture, NetworkModule | str]]:
        """Train architectures with a seed each, as `refit` does; a training that fails gives its error."""
        return [(architecture, self.refit(architecture, seed)) for architecture, seed in members]

    def parts(self) -> dict[str, object]:
        """Return the objects whose code decides the results, by what each is in words."""
        return {"evaluator": self}

    def opened_by(self, owner: object, *, built: bool) -> None:
        """Note an environment that asks this evaluator.

        Args:
            owner: the environment.
            built: whether it built the evaluator and what that opened, which end with the last owner.
        """

    def closed_by(self, owner: object) -> None:
        """Note that an environment is closed; what they opened is closed with the last of them."""

    def evaluate(self, requests: Sequence[Request]) -> list[Evaluation]:
        """Evaluate a batch of requests; one evaluation each, in order."""
        found = dict(self.stream(requests))
        return [found[position] for position in range(len(requests))]

    def evaluate_architectures(
        self,
        architectures: Sequence[Architecture],
        fidelity: int | None = None,
        drawn: Sequence[int] | None = None,
    ) -> list[Evaluation]:
        """Evaluate architectures with all of `seeds`, averaged over them.

        Args:
            architectures: what to evaluate.
            fidelity: epochs; None for the full recipe.
            drawn: one seed for each architecture instead, of an evaluator that `draws`.
        """
        if drawn is not None:
            pairs = zip(architectures, drawn, strict=True)
            return self.evaluate([Request(architecture, seed, fidelity) for architecture, seed in pairs])
        requests = [
            Request(architecture, seed, fidelity) for architecture in architectures for seed in self.seeds
        ]
        evaluations = self.evaluate(requests)
        count = len(self.seeds)
        return [
            self.merged(evaluations[start : start + count]) for start in range(0, len(evaluations), count)
        ]

    def merged(self, evaluations: Sequence[Evaluation]) -> Evaluation:
        """Return the evaluation that those of one architecture with several seeds come to: their mean."""
        return mean(evaluations)

    def scores(self, architectures: Sequence[Architecture]) -> np.ndarray:
        """Return the score of each architecture, float64 (N,); its mean where the evaluator `draws`."""
        found = self.evaluate_architectures(architectures)
        return np.array([evaluation.score for evaluation in found], dtype=np.float64)

    def draw(self, architecture: Architecture, rng: np.random.Generator) -> int:
        """Return the seed of the next evaluation of an architecture, where the evaluator `draws`."""
        raise NotImplementedError(f"{type(self).__name__} draws no seeds")

    def final_seeds(self, run_seed: int, count: int = 3) -> list[int]:
        """Return the seeds that score the network a run chose: above all used ones, others for every run.

        Runs that choose the same network are scored by different trainings of it; the same seeds for
        all would make the luck of those few look like a difference between agents.
        """
        first = max(self.seeds) + 1 + plain(run_seed) % 2**32 * count
        return list(range(first, first + plain(count)))

    def fidelities(self) -> tuple[int, ...]:
        """Return the numbers of epochs that can be asked for, ascending; () where there is nothing to choose.

        The last is what a request without a fidelity gives.
        """
        return ()

    def optimum(self) -> float | None:
        """Return the highest validation score of a final score, where it is known; None elsewhere."""
        return None

    def final_evaluations(self, architectures: Sequence[Architecture]) -> list[Evaluation]:
        """Return what `optimum` is the best of, where it is known: all seeds at full fidelity, averaged."""
        raise NotImplementedError(f"{type(self).__name__} does not know its optimum")

    def examples(self) -> tuple[int, int] | None:
        """Return how many validation and test examples scores are counted over; None if unknown.

        They bound how well a score that is a share of examples is known for new ones. Of another score, of
        a formula, or of published figures that do not say it, there is no such number.
        """
        return None

    def constant_answer(self) -> ConstantAnswer | None:
        """Return the best answer without looking, and its scores; None where that is unknown."""
        return constant_answer(self.task)


DECLARATIONS = (
    "search_space",
    "task",
    "seeds",
    "draws",
    "resumable",
    "selects_on_test",
    "free",
    "trains",
    "storable",
    "latency",
    "engine",
    "cheap",
    "executor",
)


class ForwardingEvaluator(Evaluator):
    """An evaluator in front of another one, which declares whatever that declares.

    Args:
        inner: the evaluator behind it.
    """

    def __init__(self, inner: Evaluator) -> None:
        self._inner = inner
        for name in DECLARATIONS:
            setattr(self, name, getattr(inner, name))

    @property
    def table(self) -> Table | None:  # type: ignore[override]  # settable in evaluators that have one
        return self._inner.table

    @property
    def numerics(self) -> str | None:  # type: ignore[override]  # computed when it is first asked for
        return self._inner.numerics

    @property
    def preparing(self) -> str:  # type: ignore[override]  # changes as time goes on
        return self._inner.preparing

    @property
    def progress(self) -> Callable[[Progress], None] | None:
        return self._inner.progress

    @progress.setter
    def progress(self, told: Callable[[Progress], None] | None) -> None:
        self._inner.progress = told

    def config(self) -> dict[str, Any]:
        return self._inner.config()

    def key(self, request: Request) -> dict[str, Any]:
        return self._inner.key(request)

    def fit(self, architecture: Architecture, seed: int) -> tuple[NetworkModule, Evaluation]:
        return self._inner.fit(architecture, seed)

    def refit(self, architecture: Architecture, seed: int) -> NetworkModule:
        return self._inner.refit(architecture, seed)

    def refit_all(
        self, members: Sequence[tuple[Architecture, int]]
    ) -> list[tuple[Architecture, NetworkModule | str]]:
        return self._inner.refit_all(members)

    def merged(self, evaluations: Sequence[Evaluation]) -> Evaluation:
        return self._inner.merged(evaluations)

    def parts(self) -> dict[str, object]:
        return self._inner.parts()

    def final_seeds(self, run_seed: int, count: int = 3) -> list[int]:
        return self._inner.final_seeds(run_seed, count)

    def fidelities(self) -> tuple[int, ...]:
        return self._inner.fidelities()

    def optimum(self) -> float | None:
        return self._inner.optimum()

    def final_evaluations(self, architectures: Sequence[Architecture]) -> list[Evaluation]:
        return self._inner.final_evaluations(architectures)

    def examples(self) -> tuple[int, int] | None:
        return self._inner.examples()

    def constant_answer(self) -> ConstantAnswer | None:
        return self._inner.constant_answer()
