"""What the pretrained policy is judged on: tables, tables changed for controls, and drawn landscapes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from nas_agents import SearchOver
from nas_agents.pretrained.pool import Pool
from nas_agents.pretrained.training.landscapes import Landscape, blank_task, draw_landscape
from nas_agents.pretrained.training.spaces import UNSEEN, training_space
from until_optimum import UntilOptimum

from nas_gym.evaluators import Evaluation, FunctionEvaluator
from nas_gym.search_spaces import SearchSpace, make_search_space
from nas_gym.tables import Table, import_table, load_table, read_nasbench201

DATA = Path(__file__).parents[4] / "shared" / "data"
PUBLISHED = {"nasbench201": "nasbench201_cifar10.csv.gz", "nasbench_macro": "nasbench_macro_cifar10.csv.gz"}
SYNTHETIC = "unseen"
LANDSCAPE_SEED = 10_000
"""The first seed of landscapes for judging; training draws by others."""


class LandscapeUntilOptimum(FunctionEvaluator):
    """A landscape that ends a search once it has been asked for its best architecture."""

    def __init__(self, landscape: Landscape) -> None:
        space = landscape.pool.space
        super().__init__(space, blank_task(space), function=landscape)
        self.landscape_kind = landscape.kind
        self._best = landscape.pool.architectures[int(np.argmax(landscape.scores))]
        self._found = False

    def stream(self, requests: Sequence[Any]) -> Iterator[tuple[int, Evaluation]]:
        """As every function; what comes after the best architecture is refused."""
        if self._found:
            raise SearchOver("optimum found")
        self._found = any(request.architecture == self._best for request in requests)
        return super().stream(requests)


def problem(name: str, variant: str, seed: int) -> tuple[gym.Env[Any, Any], np.ndarray]:
    """Return the environment of a landscape, which ends a search at the optimum, and all of its scores.

    Args:
        name: a table, or ``"unseen"`` for a landscape drawn from `seed` on a space that was left out.
        variant: ``"exchanged"`` or ``"renumbered"`` for a control, else the table as it is.
        seed: seed of the search.
    """
    if name == SYNTHETIC:
        names = list(UNSEEN)
        pool = unseen_pool(names[seed % len(names)])
        landscape = draw_landscape(pool, np.random.default_rng(LANDSCAPE_SEED + seed))
        return _made(LandscapeUntilOptimum(landscape)), landscape.scores
    table = changed(name, variant)
    evaluator = UntilOptimum(table)
    return _made(evaluator), evaluator.score_by_index()


def _made(evaluator: Any) -> gym.Env[Any, Any]:
    return gym.make(
        "NAS-v0",
        search_space=evaluator.search_space,
        task=evaluator.task,
        evaluator=evaluator,
        store="memory",
    )


@cache
def unseen_pool(name: str) -> Pool:
    """Return all architectures of a space that was left out of training, once in a process."""
    space = training_space(name)
    return Pool(space, list(space))


@cache
def table_of(name: str) -> Table:
    """Return a table, ``"<benchmark>-<task>"`` of the package or a published one."""
    if name in PUBLISHED:
        path = DATA / PUBLISHED[name]
        return read_nasbench201(path, "cifar10") if name == "nasbench201" else import_table(name, path)[0]
    benchmark, _, task = name.partition("-")
    return load_table(benchmark, task)


@cache
def changed(name: str, variant: str) -> Table:
    """Return a table, or what a control makes of it.

    Raises:
        ValueError: if the space of the table does not allow the control.
    """
    table = table_of(name)
    if variant == "exchanged":
        return _with_rows(table, table.search_space, exchanged_rows(table.search_space))
    if variant == "renumbered":
        space = renumbered_space(table.search_space)
        rows = [table.search_space.index(table.search_space.parse(str(each))) for each in space]
        return _with_rows(table, space, np.array(rows))
    return table


def exchanged_rows(space: SearchSpace[Any]) -> np.ndarray:
    """Return for each architecture the row of the one whose choices are the last ones for the first ones."""
    sizes = {name: len(each.choices) for name, each in space.variables.items() if not each.is_depth}
    rows = []
    for architecture in space:
        values = space.encode(architecture)
        turned = {name: sizes[name] - 1 - value if name in sizes else value for name, value in values.items()}
        rows.append(space.index(space.decode(turned)))
    if len(set(rows)) != len(rows):
        raise ValueError("choices of this space cannot change places")
    return np.array(rows)


def renumbered_space(space: SearchSpace[Any]) -> SearchSpace[Any]:
    """Return a space with its operations or activations in the opposite order."""
    config = space.config()
    turned = {name: config[name][::-1] for name in ("operations", "activations") if name in config}
    if not turned:
        raise ValueError("operations of this space have one order")
    return make_search_space(config | turned, space.input_shape, space.outputs)


def _with_rows(table: Table, space: SearchSpace[Any], rows: np.ndarray) -> Table:
    return replace(
        table,
        search_space=space,
        validation=table.validation[:, rows],
        test=table.test[rows],
        failed=table.failed[rows],
        seconds=table.seconds[rows],
        parameters=table.parameters[rows],
        flops=table.flops[rows],
    )
