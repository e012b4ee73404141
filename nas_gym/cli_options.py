"""What the user types after the options of the command line, as values."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from nas_gym.errors import NASGymError

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
OPENING = ("{", "[")


def budget_of(text: str) -> int | dict[str, float]:
    """``40`` is 40 distinct evaluations, ``30s`` (or ``5m``, ``2h``) recorded seconds.

    Raises:
        NASGymError: if it is neither, or below 1 evaluation or above 0 seconds.
    """
    from nas_gym.envs.ledger import check_budget

    whole = re.fullmatch(r"\s*([+-]?\d+)\s*", text)
    timed = re.fullmatch(r"\s*([+-]?\d+(?:\.\d*)?)\s*([smh])\s*", text)
    budget: int | dict[str, float]
    if whole:
        budget = int(whole[1])
    elif timed:
        budget = {"seconds": float(timed[1]) * UNITS[timed[2]]}
    else:
        raise NASGymError(
            f"--budget must be a whole number of evaluations like 40, or a time like 30s, 5m or 2h, not {text!r}"
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
        raise NASGymError(f"{option} must be JSON like '{example}', not {text!r} ({error})") from error


def recipe_of(text: str) -> dict[str, Any]:
    """The options of a recipe.

    Raises:
        NASGymError: if the text is no JSON object.
    """
    recipe = parsed("--recipe", text, '{"epochs": 20}')
    if not isinstance(recipe, dict):
        raise NASGymError(f"--recipe must be a JSON object like '{{\"epochs\": 20}}', not {text!r}")
    return recipe


def seeds_of(text: str) -> list[int]:
    """Training seeds like ``0,1,2``.

    Raises:
        NASGymError: if a part is no whole number.
    """
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise NASGymError(f"--train-seeds must be whole numbers like 0,1,2, not {text!r}") from None


def hyperparameters_of(settings: Sequence[str]) -> dict[str, Any]:
    """Hyperparameters from texts like ``alpha=0.1``; a value that is no JSON is a text.

    Raises:
        NASGymError: if one has no ``=`` or is set twice.
    """
    values: dict[str, Any] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name:
            raise NASGymError(f"--set takes NAME=VALUE like alpha=0.1, not {setting!r}")
        if name in values:
            raise NASGymError(f"--set gives {name!r} twice: leave one out")
        try:
            values[name] = json.loads(value)
        except json.JSONDecodeError:
            values[name] = value
    return values


def agents_of(text: str) -> list[Any]:
    """Agents as names with commas between, or as a JSON list of names and of dicts with ``"name"``.

    Raises:
        NASGymError: if it is no JSON list where it opens like one, or names nothing.
    """
    if text.lstrip().startswith(OPENING):
        agents = parsed("--agents", text, '["random", {"name": "q-learning", "alpha": 0.2}]')
        return agents if isinstance(agents, list) else [agents]
    return [name.strip() for name in text.split(",") if name.strip()]


def task_of(text: str, target: str | None) -> Any:
    """A task by name, JSON or path; `target` is the label column of a ``.csv`` file.

    Raises:
        NASGymError: if a ``.csv`` file comes without target or another task with one.
    """
    is_csv = text.lower().endswith(".csv") and not text.lstrip().startswith(OPENING)
    if is_csv and target is None:
        raise NASGymError(f"{text} needs the name of its label column: pass --target NAME")
    if is_csv:
        return {"name": "csv", "path": text, "target": target}
    if target is not None:
        raise NASGymError(f"--target names the label column of a .csv file, {text!r} is none: leave it out")
    return name_or_json("--task", text)


def environment_of(
    *,
    search_space: str | None,
    reward: str | None,
    horizon: int | None,
    initial: str | None,
    recipe: str | None,
    train_seeds: str | None,
    device: str | None,
    store: str | None,
) -> dict[str, Any]:
    """The keyword arguments of the environment, of the options that were given; without the task."""
    evaluator: dict[str, Any] = {}
    if recipe is not None:
        evaluator["recipe"] = recipe_of(recipe)
    if train_seeds is not None:
        evaluator["seeds"] = seeds_of(train_seeds)
    values = {
        "search_space": None if search_space is None else name_or_json("--search-space", search_space),
        "reward": None if reward is None else name_or_json("--reward", reward),
        "horizon": horizon,
        "initial": initial,
        "evaluator": {"name": "train", **evaluator} if evaluator else None,
        "device": device,
        "store": store,
    }
    return {name: value for name, value in values.items() if value is not None}
