"""The evaluator that looks up: every score it gives was recorded in a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from nas_gym._checks import plain
from nas_gym.errors import ConfigError
from nas_gym.evaluators.base import Evaluator
from nas_gym.evaluators.evaluation import Evaluation, FinalScore, Request
from nas_gym.evaluators.lookup_seeds import RecordedSeeds
from nas_gym.search_spaces import Architecture, SearchSpace
from nas_gym.tables import Table, load_table, table_task
from nas_gym.tasks import ConstantAnswer, Task

FAILED = "its training failed when the table was recorded"
UNRECORDED = "the table has no result of it"


class TableEvaluator(Evaluator):
    """Answers with what a table recorded; nothing is trained and nothing is stored.

    An evaluation is of the mean over the recorded seeds (``"mean"``) or over some of them (a
    list), and costs the sum of their trainings; or of one recorded seed that the environment draws
    for it (``"random"``), and costs one. A fidelity recorded without seeds is one training.

    An architecture that the table has no row for (see `Table.classes`) is a failed evaluation without cost:
    it is the same whenever it is asked for, and explanations leave it out.

    Args:
        table: what was recorded.
        fidelity: epochs that a request without fidelity means; None for the full recipe.
        seeds: ``"mean"``, ``"random"`` or a list of recorded seeds.

    Attributes:
        table: as passed in.
        fidelity: default fidelity of requests, in epochs.
        draws: whether an evaluation is of one drawn seed.
        resumable: whether going on from a lower fidelity costs only the difference.
        selects_on_test: whether the table selects on the test score.
        seeds: recorded seeds that are averaged or drawn from at the default fidelity; () where it
            was recorded without.

    Raises:
        NASGymError: for a fidelity or a seed that the table does not have.
    """

    name = "table"
    free = True
    table: Table

    def __init__(
        self, table: Table, *, fidelity: int | None = None, seeds: str | Sequence[int] = "mean"
    ) -> None:
        self.table = table
        self.search_space = table.search_space
        self.task = table_task(table)
        self.fidelity = table.fidelity(fidelity)
        self.resumable = table.resumable
        self.selects_on_test = table.selects_on_test
        self._recorded = RecordedSeeds(table, seeds)
        self.draws = self._recorded.draws
        self.seeds = self._recorded.at(self.fidelity)

    def config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "benchmark": self.table.benchmark,
            "fidelity": self.fidelity,
            "seeds": self._recorded.asked,
        }

    def fidelities(self) -> tuple[int, ...]:
        """Return the fidelities up to the default one that have the seeds asked for."""
        mean, seeds = self._recorded.asked == "mean", self.table.seeds
        return tuple(
            epochs
            for epochs in self.table.fidelities
            if epochs <= self.fidelity and (mean or set(self.seeds) <= set(seeds[epochs]))
        )

    def score_by_index(self, fidelity: int | None = None) -> np.ndarray:
        """Return the score of an evaluation, float64 (size,), by row; averaged where it `draws`."""
        return self._recorded.averages(self._epochs(fidelity)).scores

    def cost_by_index(self, fidelity: int | None = None) -> np.ndarray:
        """Return the recorded seconds that an evaluation costs, float64 (size,), by row.

        Those of the trainings that are averaged, added up; of one training where it `draws`.
        """
        return self._recorded.averages(self._epochs(fidelity)).seconds

    def scores(self, architectures: Sequence[Architecture]) -> np.ndarray:
        rows = np.array([self.table.row(architecture) for architecture in architectures], dtype=np.int64)
        return np.where(rows < 0, 0.0, self.score_by_index()[rows])

    def recorded(self, index: int, fidelity: int | None = None) -> tuple[int, ...]:
        """Return those of the seeds of an evaluation that were recorded for the architecture of a row."""
        return self._recorded.of(index, self._epochs(fidelity))

    def draw(self, architecture: Architecture, rng: np.random.Generator) -> int:
        row = self.table.row(architecture)
        seeds = self.seeds if row < 0 else self.recorded(row)
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
        averages = self._recorded.averages(epochs)
        found = []
        for architecture in architectures:
            index = self.table.row(architecture)
            if index < 0:
                found.append(self._unrecorded(architecture, averages.seeds, fidelity))
                continue
            curve = averages.curves[index].tolist()
            failed, seconds = averages.failed.item(index), averages.seconds.item(index)
            lacks = averages.lacking.item(index)
            seeds = self._recorded.of(index, epochs) if lacks else averages.seeds
            found.append(self._evaluation(architecture, index, curve, failed, seconds, seeds, fidelity))
        return found

    def stream(self, requests: Sequence[Request]) -> Iterator[tuple[int, Evaluation]]:
        """Yield one evaluation for each request, of the one seed it names."""
        for position, request in enumerate(requests):
            epochs = self._epochs(request.fidelity)
            index = self.table.row(request.architecture)
            if index < 0:
                yield position, self._unrecorded(request.architecture, (request.seed,), request.fidelity)
                continue
            column = self._recorded.column(request.seed, epochs)
            curve = [self.table.scores(each).item(index, column) for each in self._recorded.passed(epochs)]
            if np.isnan(curve[-1]):
                raise ConfigError(
                    f"the table {self.table.name!r} recorded no seed {request.seed} of "
                    f"{request.architecture}: pass one of {', '.join(map(str, self.recorded(index, epochs)))}"
                )
            failed, seconds = self.table.failed.item(index, column), self.table.cost(epochs).item(index)
            seeds, asked = (request.seed,), request.fidelity
            yield (
                position,
                self._evaluation(request.architecture, index, curve, failed, seconds, seeds, asked),
            )

    def test(self, architecture: Architecture, seeds: Sequence[int]) -> list[FinalScore]:
        """Return scores at the full fidelity, for those of the seeds that were recorded for the architecture.

        Where test scores were recorded as one mean, every score has it.
        """
        index, full = self.table.row(architecture), self.table.fidelities[-1]
        if index < 0:
            return [FinalScore(seed, 0.0, 0.0, "failed", UNRECORDED) for seed in map(plain, seeds)]
        validation, test = self.table.scores()[index], self.table.test[index]
        if test.shape != validation.shape:
            test = np.full(validation.shape, np.nanmean(test))
        scores = []
        for seed in map(plain, seeds):
            column = self._recorded.column(seed, full) if self.table.seeds[full] else 0
            if np.isnan(validation[column]):
                continue
            error = FAILED if self.table.failed[index, column] else ""
            status: Any = "failed" if error else "ok"
            scores.append(FinalScore(seed, float(validation[column]), float(test[column]), status, error))
        return scores

    def final_seeds(self, run_seed: int, count: int = 3) -> list[int]:
        """Return the recorded seeds of the full fidelity, whatever the run; 0 where there were none."""
        return list(self.table.seeds[self.table.fidelities[-1]]) or [0]

    def optimum(self) -> float:
        """Return the table's highest validation score at its full fidelity, averaged over all seeds."""
        return float(self.table.mean_score().max())

    def final_evaluations(self, architectures: Sequence[Architecture]) -> list[Evaluation]:
        return TableEvaluator(self.table).evaluate_architectures(architectures)

    def examples(self) -> tuple[int, int] | None:
        return self.table.examples

    def constant_answer(self) -> ConstantAnswer | None:
        return self.table.constant_answer

    def _epochs(self, fidelity: int | None) -> int:
        return self.fidelity if fidelity is None else self.table.fidelity(fidelity)

    def _unrecorded(
        self, architecture: Architecture, seeds: tuple[int, ...], fidelity: int | None
    ) -> Evaluation:
        return Evaluation(
            architecture=str(architecture),
            score=0.0,
            curve=(),
            parameters=self.table.cost_of("parameters", architecture),
            flops=self.table.cost_of("flops", architecture),
            seconds=0.0,
            status="failed",
            error=UNRECORDED,
            seeds=seeds,
            fidelity=fidelity,
        )

    def _evaluation(
        self,
        architecture: Architecture,
        index: int,
        curve: Sequence[float],
        failed: bool,
        seconds: float,
        seeds: tuple[int, ...],
        fidelity: int | None,
    ) -> Evaluation:
        flops: int = self.table.flops.item(index)
        return Evaluation(
            architecture=str(architecture),
            score=0.0 if failed else curve[-1],
            curve=() if failed else tuple(curve),
            parameters=self.table.parameters.item(index),
            flops=self.table.cost_of("flops", architecture) if flops < 0 else flops,
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
    """Return the evaluator of the table of a benchmark and a task, by name.

    Raises:
        NASGymError: if the table does not exist or is of another search space.
    """
    found = load_table(benchmark, task.name)
    if found.search_space != search_space:
        raise ConfigError(
            f"the table {found.name!r} is of {found.search_space.config()!r}, not {search_space.config()!r}: "
            "leave search_space out"
        )
    return TableEvaluator(found, fidelity=fidelity, seeds=seeds)
