"""What the user types after the options of the command line, as values."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nas_gym.errors import ConfigError

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
OPENING = ("{", "[")


def budget_of(text: str) -> int | dict[str, float]:
    """``40`` is 40 distinct evaluations, ``30s`` (or ``5m``, ``2h``) recorded seconds.

    A training by less than the full recipe counts its share of the epochs.

    Raises:
        NASGymError: if it is neither, or below 1 evaluation or above 0 seconds.
    """
    from nas_gym.envs import check_budget

    whole = re.fullmatch(r"\s*([+-]?\d+)\s*", text)
    timed = re.fullmatch(r"\s*([+-]?\d+(?:\.\d*)?)\s*([smh])\s*", text)
    budget: int | dict[str, float]
    if whole:
        budget = int(whole[1])
    elif timed:
        budget = {"seconds": float(timed[1]) * UNITS[timed[2]]}
    else:
        raise ConfigError(
            f"--budget must be a number of evaluations like 40, or a time like 30s, 5m or 2h, not {text!r}"
        )
    check_budget(budget)
    return budget


def name_or_json(option: str, text: str) -> Any:
    """A name as it is, or the value of a text that opens like JSON.

    Raises:
        NASGymError: if it opens like JSON and is none.
    """
    return parsed(option, text) if text.lstrip().startswith(OPENING) else text


def parsed(option: str, text: str, example: str = '{"name": "mlp", "max_layers": 3}') -> Any:
    """The value of a JSON text.

    Raises:
        NASGymError: if it is no JSON.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{option} must be JSON like '{example}', not {text!r} ({error})") from error


def recipe_of(text: str) -> dict[str, Any]:
    """The options of a recipe.

    Raises:
        NASGymError: if the text is no JSON object.
    """
    recipe = parsed("--recipe", text, '{"epochs": 20}')
    if not isinstance(recipe, dict):
        raise ConfigError(f"--recipe must be a JSON object like '{{\"epochs\": 20}}', not {text!r}")
    return recipe


def seeds_of(text: str) -> list[int]:
    """Training seeds like ``0,1,2``.

    Raises:
        NASGymError: if a part is no whole number.
    """
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ConfigError(f"--train-seeds must be whole numbers like 0,1,2, not {text!r}") from None


def hyperparameters_of(settings: Sequence[str]) -> dict[str, Any]:
    """Hyperparameters from texts like ``alpha=0.1``; a value that is no JSON is a text.

    Raises:
        NASGymError: if one has no ``=`` or is set twice.
    """
    values: dict[str, Any] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name:
            raise ConfigError(f"--set takes NAME=VALUE like alpha=0.1, not {setting!r}")
        if name in values:
            raise ConfigError(f"--set gives {name!r} twice: leave one out")
        try:
            values[name] = json.loads(value)
        except json.JSONDecodeError:
            values[name] = value
    return values


def agent_of(text: str, settings: Sequence[str]) -> Any:
    """An agent by name or JSON, with the hyperparameters of ``--set``.

    Raises:
        NASGymError: if the text opens like JSON and is no object with a name, or a setting is none.
    """
    values = hyperparameters_of(settings)
    agent = name_or_json("--agent", text)
    if not isinstance(agent, str | dict):
        raise ConfigError(f"--agent must be a name or a JSON object with a name, not {text!r}")
    if not values:
        return agent
    return {"name": agent, **values} if isinstance(agent, str) else agent | values


def agents_of(text: str) -> list[Any]:
    """Agents as names with commas between, or as a JSON list of names and of dicts with ``"name"``.

    Raises:
        NASGymError: if it is no JSON list where it opens like one, or names nothing.
    """
    if text.lstrip().startswith(OPENING):
        agents = parsed("--agents", text, '["random", {"name": "q-learning", "alpha": 0.2}]')
        return agents if isinstance(agents, list) else [agents]
    return [name.strip() for name in text.split(",") if name.strip()]


def tasks_of(texts: Sequence[str], target: str | None) -> list[Any]:
    """Tasks by name, JSON or path; `target` is the label column of those that are tables in files.

    Raises:
        NASGymError: if such a file comes without target, or a target without such a file.
    """
    tasks = [_task_of(text, target) for text in texts]
    if target is not None and not any(isinstance(task, dict) and task.get("name") == "csv" for task in tasks):
        named = f"--task {texts[0]} is none" if texts else "there is none"
        raise ConfigError(
            f"--target names the label column of a .csv or another table and {named}: leave it out or pass "
            "--task FILE.csv"
        )
    return tasks


def _task_of(text: str, target: str | None) -> Any:
    """A task by name, JSON or path, with the label column where it needs one."""
    if text.lstrip().startswith(OPENING):
        task = parsed("--task", text, '{"name": "csv", "path": "wine.csv", "delimiter": ";"}')
        named = isinstance(task, dict) and task.get("name") == "csv"
        return {"target": target, **task} if named and target is not None else task
    from nas_gym.tasks import TASKS, kind_of, looks_like_data

    if text in TASKS or not looks_like_data(text):
        return text
    kind = kind_of(Path(text).expanduser())
    if kind == "npz":
        return text
    if target is None:
        raise ConfigError(
            f"{text} cannot be read as a task without the name of its label column: pass --target NAME"
        )
    return {"name": "csv", "path": text, "target": target}


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def command_line(arguments: Sequence[str]) -> str:
    """The command as it can be given again; passwords in URLs are masked."""
    command = shlex.join(["nas-gym", *arguments[1:]])
    return re.sub(r"(://[^:/@\s']*:)[^@\s']*@", r"\1***@", command)


def environment_of(
    *,
    search_space: str | None,
    reward: str | None,
    horizon: int | None,
    initial: str | None,
    recipe: str | None,
    train_seeds: str | None,
    evaluator: str | None,
    device: str | None,
    store: str | None,
) -> dict[str, Any]:
    """The keyword arguments of the environment, of the options that were given; without the task.

    Raises:
        NASGymError: if an option does not fit.
    """
    training: dict[str, Any] = {}
    if recipe is not None:
        training["recipe"] = recipe_of(recipe)
    if train_seeds is not None:
        training["seeds"] = seeds_of(train_seeds)
    if training and evaluator is not None:
        raise ConfigError("--evaluator says how to train, too: put --recipe and --train-seeds into its JSON")
    asked = None if evaluator is None else name_or_json("--evaluator", evaluator)
    values = {
        "search_space": None if search_space is None else name_or_json("--search-space", search_space),
        "reward": None if reward is None else name_or_json("--reward", reward),
        "horizon": horizon,
        "initial": initial,
        "evaluator": {"name": "train", **training} if training else asked,
        "device": device,
        "store": store,
    }
    return {name: value for name, value in values.items() if value is not None}
