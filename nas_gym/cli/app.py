"""The command line: ``nas-gym search``, ``compare``, ``replay``, ``list``, ``benchmark``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from nas_gym.cli import options as options
from nas_gym.cli.benchmark import benchmark_app
from nas_gym.cli.errors import FAILED, encodable, polite, told
from nas_gym.cli.explain import EXPLAIN_EXAMPLE, explain, explain_and_show

app = typer.Typer(
    name="nas-gym",
    help="Neural architecture search as a Gymnasium environment: search, compare agents, replay, use tables.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.add_typer(benchmark_app)
app.command("explain", epilog=EXPLAIN_EXAMPLE)(explain)

EnvId = Annotated[str, typer.Option("--env", help="Id of the environment.")]
Space = Annotated[str | None, typer.Option(help="Name of a search space, or JSON with its options.")]
Target = Annotated[str | None, typer.Option(help="Label column of a table in a file, such as a .csv.")]
Budget = Annotated[
    str, typer.Option(help="Distinct evaluations (40), or recorded training time (30s, 5m, 2h).")
]
Reward = Annotated[str | None, typer.Option(help="accuracy, improvement or final, or JSON.")]
Horizon = Annotated[int | None, typer.Option(help="Steps per episode.")]
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
Store = Annotated[str | None, typer.Option(help="user, memory, the path of a file, or an SQLAlchemy URL.")]
Logdir = Annotated[Path, typer.Option("--logdir", "--out", help="Where runs and reports are written.")]
Name = Annotated[str | None, typer.Option(help="Name of this variant; it gets folders of its own.")]

SEARCH_EXAMPLE = """
Example: `nas-gym search --agent q-learning --budget 60 --set alpha=0.2`

Own data: `nas-gym search --agent tpe --task wine.csv --target quality --budget 5m`
"""
COMPARE_EXAMPLE = """
Example: `nas-gym compare --agents random,q-learning,tpe --seeds 10 --budget 40`

On a table, in a minute: `nas-gym compare --env NASTable-MLP-v0 --agents random,evolution --seeds 200`
"""
REPLAY_EXAMPLE = "Example: `nas-gym replay tensorboard_logs/NAS-v0-mlp-mnist1d/q-learning/seed0`"
LIST_EXAMPLE = "Example: `nas-gym list`"


@app.command(epilog=SEARCH_EXAMPLE)
@polite
def search(
    agent: Annotated[str, typer.Option(help="Name of the agent, see `nas-gym list`.")],
    env: EnvId = "NAS-v0",
    search_space: Space = None,
    task: Annotated[
        str | None,
        typer.Option(help="Name, JSON, or the path of a file: a table (.csv, .xlsx, ...) or .npz."),
    ] = None,
    target: Target = None,
    budget: Budget = "100",
    seed: Annotated[int, typer.Option(help="Seed of the agent.")] = 0,
    setting: Annotated[list[str] | None, typer.Option("--set", help="Hyperparameter, NAME=VALUE.")] = None,
    reward: Reward = None,
    horizon: Horizon = None,
    initial: Initial = None,
    recipe: Recipe = None,
    train_seeds: TrainSeeds = None,
    evaluator: Evaluating = None,
    device: Device = None,
    store: Store = None,
    logdir: Logdir = Path("tensorboard_logs"),
    name: Name = None,
    explained: Annotated[
        bool, typer.Option("--explain/--no-explain", help="Explain the search at its end.")
    ] = False,
) -> None:
    """Search with one agent, and keep the network it chooses.

    The chosen network is retrained with 3 training seeds that the search did not use; the weights
    of the first are saved as best.pt in the run's folder, beside the trace for TensorBoard.
    """
    from nas_gym.cli.console import search_and_show

    environment = options.environment_of(
        search_space=search_space,
        reward=reward,
        horizon=horizon,
        initial=initial,
        recipe=recipe,
        train_seeds=train_seeds,
        evaluator=evaluator,
        device=device,
        store=store,
    )
    for each in options.tasks_of([] if task is None else [task], target):
        environment["task"] = each
    folder = search_and_show(
        options.agent_of(agent, setting or []),
        options.budget_of(budget),
        seed,
        env,
        environment,
        logdir,
        name,
    )
    if explained:
        explain_and_show(folder, store="user" if store is None else store)


@app.command(epilog=COMPARE_EXAMPLE)
@polite
def compare(
    agents: Annotated[
        str, typer.Option(help="Names with commas between, or a JSON list of names and of dicts.")
    ],
    seeds: Annotated[int, typer.Option(help="Runs per agent and task.")] = 10,
    budget: Budget = "40",
    env: EnvId = "NAS-v0",
    search_space: Space = None,
    task: Annotated[list[str] | None, typer.Option(help="Name, JSON, or path; may be repeated.")] = None,
    target: Target = None,
    reward: Reward = None,
    horizon: Horizon = None,
    initial: Initial = None,
    recipe: Recipe = None,
    train_seeds: TrainSeeds = None,
    evaluator: Evaluating = None,
    device: Device = None,
    store: Store = None,
    logdir: Logdir = Path("tensorboard_logs"),
    name: Name = None,
    jobs: Annotated[int | None, typer.Option(help="Processes; one per core by default.")] = None,
    trace: Annotated[
        bool | None,
        typer.Option("--trace/--no-trace", help="Record every run; by default all but those on a table."),
    ] = None,
    by_access: Annotated[
        bool,
        typer.Option(
            "--by-access", help="Show walk and query agents each alone; the report always has both views."
        ),
    ] = False,
) -> None:
    """Compare agents at equal budget, with intervals and tests.

    Each agent searches once per seed. A run is scored by the test accuracy of the network it
    chose, retrained with 3 training seeds that no search used; on a table by its regret to the
    best network of the table. An interrupted comparison goes on where it was when the same command
    is given again.
    """
    from nas_agents.comparison.runner import Plan

    from nas_gym.cli.console import compare_and_show

    environment = options.environment_of(
        search_space=search_space,
        reward=reward,
        horizon=horizon,
        initial=initial,
        recipe=recipe,
        train_seeds=train_seeds,
        evaluator=evaluator,
        device=device,
        store=store,
    )
    plan = Plan(
        agents=options.agents_of(agents),
        seeds=seeds,
        budget=options.budget_of(budget),
        tasks=options.tasks_of(task or [], target) or [None],
        env_id=env,
        env=environment,
        logdir=str(logdir),
        name=name,
        jobs=options.cores() if jobs is None else jobs,
        trace=trace,
    )
    if not compare_and_show(plan, options.command_line(sys.argv), by_access=by_access):
        raise typer.Exit(FAILED)


@app.command(epilog=REPLAY_EXAMPLE)
@polite
def replay(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    store: Annotated[
        str, typer.Option(help="memory trains everything again; user or a path compares with what is stored.")
    ] = "memory",
) -> None:
    """Execute a recorded run again and compare every reward."""
    from nas_gym.traces import replay as replay_trace

    report = replay_trace(run, store=store)
    typer.echo(str(report))
    if not report.ok:
        raise typer.Exit(FAILED)


@app.command("list", epilog=LIST_EXAMPLE)
@polite
def list_parts() -> None:
    """List environments, search spaces with their sizes, tasks, tables, agents and rewards."""
    from nas_gym.cli.console import show_parts

    show_parts()


def main() -> None:
    """Run the command line; parts of one's own ("module:Class") are found in the current folder."""
    if "" not in sys.path:
        sys.path.insert(0, "")
    encodable(sys.stdout, sys.stderr)
    sys.exit(told(lambda: app(standalone_mode=False)))
