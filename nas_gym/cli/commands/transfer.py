"""The command ``nas-gym transfer``: how well architectures found on one task do on others."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as Grid

from nas_gym.cli import options
from nas_gym.cli.console import output, print_plain
from nas_gym.cli.errors import polite
from nas_gym.cli.progress import ranking_bar
from nas_gym.cli.task_options import tasks_of
from nas_gym.errors import ConfigError

if TYPE_CHECKING:
    from nas_gym.explain import Interval, Retrained, Transfer

TRANSFER_EXAMPLE = """
Example: `nas-gym transfer --task breast_cancer --task diabetes --task friedman --architectures 40`

Images, with a small space: `nas-gym transfer --task digits --task scene_digits --search-space conv`
"""
ABOUT_AGREEMENT = (
    "tau: Kendall's tau-b, rho: Spearman's correlation, both of single trainings, [95% interval over "
    "architectures]; a task with itself: two trainings with other seeds, which is what noise leaves"
)
ABOUT_AGAIN = (
    "the best of the sample by validation score, trained again with {count} further seeds; test: mean test "
    "score; regret: how far it is below the task's own best, [95% interval over training seeds]; place: "
    "share of the sample that is at least as good there, by validation score"
)


@polite
def transfer(
    task: Annotated[
        list[str] | None, typer.Option(help="Name, JSON, or path; to be repeated, at least twice.")
    ] = None,
    search_space: options.Space = "mlp",
    target: options.Target = None,
    architectures: Annotated[
        int, typer.Option(help="Architectures to compare, drawn at random from those that fit every task.")
    ] = 60,
    retrainings: Annotated[
        int,
        typer.Option(help="Training seeds of the best network of each task on every task; 0 to rank alone."),
    ] = 3,
    recipe: options.Recipe = None,
    train_seeds: Annotated[
        str, typer.Option(help="Training seeds of each architecture, at least two to see the noise.")
    ] = "0,1",
    evaluator: options.Evaluating = None,
    draw: Annotated[int, typer.Option(help="Seed of the draw of architectures.", min=0)] = 0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all numbers here.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, ...")] = "auto",
    store: options.Store = None,
) -> None:
    """Measure how well architectures found on one task do on others of the same kind of input.

    A sample of one search space is trained on every task: how alike do the tasks rank it? Then the best
    network of each task is trained again on every other one, and compared with that task's own best. An
    interrupted measurement goes on where it was when the same command is given again.
    """
    from nas_gym.explain import measure_transfer
    from nas_gym.tasks import make_task

    space = options.name_or_json("--search-space", "mlp" if search_space is None else search_space)
    evaluating = _evaluator(evaluator, recipe, train_seeds)
    tasks = [make_task(each) for each in tasks_of(task or [], target)]
    with ranking_bar(Console(stderr=True)) as move:
        found = measure_transfer(
            space,
            tasks,
            evaluator=evaluating,
            architectures=architectures,
            retrainings=retrainings,
            draw=draw,
            device=device,
            store="user" if store is None else store,
            progress=move,
        )
    _show(found)
    if json_file is not None:
        from nas_gym.common import write_text

        write_text(json_file, json.dumps(found.as_dict(), indent=1) + "\n")


def _evaluator(text: str | None, recipe: str | None, seeds: str) -> Any:
    if text is None:
        trained = {} if recipe is None else {"recipe": options.recipe_of(recipe)}
        return {"name": "train", "seeds": options.seeds_of(seeds), **trained}
    if recipe is not None:
        raise ConfigError("--evaluator says how to train, too: put --recipe into its JSON")
    asked = options.name_or_json("--evaluator", text)
    named = {"name": asked} if isinstance(asked, str) else asked
    if not isinstance(named, dict):
        raise ConfigError(
            f"--evaluator must be a name or a JSON object with a name, not {options.shown(text)}"
        )
    return {"seeds": options.seeds_of(seeds), **named}


def _show(found: Transfer) -> None:
    console = output()
    space = found.search_space["name"]
    print_plain(
        console,
        f"{len(found.architectures):,} of {found.size:,} architectures of the {space} space, trained with "
        f"seeds {', '.join(map(str, found.seeds))} on each of {len(found.tasks)} tasks",
    )
    grid = _grid("task", "with", "tau", "rho")
    for each in found.agreements:
        other = "itself" if each.one == each.other else each.other
        grid.add_row(each.one, other, _interval(each.tau), _interval(each.rho))
    console.print(grid)
    print_plain(console, ABOUT_AGREEMENT)
    if found.retrained:
        _show_retrained(found, console)
    scored = ", ".join(f"{task} by {metric}" for task, metric in found.metrics.items())
    print_plain(console, f"scores: {scored}")


def _show_retrained(found: Transfer, console: Console) -> None:
    grid = _grid("trained on", "found on", "test", "regret", "place")
    own_best = {row.trained_on: row.architecture for row in found.retrained if _is_own(row)}
    for row in found.retrained:
        same = row.architecture == own_best[row.trained_on]
        regret = "the same network" if same else _interval(row.regret, 3)
        grid.add_row(
            row.trained_on,
            "itself" if _is_own(row) else row.found_on,
            f"{row.score:.3f}",
            "" if _is_own(row) else regret,
            f"{row.place:.0%}",
        )
    console.print(grid)
    print_plain(console, ABOUT_AGAIN.format(count=len(found.retrained[0].scores)))


def _is_own(row: Retrained) -> bool:
    return row.found_on == row.trained_on


def _grid(*heads: str) -> Grid:
    grid = Grid(box=SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    for number, head in enumerate(heads):
        grid.add_column(head, overflow="fold") if number < 2 else grid.add_column(head, no_wrap=True)
    return grid


def _interval(interval: Interval, digits: int = 2) -> str:
    """Return a number with its interval: ``".53 [.41, .62]"``; "-" where there is none."""
    if math.isnan(interval.value):
        return "-"
    text = f"{interval.value:.{digits}f}"
    return (
        text
        if math.isnan(interval.low)
        else f"{text} [{interval.low:.{digits}f}, {interval.high:.{digits}f}]"
    )
