"""The tasks of `search` and `compare`, of what the user types: names, JSON, files, and how these are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nas_gym.cli.options import OPENING, parsed
from nas_gym.errors import ConfigError

OWN_DATA = ("csv", "npz")


def tasks_of(
    texts: Sequence[str],
    target: str | None,
    target_kind: str | None = None,
    reading: Mapping[str, Any] | None = None,
) -> list[Any]:
    """Return tasks, given by name, JSON or path.

    Args:
        texts: name, JSON or path of each task.
        target: the column to be predicted, of tables in files.
        target_kind: ``"classes"`` or ``"values"``, of tasks of own data.
        reading: how tables in files are read, and the metric of every task, as options of a task.

    Raises:
        NASGymError: if a table in a file comes without target, or one of the options without a task of
            its sort.
    """
    reading = dict(reading or {})
    metric = {"metric": reading.pop("metric")} if "metric" in reading else {}
    tasks = [_task_of(text, target, target_kind) for text in texts]
    named = f"--task {texts[0]} is none" if texts else "there is none"
    if target is not None and not any(_is_named(task, "csv") for task in tasks):
        raise ConfigError(
            f"--target names the column to be predicted of a .csv or another table and {named}: leave it out "
            "or pass --task FILE.csv"
        )
    if target_kind is not None and not any(_is_named(task, *OWN_DATA) for task in tasks):
        raise ConfigError(
            f"--target-kind says what is predicted of data in a file and {named}: leave it out or pass "
            "--task FILE"
        )
    if reading and not any(_is_named(task, "csv") for task in tasks):
        raise ConfigError(
            f"--{next(iter(reading))} says how a table in a file is read and {named}: leave it out or pass "
            "--task FILE.csv"
        )
    if metric and not tasks:
        raise ConfigError("--metric is the score of a task and there is none: pass --task")
    return [_with_options(task, reading, metric) for task in tasks]


def _with_options(task: Any, reading: Mapping[str, Any], metric: Mapping[str, Any]) -> Any:
    """Return a task with options where it does not have them itself."""
    given = {**(reading if _is_named(task, "csv") else {}), **metric}
    if not given or not isinstance(task, str | dict):
        return task
    if isinstance(task, dict):
        return given | task
    from nas_gym.tasks import TASKS

    return {"name": task, **given} if task in TASKS else {"name": "npz", "path": task, **given}


def _task_of(text: str, target: str | None, target_kind: str | None) -> Any:
    """Return a task by name, JSON or path, with what is predicted where it is own data."""
    kind = {} if target_kind is None else {"target_kind": target_kind}
    if text.lstrip().startswith(OPENING):
        task = parsed("--task", text, '{"name": "csv", "path": "wine.csv", "delimiter": ";"}')
        named = {"target": target} if _is_named(task, "csv") and target is not None else {}
        return named | kind | task if _is_named(task, *OWN_DATA) else task
    from nas_gym.tasks import TASKS, kind_of, looks_like_data

    if text in TASKS or not looks_like_data(text):
        return text
    if kind_of(Path(text).expanduser()) == "npz":
        return {"name": "npz", "path": text} | kind if kind else text
    if target is None:
        raise ConfigError(
            f"{text} cannot be read as a task without the name of the column to be predicted: pass "
            "--target NAME"
        )
    return {"name": "csv", "path": text, "target": target} | kind


def _is_named(task: object, *names: str) -> bool:
    """Return whether a task is a dict of one of these names."""
    return isinstance(task, dict) and task.get("name") in names
