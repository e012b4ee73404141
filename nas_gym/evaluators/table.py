"""The evaluator that looks up: every accuracy it gives was recorded in a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from nas_gym.errors import NASGymError
from nas_gym.evaluators.evaluation import Evaluation, FinalScore, Request
from nas_gym.evaluators.evaluator import Evaluator
from nas_gym.search_spaces.base import Architecture, SearchSpace
from nas_gym.tables import Table, load_table, table_task
from nas_gym.tasks.task import Task

FAILED = "its training failed when the table was recorded"


class TableEvaluator(Evaluator):
    """Answers with what a table recorded; nothing is trained and nothing is stored.

    An evaluation is of the mean over the recorded seeds (``"mean"``) or over some of them (a
    list), and costs the sum of their trainings; or of one recorded seed that the environment draws
    for it (``"random"``), and costs one. A fidelity recorded without seeds is one training.

    Args:
        table: what was recorded.
        fidelity: epochs that a request without fidelity means; None for the full recipe.
        seeds: ``"mean"``, ``"random"`` or a list of recorded seeds.

    Attributes:
        table: as passed in.
        fidelity: default fidelity of requests, in epochs.
        draws: whether an evaluation is of one drawn seed.
        resumable: whether going on from a lower fidelity costs only the difference.
        seeds: recorded seeds that are averaged or drawn from at the default fidelity; () where it
            was recorded without.

    Raises:
        NASGymError: for a fidelity or a seed that the table does not have.
    """

    name = "table"

    def __init__(
        self, table: Table, *, fidelity: int | None = None, seeds: str | Sequence[int] = "mean"
    ) -> None:
        self.table = table
        self.search_space = table.search_space
        self.task = table_task(table)
        self.fidelity = table.fidelity(fidelity)
        self.resumable = table.resumable
        self.draws = seeds == "random"
        self._asked = _checked(seeds)
        self._averages: dict[int, np.ndarray] = {}
        self._costs: dict[int, np.ndarray] = {}
        recorded = table.seeds[self.fidelity]
        columns = self.columns(self.fidelity)
        self.seeds = tuple(recorded[column] for column in columns) if recorded else ()

    def config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "benchmark": self.table.benchmark,
            "fidelity": self.fidelity,
            "seeds": self._asked if isinstance(self._asked, str) else list(self._asked),
        }

    def fidelities(self) -> tuple[int, ...]:
        """The fidelities up to the default one that have the seeds asked for."""
        recorded = self.table.seeds
        return tuple(
            epochs
            for epochs in self.table.fidelities
            if epochs <= self.fidelity and (self._asked == "mean" or set(self.seeds) <= set(recorded[epochs]))
        )

    def columns(self, fidelity: int) -> tuple[int, ...]:
        """The columns of the table that an evaluation averages, or that a seed is drawn from.

        Raises:
            NASGymError: if seeds are asked for that were not recorded at the fidelity.
        """
        recorded = self.table.seeds[fidelity]
        if self._asked == "mean":
            return tuple(range(max(1, len(recorded))))
        if not recorded:
            raise NASGymError(
                f"the table {self.table.name!r} recorded no seeds at {fidelity} epochs: "
                "pass seeds='mean' there"
            )
        if self._asked == "random":
            return tuple(range(len(recorded)))
        return tuple(self._column(int(seed), fidelity) for seed in self._asked)

    def accuracy_by_index(self, fidelity: int | None = None) -> np.ndarray:
        """The accuracy that an evaluation gives, float64 (size,), by index; averaged where it `draws`."""
        epochs = self._epochs(fidelity)
        if epochs not in self._averages:
            self._averages[epochs] = self._average(epochs)
        return self._averages[epochs]

    def cost_by_index(self, fidelity: int | None = None) -> np.ndarray:
        """The recorded seconds that an evaluation costs, float64 (size,), by index.

        Those of the trainings that are averaged, added up; of one training where it `draws`.
        """
        epochs = self._epochs(fidelity)
        if epochs not in self._costs:
            recorded = ~np.isnan(self.table.accuracies(epochs)[:, self.columns(epochs)])
            trainings = 1 if self.draws else recorded.sum(axis=1)
            self._costs[epochs] = self.table.cost(epochs) * trainings
            self._costs[epochs].setflags(write=False)
        return self._costs[epochs]

    def recorded(self, index: int, fidelity: int | None = None) -> tuple[int, ...]:
        """Those of the seeds of an evaluation that were recorded for an architecture."""
        epochs = self._epochs(fidelity)
        values = self.table.accuracies(epochs)[index]
        seeds = self.table.seeds[epochs]
        return tuple(
            seeds[column] for column in self.columns(epochs) if seeds and not np.isnan(values[column])
        )

    def draw(self, architecture: Architecture, rng: np.random.Generator) -> int:
        seeds = self.recorded(self.search_space.index(architecture))
        return seeds[int(rng.integers(len(seeds)))]

    def evaluate_architectures(
        self,
        architectures: Sequence[Architecture],
        fidelity: int | None = None,
        drawn: Sequence[int] | None = None,
    ) -> list[Evaluation]:
        if drawn is not None:
            return super().evaluate_architectures(architectures, fidelity, drawn)
        epochs = self._epochs(fidelity)
        columns = self.columns(epochs)
        found = []
        for architecture in architectures:
            index = self.search_space.index(architecture)
            accuracy = float(self.accuracy_by_index(epochs)[index])
            curve = [float(self.accuracy_by_index(each)[index]) for each in self._prefixes(epochs)]
            failed = bool(self._failed(epochs)[index, columns].any())
            seconds = float(self.cost_by_index(epochs)[index])
            seeds = self.recorded(index, epochs)
            found.append(self._evaluation(index, accuracy, curve, failed, seconds, seeds, fidelity))
        return found

    def stream(self, requests: Sequence[Request]) -> Iterator[tuple[int, Evaluation]]:
        """One evaluation for each request, of the one seed it names."""
        for position, request in enumerate(requests):
            epochs = self._epochs(request.fidelity)
            index = self.search_space.index(request.architecture)
            column = self._column(request.seed, epochs)
            accuracy = float(self.table.accuracies(epochs)[index, column])
            if np.isnan(accuracy):
                raise NASGymError(
                    f"the table {self.table.name!r} recorded no seed {request.seed} of "
                    f"{request.architecture}: pass one of {', '.join(map(str, self.recorded(index, epochs)))}"
                )
            curve = [float(self.table.accuracies(each)[index, column]) for each in self._prefixes(epochs)]
            failed = bool(self._failed(epochs)[index, column])
            seconds = float(self.table.cost(epochs)[index])
            yield (
                position,
                self._evaluation(index, accuracy, curve, failed, seconds, (request.seed,), request.fidelity),
            )

    def test(self, architecture: Architecture, seeds: Sequence[int]) -> list[FinalScore]:
        """Scores at the full fidelity, for those of the seeds that were recorded for the architecture.

        Where test accuracies were recorded as one mean, every score has it.
        """
        index = self.search_space.index(architecture)
        validation = self.table.accuracies()[index]
        test = self.table.test[index]
        if test.shape != validation.shape:
            test = np.full(validation.shape, np.nanmean(test))
        scores = []
        for seed in seeds:
            column = self._column(seed, self.table.fidelities[-1]) if self.table.seeds[self._full] else 0
            if np.isnan(validation[column]):
                continue
            error = FAILED if self.table.failed[index, column] else ""
            status: Any = "failed" if error else "ok"
            scores.append(FinalScore(seed, float(validation[column]), float(test[column]), status, error))
        return scores

    def final_seeds(self, run_seed: int, count: int = 3) -> list[int]:
        """The recorded seeds of the full fidelity, whatever the run; 0 where it was recorded without."""
        return list(self.table.seeds[self._full]) or [0]

    def optimum(self) -> float:
        """The highest validation accuracy of the table at its full fidelity, averaged over all seeds."""
        return float(self.table.mean_accuracy().max())

    @property
    def _full(self) -> int:
        return self.table.fidelities[-1]

    def _epochs(self, fidelity: int | None) -> int:
        return self.fidelity if fidelity is None else self.table.fidelity(fidelity)

    def _column(self, seed: int, epochs: int) -> int:
        recorded = self.table.seeds[epochs]
        if seed not in recorded:
            known = f"pass one of {', '.join(map(str, recorded))}" if recorded else "pass seeds='mean'"
            raise NASGymError(
                f"the table {self.table.name!r} recorded no seed {seed} at {epochs} epochs: {known}"
            )
        return recorded.index(seed)

    def _failed(self, epochs: int) -> np.ndarray:
        """Failures by column; of a fidelity without seeds there is one column."""
        return self.table.failed[:, : self.table.accuracies(epochs).shape[1]]

    def _average(self, epochs: int) -> np.ndarray:
        if isinstance(self._asked, str):
            return self.table.mean_accuracy(epochs)
        columns = self.columns(epochs)
        values = self.table.accuracies(epochs)[:, columns]
        if np.isnan(values).all(axis=1).any():
            raise NASGymError(
                f"the table {self.table.name!r} lacks seeds {list(self._asked)} of some architectures at "
                f"{epochs} epochs: add a seed that it has of all, or pass seeds='mean'"
            )
        averages: np.ndarray = np.nanmean(values, axis=1)
        averages[self._failed(epochs)[:, columns].any(axis=1)] = 0.0
        averages.setflags(write=False)
        return averages

    def _prefixes(self, epochs: int) -> list[int]:
        """The fidelities that a training to `epochs` passes through, itself the last."""
        if not self.resumable:
            return [epochs]
        seeds = self.table.seeds
        return [each for each in self.table.fidelities if each <= epochs and seeds[each] == seeds[epochs]]

    def _evaluation(
        self,
        index: int,
        accuracy: float,
        curve: Sequence[float],
        failed: bool,
        seconds: float,
        seeds: tuple[int, ...],
        fidelity: int | None,
    ) -> Evaluation:
        return Evaluation(
            architecture=str(self.search_space.architecture(index)),
            accuracy=0.0 if failed else accuracy,
            curve=() if failed else tuple(curve),
            parameters=int(self.table.parameters[index]),
            flops=int(self.table.flops[index]),
            seconds=seconds,
            status="failed" if failed else "ok",
            error=FAILED if failed else "",
            seeds=seeds,
            fidelity=fidelity,
        )


def table(
    search_space: SearchSpace[Any],
    task: Task,
    device: str,
    *,
    benchmark: str,
    fidelity: int | None = None,
    seeds: str | Sequence[int] = "mean",
) -> TableEvaluator:
    """The evaluator of the table of a benchmark and a task, by name.

    Raises:
        NASGymError: if there is no such table, or it is of another search space.
    """
    found = load_table(benchmark, task.name)
    if found.search_space != search_space:
        raise NASGymError(
            f"the table {found.name!r} is of {found.search_space.config()!r}, not {search_space.config()!r}: "
            "leave search_space out"
        )
    return TableEvaluator(found, fidelity=fidelity, seeds=seeds)


def _checked(seeds: object) -> str | tuple[int, ...]:
    """How seeds are asked for.

    Raises:
        NASGymError: if it is neither of the words nor a list of different whole numbers.
    """
    if isinstance(seeds, str) and seeds in ("mean", "random"):
        return seeds
    numbers = tuple(seeds) if isinstance(seeds, list | tuple) else ()
    whole = all(isinstance(seed, int | np.integer) and not isinstance(seed, bool) for seed in numbers)
    if not numbers or not whole or len(set(numbers)) < len(numbers):
        raise NASGymError(
            f"seeds of a table must be 'mean', 'random' or a list of different recorded seeds, not {seeds!r}"
        )
    return tuple(int(seed) for seed in numbers)
