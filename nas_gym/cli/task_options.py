"""The tasks of `search` and `compare`, of what the user types: names, JSON, files, and how these are read."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from nas_gym.cli.options import OPENING, parsed
from nas_gym.errors import ConfigError

OWN_DATA = ("csv", "npz", "folder", "text")
WITH_TARGET = ("csv", "folder", "text")
"""Those whose target is a column, which --target names."""


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
        reading: how data in files is read and split, and the metric of every task, as options of a task.

    Raises:
        NASGymError: if a table in a file comes without target, or one of the options without a task of
            its sort.
    """
    reading = dict(reading or {})
    judging: dict[str, Any] = {
        option: reading.pop(option) for option in ("metric", "class_weight", "loss") if option in reading
    }
    tasks = [_task_of(text, target, target_kind) for text in texts]
    named = f"--task {texts[0]} is none" if texts else "there is none"
    if target is not None and not any(_is_named(task, *WITH_TARGET) for task in tasks):
        raise ConfigError(
            f"--target names the column to be predicted of a .csv or another table and {named}: leave it out "
            "or pass --task FILE.csv"
        )
    if target_kind is not None and not any(_is_named(task, *OWN_DATA) for task in tasks):
        raise ConfigError(
            f"--target-kind says what is predicted of data in a file and {named}: leave it out or pass "
            "--task FILE"
        )
    for option in reading:
        if not any(option in _reading_of(task) for task in tasks):
            raise ConfigError(
                f"--{option.replace('_', '-')} says how data in a file is read and {named}: leave it out or "
                "pass --task FILE"
            )
    for option in judging if not tasks else ():
        raise ConfigError(f"--{option.replace('_', '-')} is of a task and there is none: pass --task")
    return [_with_options(task, reading, judging) for task in tasks]


def _with_options(task: Any, reading: Mapping[str, Any], judging: Mapping[str, Any]) -> Any:
    """Return a task with options where it does not have them itself."""
    taken = _reading_of(task)
    given = {**{option: value for option, value in reading.items() if option in taken}, **judging}
    if not given or not isinstance(task, str | dict):
        return task
    if isinstance(task, dict):
        return given | task
    from nas_gym.tasks import TASKS

    return {"name": task, **given} if task in TASKS else {"name": "npz", "path": task, **given}


def _reading_of(task: Any) -> Collection[str]:
    """Return the options that say how the data of a task is read; none of a task that is not own data."""
    from nas_gym.tasks import TASKS

    name = task.get("name") if isinstance(task, dict) else "npz"
    if name not in OWN_DATA or (isinstance(task, str) and task in TASKS):
        return ()
    return inspect.signature(TASKS[name]).parameters


def _task_of(text: str, target: str | None, target_kind: str | None) -> Any:
    """Return a task by name, JSON or path, with what is predicted where it is own data."""
    kind = {} if target_kind is None else {"target_kind": target_kind}
    if text.lstrip().startswith(OPENING):
        task = parsed("--task", text, '{"name": "csv", "path": "wine.csv", "delimiter": ";"}')
        named = {"target": target} if _is_named(task, *WITH_TARGET) and target is not None else {}
        return named | kind | task if _is_named(task, *OWN_DATA) else task
    from nas_gym.tasks import TASKS, loader_of, looks_like_data

    if text in TASKS or not looks_like_data(text):
        return text
    loader = loader_of(Path(text))
    if loader == "folder":
        return {"name": loader, "path": text} | ({} if target is None else {"target": target}) | kind
    if loader == "npz":
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
