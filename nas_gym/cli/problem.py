"""What a command searches, of the options that `search`, `compare` and `record` share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nas_gym._trust import trust as trust_modules
from nas_gym.cli import options
from nas_gym.cli.data_options import reading_of
from nas_gym.cli.option_groups import in_place_of
from nas_gym.errors import ConfigError


@dataclass(frozen=True)
class Problem:
    """What is searched, and where that is written.

    Attributes:
        env_id: id of the environment.
        environment: keyword arguments of the environment that were given, without the task.
        target: column to be predicted, of a table in a file.
        target_kind: what is predicted of own data.
        reading: how tables in files are read, and the metric, for `nas_gym.cli.task_options.tasks_of`.
        logdir: folder of runs and reports.
        name: name of the variant.
    """

    env_id: str
    environment: dict[str, Any]
    target: str | None
    target_kind: str | None
    reading: dict[str, Any]
    logdir: Path
    name: str | None


@in_place_of("reading", reading_of)
def problem_of(
    env: options.EnvId = "NAS-v0",
    search_space: options.Space = None,
    target: options.Target = None,
    target_kind: options.TargetKind = None,
    *,
    reading: dict[str, Any],
    objectives: options.ObjectivesText = None,
    reward: options.Reward = None,
    horizon: options.Horizon = None,
    initial: options.Initial = None,
    recipe: options.Recipe = None,
    train_seeds: options.TrainSeeds = None,
    evaluator: options.Evaluating = None,
    device: options.Device = None,
    store: options.Store = None,
    logdir: options.Logdir = Path("tensorboard_logs"),
    name: options.Name = None,
    trust: options.Trust = None,
) -> Problem:
    """Return the problem that the options of a command state.

    Raises:
        NASGymError: if an option does not fit.
    """
    trust_modules(*(trust or ()))
    training: dict[str, Any] = {}
    if recipe is not None:
        training["recipe"] = options.recipe_of(recipe)
    if train_seeds is not None:
        training["seeds"] = options.seeds_of(train_seeds)
    if training and evaluator is not None:
        raise ConfigError("--evaluator says how to train, too: put --recipe and --train-seeds into its JSON")
    asked = None if evaluator is None else options.name_or_json("--evaluator", evaluator)
    space = None if search_space is None else options.name_or_json("--search-space", search_space)
    values = {
        "search_space": space,
        "objectives": None if objectives is None else options.objectives_of(objectives, env),
        "reward": None if reward is None else options.name_or_json("--reward", reward),
        "horizon": horizon,
        "initial": initial,
        "evaluator": {"name": "train", **training} if training else asked,
        "device": device,
        "store": store,
    }
    environment = {option: value for option, value in values.items() if value is not None}
    return Problem(env, environment, target, target_kind, reading, logdir, name)
