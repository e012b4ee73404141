"""Options that commands share, and what the user types after options, as values."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from nas_gym._checks import from_json
from nas_gym.errors import ConfigError

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
SEVERAL = "NASMultiObjective-v0"
OPENING = ("{", "[")
DIGITS = 18
SHOWN = 200

EnvId = Annotated[str, typer.Option("--env", help="Id of the environment.")]
Space = Annotated[str | None, typer.Option(help="Name of a search space, or JSON with its options.")]
Target = Annotated[
    str | None,
    typer.Option(help="Column to be predicted, of a table in a file such as a .csv; several with commas."),
]
TargetKind = Annotated[
    str | None,
    typer.Option(
        help="What is predicted of own data: classes, values (numbers) or labels, of which an example may "
        "have several; by default told by the data."
    ),
]
BudgetText = Annotated[
    str | None,
    typer.Option(
        help="Distinct evaluations (40; by default 100), or recorded training time (30s, 5m, 2h): what the "
        "trainings alone took when they were made, so the clock shows another time."
    ),
]
EqualBudgetText = Annotated[
    str,
    typer.Option(
        help="Of each run: distinct evaluations (40), or recorded training time (30s, 5m, 2h): what the "
        "trainings alone took when they were made, so the clock shows another time."
    ),
]
Minutes = Annotated[
    float | None,
    typer.Option(
        help="Limit by the clock, in place of --budget or beside it: the first that is reached ends the "
        "search. What the clock ends cannot be repeated exactly. The chosen network is scored afterwards."
    ),
]
Reward = Annotated[str | None, typer.Option(help="score, improvement or final, or JSON.")]
Horizon = Annotated[int | None, typer.Option(help="Steps per episode.")]
ObjectivesText = Annotated[
    str | None,
    typer.Option(
        "--objectives",
        help="Of --env NASMultiObjective-v0: score, parameters, flops, latency with commas between, or a "
        "JSON list of names and dicts.",
    ),
]
Initial = Annotated[str | None, typer.Option(help="smallest, random, or an architecture.")]
Recipe = Annotated[str | None, typer.Option(help='How to train, JSON like {"epochs": 20}.')]
TrainSeeds = Annotated[str | None, typer.Option(help="Training seeds that are averaged, like 0,1,2.")]
Evaluating = Annotated[
    str | None,
    typer.Option(
        "--evaluator",
        help='JSON like {"name": "table", "benchmark": "mlp", "fidelity": 5}; train by default.',
    ),
]
Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda, ...")]
Store = Annotated[str | None, typer.Option(help="user, memory, the path of a file, or a postgresql:// URL.")]
Logdir = Annotated[Path, typer.Option("--logdir", "--out", help="Where runs and reports are written.")]
Name = Annotated[str | None, typer.Option(help="Name of this variant; it gets folders of its own.")]
Network = Annotated[
    Path, typer.Argument(help="A saved network (network.pt, best.pt), or the folder of a run, for its own.")
]
Trust = Annotated[
    list[str] | None,
    typer.Option(
        metavar="MODULE",
        help="Module of your own that the files read may name, and that is imported then; may be repeated.",
    ),
]


def budget_of(text: str) -> int | dict[str, float]:
    """Return a budget: ``40`` is 40 distinct evaluations, ``30s`` (or ``5m``, ``2h``) recorded seconds.

    A training by less than the full recipe counts its share of the epochs.

    Raises:
        NASGymError: if it is neither, or below 1 evaluation or above 0 seconds.
    """
    from nas_gym.envs import check_budget

    # No budget has more digits, and Python reads no number of thousands of them.
    whole = re.fullmatch(rf"\s*([+-]?\d{{1,{DIGITS}}})\s*", text)
    timed = re.fullmatch(rf"\s*([+-]?\d{{1,{DIGITS}}}(?:\.\d*)?)\s*([smh])\s*", text)
    budget: int | dict[str, float]
    if whole:
        budget = int(whole[1])
    elif timed:
        budget = {"seconds": float(timed[1]) * UNITS[timed[2]]}
    else:
        raise ConfigError(
            "--budget must be a number of evaluations like 40, or a time like 30s, 5m or 2h, not "
            f"{shown(text)}"
        )
    check_budget(budget)
    return budget


def limits_of(text: str | None, minutes: float | None, default: str) -> int | dict[str, float]:
    """Return the budget of a search, of ``--budget`` and ``--minutes``.

    Args:
        text: budget as `budget_of` takes it; None if it was not given.
        minutes: limit by the clock; None for none. Alone it replaces the default budget.
        default: budget where neither was given.

    Raises:
        NASGymError: as `budget_of`, or if the limit is not above 0.
    """
    if minutes is None:
        return budget_of(default if text is None else text)
    checked_minutes(minutes)
    if text is None:
        return {"minutes": minutes}
    budget = budget_of(text)
    return (budget if isinstance(budget, dict) else {"evaluations": budget}) | {"minutes": minutes}


def checked_minutes(minutes: float | None) -> float | None:
    """Return ``--minutes``.

    Raises:
        NASGymError: if they are not a finite number above 0.
    """
    if minutes is not None and not 0 < minutes < float("inf"):
        raise ConfigError(f"--minutes must be a number of minutes above 0, not {minutes:g}")
    return minutes


def name_or_json(option: str, text: str) -> Any:
    """Return a name as it is, or the value of a text that opens like JSON.

    Raises:
        NASGymError: if it opens like JSON and is not JSON.
    """
    return parsed(option, text) if text.lstrip().startswith(OPENING) else text


def parsed(option: str, text: str, example: str = '{"name": "mlp", "max_layers": 3}') -> Any:
    """Return the value of a JSON text.

    Raises:
        NASGymError: if it is not JSON.
    """
    try:
        return from_json(text)
    except ValueError as error:
        raise ConfigError(f"{option} must be JSON like '{example}', not {shown(text)} ({error})") from error


def shown(text: str) -> str:
    """Return what the user typed as a sentence quotes it: of a long text the beginning."""
    return repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}...")


def recipe_of(text: str) -> dict[str, Any]:
    """Return the options of a recipe.

    Raises:
        NASGymError: if the text is not a JSON object.
    """
    recipe = parsed("--recipe", text, '{"epochs": 20}')
    if not isinstance(recipe, dict):
        raise ConfigError(f"--recipe must be a JSON object like '{{\"epochs\": 20}}', not {shown(text)}")
    return recipe


def seeds_of(text: str) -> list[int]:
    """Return training seeds, given like ``0,1,2``.

    Raises:
        NASGymError: if a part is not a whole number.
    """
    return whole_numbers("--train-seeds", text)


def whole_numbers(option: str, text: str) -> list[int]:
    """Return whole numbers with commas between.

    Raises:
        NASGymError: if a part is not a whole number.
    """
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ConfigError(f"{option} must be whole numbers like 0,1,2, not {shown(text)}") from None


def hyperparameters_of(settings: Sequence[str]) -> dict[str, Any]:
    """Return hyperparameters from texts like ``alpha=0.1``; a value that is not JSON is a text.

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
            values[name] = from_json(value)
        except ValueError:
            values[name] = value
    return values


def agent_of(text: str, settings: Sequence[str]) -> Any:
    """Return an agent by name or JSON, with the hyperparameters of ``--set``.

    Raises:
        NASGymError: if the text opens like JSON and is not an object with a name, or a setting does not fit.
    """
    values = hyperparameters_of(settings)
    agent = name_or_json("--agent", text)
    if not isinstance(agent, str | dict):
        raise ConfigError(f"--agent must be a name or a JSON object with a name, not {text!r}")
    if not values:
        return agent
    return {"name": agent, **values} if isinstance(agent, str) else agent | values


def agents_of(text: str) -> list[Any]:
    """Return agents given as names with commas between, or as a JSON list of names and dicts.

    Raises:
        NASGymError: if it opens like a JSON list and is not one, or names nothing.
    """
    if text.lstrip().startswith(OPENING):
        agents = parsed("--agents", text, '["random", {"name": "q-learning", "alpha": 0.2}]')
        return agents if isinstance(agents, list) else [agents]
    return [name.strip() for name in text.split(",") if name.strip()]


def objectives_of(text: str, env_id: str) -> list[Any]:
    """Return objectives given as names with commas between, or as a JSON list of names and dicts.

    Raises:
        NASGymError: if it opens like a JSON list and is not one, or the environment has one objective.
    """
    if env_id != SEVERAL:
        raise ConfigError(
            f"--objectives is of --env {SEVERAL}, and {env_id} pays one number: change the environment, or "
            "weigh objectives by --reward"
        )
    if text.lstrip().startswith(OPENING):
        found = parsed("--objectives", text, '["score", {"name": "flops", "scale": 1000000}]')
        return found if isinstance(found, list) else [found]
    return [name.strip() for name in text.split(",") if name.strip()]


def given(**values: Any) -> dict[str, Any]:
    """Return the options that were given; one that may be repeated is an empty list where it was not."""
    return {option: value for option, value in values.items() if value not in (None, [])}


def command_line(arguments: Sequence[str]) -> str:
    """Return the command as it can be given again; passwords in URLs are masked."""
    from nas_agents import masked

    return masked(shlex.join(["nas-gym", *arguments[1:]]))
