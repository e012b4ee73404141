"""The command ``nas-gym record``: the steps of an agent as a Minari data set, for offline learning."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from nas_gym.cli import options
from nas_gym.cli.console import output, print_plain
from nas_gym.cli.errors import polite
from nas_gym.cli.option_groups import in_place_of
from nas_gym.cli.problem import Problem, problem_of
from nas_gym.cli.progress import search_bar
from nas_gym.cli.task_options import tasks_of
from nas_gym.errors import ConfigError

if TYPE_CHECKING:
    from nas_gym.envs import Budget

RECORD_EXAMPLE = """
Example: `nas-gym record --agent random-walk --env NASTable-MLP-v0 --budget 500 --dataset nas-gym/mlp-mnist1d/random-v0`

Of runs that were recorded: `nas-gym record --from tensorboard_logs/NAS-v0-mlp-mnist1d/ppo/seed* --dataset ppo-v0`
"""  # noqa: E501 - a command stands on one line
DEFAULT_BUDGET = "100"


@polite
@in_place_of("problem", problem_of)
def record(
    *,
    more: Annotated[list[Path] | None, typer.Argument(metavar="[RUN]...", help="Further runs.")] = None,
    dataset: Annotated[str, typer.Option(help="Id of the data set, like nas-gym/mlp-mnist1d/random-v0.")],
    agent: Annotated[
        str | None, typer.Option(help="Name of an agent that walks, see `nas-gym list`.")
    ] = None,
    runs: Annotated[
        list[Path] | None, typer.Option("--from", help="Folder of a recorded run, in place of an agent.")
    ] = None,
    task: Annotated[str | None, typer.Option(help="Name, JSON, or the path of a file.")] = None,
    budget: options.BudgetText = None,
    minutes: options.Minutes = None,
    seed: Annotated[int, typer.Option(help="Seed of the agent.")] = 0,
    setting: Annotated[list[str] | None, typer.Option("--set", help="Hyperparameter, NAME=VALUE.")] = None,
    author: Annotated[str | None, typer.Option(help="Name of who made the data set.")] = None,
    author_email: Annotated[str | None, typer.Option(help="Address of who made it.")] = None,
    code_permalink: Annotated[str | None, typer.Option(help="Link to the code that made it.")] = None,
    description: Annotated[str | None, typer.Option(help="What it is.")] = None,
    problem: Problem,
) -> None:
    """Write an agent's steps as a Minari data set: by a search now, or of runs that were recorded.

    The data set goes into the folder that MINARI_DATASETS_PATH names, by default ~/.minari/datasets.
    """
    from nas_gym.traces import check_minari, to_minari

    folders = [*(runs or []), *(more or [])]
    if (agent is None) == (not folders):
        raise ConfigError("pass --agent for a search that is recorded, or --from with the folders of runs")
    check_minari(dataset)
    if agent is not None:
        environment = dict(problem.environment)
        for each in tasks_of(
            [] if task is None else [task], problem.target, problem.target_kind, problem.reading
        ):
            environment["task"] = each
        limits = options.limits_of(budget, minutes, DEFAULT_BUDGET)
        made = options.agent_of(agent, setting or [])
        folders = [_search(made, limits, seed, problem, environment)]
    found = to_minari(
        folders,
        dataset,
        author=author,
        author_email=author_email,
        code_permalink=code_permalink,
        description=description,
    )
    console = output()
    print_plain(console, f"{found.total_steps:,} steps in {found.total_episodes:,} episodes: {dataset}")
    print_plain(console, f"in {found.storage.data_path}")
    print_plain(console, f"load it: minari.load_dataset({dataset!r})")


def _search(agent: Any, budget: Budget, seed: int, problem: Problem, environment: dict[str, Any]) -> Path:
    """Search with an agent that walks, recorded, and return the folder of the run."""
    from nas_agents import RunSpec, experiment_folder, label, make_agent, make_env, run

    from nas_gym.traces import check_recordable

    if make_agent(agent).access != "walk":
        raise ConfigError(
            f"the agent {label(agent)} asks for architectures and makes no steps: record one that walks, "
            "such as random-walk or q-learning"
        )
    with closing(make_env(problem.env_id, environment)) as made:
        check_recordable(made.unwrapped)
        folder = experiment_folder(problem.logdir, made, problem.name) / label(agent) / f"seed{seed}"
    spec = RunSpec(agent, budget, str(folder), seed, problem.env_id, environment)
    with search_bar(Console(stderr=True), label(agent), budget) as move:
        run(spec, move)
    return folder
