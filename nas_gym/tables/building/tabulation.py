"""Recording a space: what is trained for a table, and the fused training that gives its numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, NamedTuple

import numpy as np
import torch

from nas_gym._sources import sources_of
from nas_gym._trust import named_by
from nas_gym.errors import ConfigError
from nas_gym.executors import Executor, make_executor
from nas_gym.registry import build
from nas_gym.search_spaces import SearchSpace, make_search_space
from nas_gym.tables.table import Table
from nas_gym.tasks import Task, make_task
from nas_gym.training import (
    ENGINE_VERSION,
    Member,
    Progress,
    Recipe,
    Trained,
    TrainingData,
    check_recipe,
    check_seeds,
    machine_of,
    resolve_device,
    train,
    training_data,
)

RATE = 1e10
"""Floating-point operations a second of the clock of a table, which is not that of any machine."""
LARGEST_SPACE = 200_000
LARGEST_PART = 2**16 - 1
"""Most examples that are counted over; counts are stored as uint16, whose largest value is a failure."""


class Recorded(NamedTuple):
    """What one training gave.

    Where the score is a share of examples, it is kept as the count of right ones, which is exact.

    Attributes:
        number: of the architecture.
        seed: training seed.
        validation: right validation examples, or the validation score, by epoch; () after an error.
        test: right test examples, or the test score; 0 after an error.
        error: why training failed, "" if it did not.
    """

    number: int
    seed: int
    validation: tuple[float, ...]
    test: float
    error: str


@dataclass(frozen=True, eq=False)
class Tabulation:
    """What a table is made of: a space, a task, a recipe and training seeds.

    Attributes:
        search_space: every architecture of it is trained.
        task: the data.
        recipe: how to train; every number of epochs up to its own is a fidelity.
        seeds: training seeds of each architecture.
        device: where to train.
        executor: where to train, other than in this process; None for here.
    """

    search_space: SearchSpace[Any]
    task: Task
    recipe: Recipe
    seeds: tuple[int, ...]
    device: torch.device
    executor: Executor | None = None

    @classmethod
    def of(
        cls,
        search_space: str | Mapping[str, Any],
        task: str | Mapping[str, Any],
        recipe: Mapping[str, Any],
        seeds: Sequence[int],
        device: str = "auto",
        executor: str | Mapping[str, Any] | Executor | None = None,
    ) -> Tabulation:
        """Make one from names, dicts and numbers.

        Raises:
            NASGymError: if one of them does not fit, the space is too large for a table, or a part
                of the task too large to count.
        """
        made = make_task(task)
        space = make_search_space(search_space, made.input_shape, made.outputs, made.facts)
        if space.size > LARGEST_SPACE:
            raise ConfigError(
                f"the {space.name} space has {space.size:,} architectures, a table holds at most "
                f"{LARGEST_SPACE:,}: narrow its options"
            )
        counted = made.target.metric.share_of_examples
        if counted and max(len(made.y_validation), len(made.y_test)) >= LARGEST_PART:
            raise ConfigError(
                f"the validation and the test part of a table's task must have fewer than {LARGEST_PART:,} "
                f"examples, not {len(made.y_validation):,} and {len(made.y_test):,}: make them smaller"
            )
        built = build(Recipe, "recipe", recipe)
        check_recipe(built, made.target.loss)
        where = make_executor(executor)
        on = resolve_device(device if where is None else "cpu")
        return cls(space, made, built, check_seeds(seeds), on, where)

    @classmethod
    def of_table(cls, table: Table, device: str = "auto") -> Tabulation:
        """Return what a table of our own was made of, to train its networks again.

        Raises:
            NASGymError: for a table that was not built here.
        """
        about = table.about
        if "recipe" not in about:
            raise ConfigError(f"the table {table.name!r} was imported, its networks cannot be trained again")
        space = table.search_space.config()
        with named_by(f"the table {table.name}"):
            return cls.of(space, about["task"], about["recipe"], table.seeds[table.fidelities[-1]], device)

    @property
    def numerics(self) -> str:
        """What the bits depend on beside the rest: device, torch version, processor or card."""
        on = machine_of(self.executor, self.device)
        torch_version = on.version.partition("+")[0]
        return ", ".join(filter(None, [on.device, f"torch {torch_version}", on.name, *on.outside]))

    def config(self) -> dict[str, Any]:
        """Return all that the numbers depend on, JSON-able."""
        # Of parts of the user's own, whose names stay the same when their code changes.
        code = sources_of(self.search_space)
        return {
            "search_space": self.search_space.config(),
            "task": self.task.spec,
            "task_fingerprint": self.task.fingerprint,
            "recipe": self.recipe.config(),
            "seeds": list(self.seeds),
            "engine": ENGINE_VERSION,
            "numerics": self.numerics,
        } | ({"code": code} if code else {})

    def record(
        self, pairs: Sequence[tuple[int, int]], progress: Callable[[Progress], None] | None = None
    ) -> Iterator[Recorded]:
        """Train (index, seed) pairs; a result for each, as chunks finish.

        Args:
            pairs: architectures by their number, and training seeds.
            progress: see the engine.
        """
        networks = {i: self.search_space.network(self.search_space.architecture(i)) for i, _ in pairs}
        members = [Member(networks[index], seed) for index, seed in pairs]
        limit = self.recipe.max_parameters
        trained = [n for n, m in enumerate(members) if limit is None or m.network.parameters <= limit]
        for n in sorted(set(range(len(members))) - set(trained)):
            yield Recorded(
                *pairs[n], (), 0, f"{members[n].network.parameters:,} parameters, more than allowed"
            )
        results = train(
            [members[n] for n in trained],
            self._data(),
            self.recipe,
            executor=self.executor,
            progress=progress,
        )
        for position, result in results:
            yield self._recorded(pairs[trained[position]], result)

    def table(self, benchmark: str, label: str, results: Mapping[tuple[int, int], Recorded]) -> Table:
        """Return the table of all results.

        Args:
            benchmark: name of the table's family.
            label: label of the task.
            results: by (index, seed), one for every architecture and seed.
        """
        space, epochs = self.search_space, self.recipe.epochs
        validation = np.zeros((epochs, space.size, len(self.seeds)))
        test = np.zeros((space.size, len(self.seeds)))
        failed = np.zeros((space.size, len(self.seeds)), dtype=bool)
        for column, seed in enumerate(self.seeds):
            for index in range(space.size):
                result = results[index, seed]
                failed[index, column] = bool(result.error)
                if not result.error:
                    validation[:, index, column], test[index, column] = self.scores(result)
        networks = [space.network(architecture) for architecture in space]
        flops = np.array([network.flops for network in networks])
        return Table(
            benchmark=benchmark,
            task=label,
            search_space=space,
            fidelities=tuple(range(1, epochs + 1)),
            seeds=dict.fromkeys(range(1, epochs + 1), self.seeds),
            resumable=True,
            validation=validation,
            test=test,
            failed=failed,
            seconds=3.0 * flops * len(self.task.y_train) * epochs / RATE,
            parameters=np.array([network.parameters for network in networks]),
            flops=flops,
            examples=self._examples,
            about=self.config() | self._provenance(),
            target=self.task.target,
        )

    def scores(self, recorded: Recorded) -> tuple[np.ndarray, float]:
        """Return the validation scores by epoch, float64 (epochs,), and the test score of a training."""
        validation, test = self._examples or (1, 1)
        return np.array(recorded.validation, dtype=np.float64) / validation, recorded.test / test

    @property
    def _examples(self) -> tuple[int, int] | None:
        """Validation and test examples, if scores are counted over them."""
        counted = self.task.target.metric.share_of_examples
        return (len(self.task.y_validation), len(self.task.y_test)) if counted else None

    def _data(self) -> list[TrainingData]:
        task = self.task
        arrays = (task.x_train, task.y_train, task.x_validation, task.y_validation, task.x_test, task.y_test)
        return training_data(self.device, *arrays, loss=task.target.loss)

    def _recorded(self, pair: tuple[int, int], result: Trained) -> Recorded:
        if result.error or result.test is None:
            return Recorded(*pair, (), 0, result.error)
        if self._examples is None:
            return Recorded(*pair, result.curve, result.test, "")
        validation, test = self._examples
        counts = tuple(round(score * validation) for score in result.curve)
        return Recorded(*pair, counts, round(result.test * test), "")

    def _provenance(self) -> dict[str, Any]:
        return {
            "versions": {name: version(name) for name in ("nas-gym", "torch", "numpy")},
            "date": datetime.now(UTC).date().isoformat(),
            "seconds_are": f"training FLOPs (3 x forward) over {RATE:.0e} a second",
        }
