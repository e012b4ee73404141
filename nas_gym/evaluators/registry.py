"""Evaluators: from requests to evaluations; adding one is adding a file and a line to `EVALUATORS`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas_gym.errors import ConfigError
from nas_gym.evaluators.base import Evaluator
from nas_gym.executors import Executor
from nas_gym.registry import build, lookup, options_of
from nas_gym.search_spaces import SearchSpace
from nas_gym.tables import Table, asked_table, task_label
from nas_gym.tasks import Task

if TYPE_CHECKING:
    from nas_gym.evaluators.store.store import Store

# Strings, since importing torch takes seconds.
EVALUATORS = {
    "train": "nas_gym.evaluators.train:TrainEvaluator",
    "table": "nas_gym.evaluators.lookup:table",
    "supernet": "nas_gym.evaluators.supernet.evaluator:SupernetEvaluator",
    "proxy": "nas_gym.evaluators.proxies.evaluator:ProxyEvaluator",
    "function": "nas_gym.evaluators.function:FunctionEvaluator",
}
AT_ONCE = ("table", "function")
"""Those that answer at once, in this process."""


def make_evaluator(
    spec: str | Mapping[str, Any] | Evaluator,
    search_space: SearchSpace[Any],
    task: Task,
    *,
    device: str = "auto",
    store: str | Path | Store = "user",
    executor: str | Mapping[str, Any] | Executor | None = None,
) -> Evaluator:
    """Build an evaluator from its name or a dict; an evaluator stays as it is.

    The store goes in front of one that declares to be `storable`, and in front of that what adds latencies,
    where the dict has the option ``"latency"`` (see `nas_gym.evaluators.latency.evaluator.with_latency`).
    An executor is where it trains networks, and may be an option of the dict, too.

    Raises:
        NASGymError: if the name or an option is unknown or does not fit.
    """
    if isinstance(spec, Evaluator):
        if executor is not None:
            raise ConfigError(
                "executor is an option of an evaluator that is built: give it to the one you made"
            )
        return spec
    options = options_of("evaluator", spec)
    name, latency = options.pop("name", None), options.pop("latency", None)
    if executor is not None and options.setdefault("executor", executor) is not executor:
        raise ConfigError("the environment and its evaluator name an executor each: leave one of them out")
    factory = lookup("evaluator", name, EVALUATORS)
    if options.get("executor") is not None and name in AT_ONCE:
        raise ConfigError(
            f"the evaluator {name!r} trains no networks, so there is nothing for an executor to do: leave "
            "executor out"
        )
    built: Evaluator = build(factory, "evaluator", options, search_space, task, device)
    if built.storable:  # the store is imported where it is needed: it takes longer than loading a table
        from nas_gym.evaluators.store.evaluator import StoredEvaluator
        from nas_gym.evaluators.store.store import make_store

        built = StoredEvaluator(built, make_store(store))
    if latency is None:
        return built
    from nas_gym.evaluators.latency.evaluator import with_latency

    return with_latency(built, latency, device, store)


def table_of(spec: str | Mapping[str, Any] | Evaluator, task: object = None) -> Table | None:
    """Return the table that an evaluator answers from; None for one that answers otherwise.

    Args:
        spec: see `make_evaluator`.
        task: the label of the table's task, or what `nas_gym.tables.task_label` takes for one; None
            for the usual one.

    Raises:
        NASGymError: if the table does not exist, or is of another task.
    """
    if not isinstance(spec, Evaluator):
        options = options_of("evaluator", spec)
        if options.get("name") != "table":
            lookup("evaluator", options.get("name"), EVALUATORS)  # refused before any data is made for it
            return None
        if "benchmark" not in options:
            raise ConfigError(
                "the evaluator 'table' needs the option 'benchmark': pass benchmark=..., "
                "see 'nas-gym benchmark list'"
            )
        return asked_table(options["benchmark"], task)
    table = spec.table
    if table is None:
        return None
    if task is not None and task_label(task) != table.task:
        raise ConfigError(
            f"the evaluator's table is of the task {table.task!r}, not {task_label(task)!r}: leave task out"
        )
    return table
