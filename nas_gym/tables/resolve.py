"""From what an environment was given to the table it means: its name, its space, its task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from nas_gym.errors import ConfigError, NASGymError
from nas_gym.search_spaces import SearchSpace, make_search_space
from nas_gym.tables.catalogue import HOW_TO_GET, load_table, tasks_of
from nas_gym.tables.table import Table
from nas_gym.tasks import Classes, Task, make_task

USUAL_TASK = "mnist1d"
"""Of a benchmark with several tasks, where none was asked for."""
PUBLISHED_TASK = "cifar10"
"""The same, of a published benchmark."""


def asked_table(benchmark: object, task: object) -> Table:
    """Return the table of a benchmark and a task.

    Args:
        benchmark: its name.
        task: its label, a dict with it as ``"name"``, or a task of that name; None for the only
            one of the benchmark, or the usual one.

    Raises:
        NASGymError: if the table does not exist, or the task is not a label.
    """
    if not isinstance(benchmark, str):
        raise ConfigError(f"benchmark of a table must be a name like 'mlp', not {benchmark!r}")
    if task is not None:
        return load_table(benchmark, task_label(task))
    tasks = tasks_of(benchmark)
    usual = PUBLISHED_TASK if benchmark in HOW_TO_GET else USUAL_TASK
    return load_table(benchmark, tasks[0] if len(tasks) == 1 else usual)


def task_label(task: object) -> str:
    """Return the label of a table's task.

    Raises:
        NASGymError: if it has options, which would be another data set than the table's.
    """
    if isinstance(task, Task):
        return task.name
    if isinstance(task, Mapping) and set(task) == {"name"}:
        task = task["name"]
    if not isinstance(task, str):
        raise ConfigError(f"the task of a table is its label alone, like 'mnist1d', not {task!r}")
    return task


def check_search_space(table: Table, asked: str | Mapping[str, Any] | SearchSpace[Any]) -> None:
    """Refuse a search space that is not the table's; options left out are those of the table.

    Raises:
        NASGymError: naming both.
    """
    space = table.search_space
    if isinstance(asked, SearchSpace):
        fits = asked == space
    else:
        options = {"name": asked} if isinstance(asked, str) else dict(asked)
        fits = options.get("name") == space.name and (
            make_search_space(space.config() | options, space.input_shape, space.outputs) == space
        )
    if not fits:
        shown = asked.config() if isinstance(asked, SearchSpace) else asked
        raise ConfigError(
            f"the table {table.name!r} is of the search space {space.config()!r}, not {shown!r}: "
            "leave search_space out, or evaluate by training"
        )


def recorded_task(table: Table) -> Task | None:
    """Return the data that a table of our own was recorded on; None where it is not there, or has changed."""
    if "task_fingerprint" not in table.about:
        return None
    try:
        task = make_task(table.about["task"])
    except NASGymError:
        return None  # its file is not there any more
    return task if task.fingerprint == table.about["task_fingerprint"] else None


def table_task(table: Table) -> Task:
    """Return the task of a table: its label and the shape of its data, and no examples."""
    space = table.search_space
    target = table.target or Classes(tuple(map(str, range(space.outputs))))
    x, y = np.zeros((0, *space.input_shape), dtype=np.float32), np.zeros(0, dtype=np.int64)
    sides = (1,) * (len(space.input_shape) - 1)
    parts = space.input_shape[:1] + sides
    return Task(
        name=table.task,
        x_train=x,
        y_train=y,
        x_validation=x,
        y_validation=y,
        x_test=x,
        y_test=y,
        target=target,
        feature_names=(),
        mean=np.zeros(parts),
        scale=np.ones(parts),
        spec={"name": table.task},
    )
