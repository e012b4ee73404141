"""Tasks: one file each; adding one is adding a loader and a line to `TASKS`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nas_gym.errors import ConfigError, DataError, DataWarning, unknown
from nas_gym.registry import build, lookup
from nas_gym.tasks.base import Task
from nas_gym.tasks.builtin.breast_cancer import breast_cancer
from nas_gym.tasks.builtin.dates import dates
from nas_gym.tasks.builtin.diabetes import diabetes
from nas_gym.tasks.builtin.digits import digits
from nas_gym.tasks.builtin.language_id import language_id
from nas_gym.tasks.builtin.mnist1d import mnist1d
from nas_gym.tasks.builtin.pronunciation import pronunciation
from nas_gym.tasks.builtin.spelling import spelling
from nas_gym.tasks.data import Data
from nas_gym.tasks.media.collection import is_collection
from nas_gym.tasks.notes import say
from nas_gym.tasks.own.arrays import arrays
from nas_gym.tasks.own.csv import csv
from nas_gym.tasks.own.folder import folder
from nas_gym.tasks.own.npz import npz
from nas_gym.tasks.own.text import text
from nas_gym.tasks.own.translation import translation
from nas_gym.tasks.preparation import OPTIONS, Preparation
from nas_gym.tasks.prepare import prepare
from nas_gym.tasks.reading.file_kinds import kind_of, looks_like_data
from nas_gym.tasks.targets.kinds import check_kind

TASKS: dict[str, Callable[..., Data]] = {
    "digits": digits,
    "mnist1d": mnist1d,
    "breast_cancer": breast_cancer,
    "diabetes": diabetes,
    "dates": dates,
    "pronunciation": pronunciation,
    "language_id": language_id,
    "spelling": spelling,
    "arrays": arrays,
    "npz": npz,
    "csv": csv,
    "folder": folder,
    "translation": translation,
    "text": text,
}

__all__ = ["TASKS", "Data", "DataWarning", "Task", "make_task"]


def make_task(spec: str | Path | Mapping[str, Any] | Task) -> Task:
    """Build a task.

    Args:
        spec: its name, a dict with ``"name"`` and options (those of its loader and of
            `nas_gym.tasks.preparation.Preparation`), the path of an ``.npz`` file, or of a folder or archive
            of images or signals, or a task as it is. Any other file, such as a ``.csv``, needs the dict,
            since its ``"target"`` column must be named.

    What of the data was read otherwise than as it stands is said, each in a `DataWarning`.

    Raises:
        NASGymError: if the name or an option is unknown, or the options or the data do not fit.
    """
    if isinstance(spec, Task):
        return spec
    options = _options(spec)
    name = options.pop("name")
    loader = lookup("task", name, TASKS)
    own = inspect.signature(loader).parameters
    for option in options:
        if option not in own and option not in OPTIONS:
            raise unknown(f"option of the task {name!r}", option, {*own, *OPTIONS})
    check_kind(options.get("target_kind"))
    shared = {key: value for key, value in options.items() if key in OPTIONS}
    Preparation(**shared)  # refuses bad options before anything is loaded or generated
    data = build(loader, "task", {key: value for key, value in options.items() if key in own})
    recorded = {
        key: value for key, value in options.items() if not data.in_memory or _is_recorded(key, value)
    }
    task = prepare(name, data, shared, {"name": name, **_plain(recorded), **data.spec})
    if data.in_memory:
        _identify(task, options.get("fingerprint"))
    say(task.notes)
    return task


def loader_of(path: Path) -> str:
    """Return the name of the loader of a path: ``"npz"``, ``"folder"``, or ``"csv"`` of any table.

    Raises:
        NASGymError: if it is a file of a kind that cannot be read.
    """
    path = path.expanduser()
    if is_collection(path):
        return "folder"
    return "npz" if kind_of(path) == "npz" else "csv"


def _is_recorded(option: str, value: Any) -> bool:
    """Return whether an option of arrays in memory is written into a spec, as names of columns are."""
    return option not in ("x", "y") and (option not in ("split", "group", "time") or isinstance(value, str))


def _options(spec: str | Path | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(spec, Path) or (isinstance(spec, str) and spec not in TASKS and looks_like_data(spec)):
        return {"name": loader_of(Path(spec)), "path": spec}
    if isinstance(spec, str):
        return {"name": spec}
    if isinstance(spec, Mapping) and "name" in spec:
        return dict(spec)
    raise ConfigError(
        "a task is a name, a dict with 'name', the path of an .npz file or a folder, or a Task, "
        f"not {type(spec).__name__}: pass one of {', '.join(sorted(TASKS))}"
    )


def _identify(task: Task, expected: str | None) -> None:
    """Record what arrays in memory a task is of, and check that they are those of an earlier spec."""
    task.spec["fingerprint"] = task.fingerprint
    if expected not in (None, task.fingerprint):
        raise DataError(
            f"the arrays of task {task.name!r} have fingerprint {task.fingerprint[:12]}, "
            f"not {str(expected)[:12]}: pass the arrays and options that the spec was made with"
        )


def _plain(value: Any) -> Any:
    """Return an option's value as JSON has it."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return str(value) if isinstance(value, Path) else value
