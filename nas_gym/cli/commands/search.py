"""The command ``nas-gym search``: a search under a progress bar, and the network that it chose."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from nas_gym.cli import options
from nas_gym.cli.commands.explain import explain_and_show
from nas_gym.cli.console import output, print_plain
from nas_gym.cli.errors import polite
from nas_gym.cli.executor_options import Address, Executing, executor_of
from nas_gym.cli.option_groups import in_place_of
from nas_gym.cli.problem import Problem, problem_of
from nas_gym.cli.progress import search_bar
from nas_gym.cli.task_options import tasks_of
from nas_gym.errors import ConfigError

if TYPE_CHECKING:
    from nas_gym.envs import Budget
    from nas_gym.tasks import Target

SEARCH_EXAMPLE = """
Example: `nas-gym search --agent q-learning --budget 60 --set alpha=0.2`

Own data, for five minutes: `nas-gym search --agent tpe --task wine.csv --target quality --minutes 5`

Predict a number: `nas-gym search --agent tpe --task homes.csv --target price --target-kind values`
"""

DEFAULT_BUDGET = "100"


@polite
@in_place_of("problem", problem_of)
def search(
    *,
    agent: Annotated[
        str | None,
        typer.Option(
            help="Name of the agent, see `nas-gym list`; by default the best by our comparisons for the "
            "search space and the budget."
        ),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(help="Name, JSON, or the path of a file: a table (.csv, .xlsx, ...) or .npz."),
    ] = None,
    budget: options.BudgetText = None,
    minutes: options.Minutes = None,
    seed: Annotated[int, typer.Option(help="Seed of the agent.")] = 0,
    setting: Annotated[list[str] | None, typer.Option("--set", help="Hyperparameter, NAME=VALUE.")] = None,
    start: Annotated[
        Path | None,
        typer.Option(help="Policy that the search starts from, of `pretrained`; see `nas-gym pretrain`."),
    ] = None,
    executor: Executing = None,
    address: Address = None,
    problem: Problem,
    explained: Annotated[
        bool, typer.Option("--explain/--no-explain", help="Explain the search at its end.")
    ] = False,
) -> None:
    """Search with one agent, and keep the network it chooses.

    The chosen network is retrained with 3 training seeds that the search did not use; the weights
    of the first are saved as best.pt in the run's folder, beside the trace for TensorBoard.
    """
    if agent is None and (setting or start is not None):
        given = "--set" if setting else "--start"
        raise ConfigError(f"{given} is of an agent, and none is named: name it by --agent")
    environment = dict(problem.environment)
    if (where := executor_of(executor, address)) is not None:
        environment["executor"] = where
    for each in tasks_of(
        [] if task is None else [task], problem.target, problem.target_kind, problem.reading
    ):
        environment["task"] = each
    folder = search_and_show(
        None if agent is None else options.agent_of(agent, setting or []),
        options.limits_of(budget, minutes, DEFAULT_BUDGET),
        seed,
        problem.env_id,
        environment,
        problem.logdir,
        problem.name,
        start,
    )
    if explained:
        explain_and_show(folder, store=environment.get("store", "user"))


def search_and_show(
    agent: str | Mapping[str, Any] | None,
    budget: Budget,
    seed: int,
    env_id: str,
    env: Mapping[str, Any],
    logdir: Path,
    name: str | None,
    start: Path | None = None,
) -> Path:
    """Search under a progress bar, keep the chosen network, and print its scores and where it is.

    Without an agent it is that of `nas_agents.best_agent`, which is told.

    Returns:
        The folder of the run.
    """
    from nas_agents import RunSpec, experiment_folder, label, make_env, run

    with closing(make_env(env_id, env)) as made:
        experiment = experiment_folder(logdir, made, name)
        unwrapped: Any = made.unwrapped
        target, selects_on_test = unwrapped.task.target, unwrapped.evaluator.selects_on_test
        if agent is None:
            agent = _best_agent(unwrapped, budget)
    folder = experiment / label(agent) / f"seed{seed}"
    spec = RunSpec(agent, budget, str(folder), seed, env_id, env, start=None if start is None else str(start))
    with search_bar(Console(stderr=True), label(agent), budget) as move:
        result = run(spec, move, keep_network=True)
    _show_result(result, target, folder, experiment, selects_on_test=selects_on_test)
    return folder


def _best_agent(env: Any, budget: Budget) -> str:
    """Return the name of the agent for an environment and a budget, and tell it with the reason."""
    from nas_agents import best_agent

    from nas_gym.envs import budget_words

    limits: Mapping[str, float] = budget if isinstance(budget, Mapping) else {"evaluations": budget}
    space = env.search_space.name
    found = best_agent(
        space,
        limits.get("evaluations"),
        seconds=60 * limits["minutes"] if "minutes" in limits else None,
        size=env.search_space.size,
        objectives=1 if env.objectives is None else len(env.objectives),
    )
    print_plain(
        Console(stderr=True),
        f"agent {found.name}: {found.why} (space {space}, {budget_words(budget)}; --agent names another)",
    )
    return found.name


def _show_result(
    result: Mapping[str, Any], target: Target, folder: Path, experiment: Path, *, selects_on_test: bool
) -> None:
    console = output()
    failed = [
        f"  training failed with seed {each['seed']}: {each['error']}"
        for each in result["final"]
        if each["error"]
    ]
    known = "regret" in result
    regret = f", regret {result['regret']:.4f} to the optimum {result['optimum']:.4f}" if known else ""
    has_network = (folder / "best.pt").exists()
    lines = [
        f"chosen network: {result['architecture']}",
        *_new_examples(result, has_network=has_network, selects_on_test=selects_on_test),
        *_guessing(result, target),
        f"  {_means(result, target, selects_on_test=selects_on_test)}{regret}",
        *_other_metrics(result, target),
        *failed,
        f"  {target.metric.label} that the search saw: {result['score']:.4f} (optimistic)",
        f"{_evaluations(result)} in {result['seconds']:.1f} recorded seconds; {_end(result)}",
        *([f"it started from {result['started_from']}"] if result.get("started_from") else []),
        f"run folder: {folder}" + (" (with best.pt)" if has_network else ""),
        f"open TensorBoard: tensorboard --logdir {experiment}",
        f"ask why: nas-gym explain {folder}",
    ]
    for line in lines:
        print_plain(console, line)


def _end(result: Mapping[str, Any]) -> str:
    """Return why the search ended, and that it cannot be repeated where the clock is the reason."""
    note = result.get("note", "")
    if result["stopped"] == "minutes":
        return str(note)
    return f"the search ended by: {result['stopped']}" + (f"; {note}" if note else "")


def _evaluations(result: Mapping[str, Any]) -> str:
    """Return how many evaluations there were, and what the budget was charged where that differs."""
    count, shares = len(result["evaluations"]), result.get("shares") or [1.0]
    found = f"{count} distinct evaluation{'s' * (count != 1)}"
    if min(shares) < 1:
        return f"{found} charged as {sum(shares):.1f}"
    if max(shares) > 1:
        return f"{found}, and {sum(shares) - count:.1f} that paid for weights that networks share,"
    return found


def _new_examples(result: Mapping[str, Any], *, has_network: bool, selects_on_test: bool) -> Iterator[str]:
    """Return the share of new examples to quote, with its interval, of a score that is such a share."""
    new = result.get("on_new_examples")
    if new is not None and not selects_on_test:
        seeds = new["seeds"]
        which = (
            f"mean of the {len(seeds)} recorded trainings"
            if len(seeds) > 1
            else f"{'best.pt, ' if has_network else ''}trained with seed {seeds[0]}"
        )
        yield (
            f"  right for {new['score']:.4f} of {new['examples']:,} test examples, which nothing was "
            f"chosen by ({which}); 95% interval for new examples {new['low']:.4f} to {new['high']:.4f}"
        )


def _guessing(result: Mapping[str, Any], target: Target) -> Iterator[str]:
    """Return what the best constant answer scores."""
    constant = result.get("constant_answer")
    if constant is None:
        return
    if target.metric.share_of_examples:
        yield f"  always answering {constant['answer']!r} is right for {constant['test']:.4f}"
    else:
        label, answer = target.metric.label, constant["answer"]
        yield f"  {target.without(answer)} has a test {label} of {constant['test']:.4f}"


def _means(result: Mapping[str, Any], target: Target, *, selects_on_test: bool) -> str:
    """Return the mean scores of the trainings that score the choice."""
    metric = target.metric.label
    seeds = [score["seed"] for score in result["final"]]
    scored = "recorded at full fidelity with" if "regret" in result else "retrained with fresh"
    how = f"{scored} seeds {', '.join(map(str, seeds))}"
    mean = " (means)" if len(seeds) > 1 else ""
    if selects_on_test:
        return (
            f"{how}: test {metric} {result['test_score']:.4f}{mean}, optimistic since the search selected "
            f"on it (no validation {metric} was published)"
        )
    return (
        f"{how}: validation {metric} {result['validation_score']:.4f}, test {metric} "
        f"{result['test_score']:.4f}{mean}"
    )


def _other_metrics(result: Mapping[str, Any], target: Target) -> Iterator[str]:
    """Return the means of what a target measures beside its score, on the test examples."""
    from nas_gym.tasks import DECODED

    measured = [each["metrics"] for each in result["final"] if not each["error"]]
    named = [
        f"test {metric.label} {_rounded(fmean(each[metric.name] for each in measured))}"
        for metric in target.others
        if measured and all(metric.name in each for each in measured)
    ]
    named += [
        f"test {label} {_rounded(fmean(each[name] for each in measured))}"
        for name, label in DECODED.items()
        if measured and all(name in each for each in measured)
    ]
    if named:
        yield f"  {', '.join(named)}{' (means)' if len(measured) > 1 else ''}"


def _rounded(number: float) -> str:
    """Return a number with four significant digits or more, without an exponent."""
    places = 3 - (math.floor(math.log10(abs(number))) if number else 0)
    return f"{number:,.{max(0, places)}f}"
