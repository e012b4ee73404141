"""The command ``nas-gym compare``: a comparison under a progress bar, and its ranking."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from nas_gym.cli import options
from nas_gym.cli.console import output, print_plain
from nas_gym.cli.errors import FAILED, polite
from nas_gym.cli.executor_options import Address, Executing, executor_of
from nas_gym.cli.option_groups import in_place_of
from nas_gym.cli.problem import Problem, problem_of
from nas_gym.cli.progress import comparison_bar
from nas_gym.cli.task_options import tasks_of
from nas_gym.errors import ConfigError

if TYPE_CHECKING:
    from nas_agents import Comparison, Plan

COMPARE_EXAMPLE = """
Example: `nas-gym compare --agents random,q-learning,tpe --seeds 10 --budget 40`

On a table, in a minute: `nas-gym compare --env NASTable-MLP-v0 --agents random,evolution --seeds 200`
"""
MEASURE = 3  # the column that ranks; only numbers stand to its right
ABOUT_TEST = (
    "test {metric}, val.: of the chosen network, retrained 3 times: interquartile mean over runs, which "
    "ranks and is tested, [95% interval over more seeds, - where runs are too much alike]; "
    "*the best seen is optimistic"
)
ABOUT_REGRET = (
    "regret: of the chosen network, by all recorded seeds at full fidelity: mean over runs, which ranks and "
    "is tested, [95% interval over more seeds, - where runs are too much alike]; "
    "test: its mean test {metric}; opt.: runs that chose an optimum; "
    "to it: evaluations to the optimum, median over runs"
)
ABOUT_FRONTS = (
    "share of HV: of the hypervolume of {reference}, of {objectives}, what the front of a run has, by "
    "validation {metric}: mean over runs, which ranks and is tested, [95% interval over more seeds, - where "
    "runs are too much alike]; goes by: the front, one objective or none; IGD+: distance from {reference}, "
    "median over runs"
)


@polite
@in_place_of("problem", problem_of)
def compare(
    *,
    agents: Annotated[
        str, typer.Option(help="Names with commas between, or a JSON list of names and of dicts.")
    ],
    task: Annotated[list[str] | None, typer.Option(help="Name, JSON, or path; may be repeated.")] = None,
    seeds: Annotated[int, typer.Option(help="Runs per agent and task.")] = 10,
    budget: options.EqualBudgetText = "40",
    minutes: Annotated[float | None, typer.Option(hidden=True)] = None,
    problem: Problem,
    jobs: Annotated[int | None, typer.Option(help="Processes; one per core by default.")] = None,
    executor: Executing = None,
    address: Address = None,
    trace: Annotated[
        bool | None,
        typer.Option("--trace/--no-trace", help="Record every run; by default all but those on a table."),
    ] = None,
    tensorboard: Annotated[
        str | None,
        typer.Option(
            help="all: each agent and each run; aggregate: each agent alone; none. By default runs that are "
            "recorded are shown if they are up to 200."
        ),
    ] = None,
    leave_one_out: Annotated[
        bool,
        typer.Option(
            "--leave-one-out",
            help="Agents that carry something learn for each task from the runs of the others.",
        ),
    ] = False,
    by_access: Annotated[
        bool,
        typer.Option(
            "--by-access", help="Show the agents of each access alone; the report always has both views."
        ),
    ] = False,
) -> None:
    """Compare agents at equal budget, with intervals and tests.

    Each agent searches once per seed. A run is scored by the test score of the network it chose
    (its accuracy on classes, its R² on values), retrained with 3 training seeds that no search
    used; on a table by its regret to the best network of the table. Of several objectives
    (--env NASMultiObjective-v0) a run is scored by the hypervolume of the front it found. An interrupted
    comparison goes on where it was when the same command is given again.
    """
    from nas_agents import Plan

    if minutes is not None:
        raise ConfigError(
            "compare takes no --minutes: agents are compared at equal budget, and the clock gives none; pass "
            "--budget 40 or, of recorded training time, --budget 5m"
        )
    plan = Plan(
        agents=options.agents_of(agents),
        seeds=seeds,
        budget=options.budget_of(budget),
        tasks=tasks_of(task or [], problem.target, problem.target_kind, problem.reading) or [None],
        env_id=problem.env_id,
        env=problem.environment,
        logdir=str(problem.logdir),
        name=problem.name,
        jobs=jobs,
        trace=trace,
        tensorboard=tensorboard,
        executor=executor_of(executor, address),
        leave_one_out=leave_one_out,
    )
    if not compare_and_show(plan, options.command_line(sys.argv), by_access=by_access):
        raise typer.Exit(FAILED)


def compare_and_show(plan: Plan, command: str, *, by_access: bool = False) -> bool:
    """Compare under a progress bar and print rankings, verdicts and where the files are.

    Args:
        plan: the comparison.
        command: command that makes the same comparison again.
        by_access: show the agents of each access alone, in place of all together.

    Returns:
        Whether every run finished.
    """
    from nas_agents import compare_tasks

    errors, console = Console(stderr=True), output()
    comparisons, across = compare_tasks(plan, command, comparison_bar(errors))
    for each in comparisons:
        show_comparison(each, console, errors, by_access=by_access)
    if across is not None:
        console.print(f"over all tasks: {across / 'comparison.md'}", soft_wrap=True)
    if plan.tensorboard != "none":
        print_plain(console, f"open TensorBoard: tensorboard --logdir {plan.logdir}")
    if plan.tensorboard is None and not plan.shows_runs:
        print_plain(
            console,
            f"it shows each agent as a whole, since {plan.runs:,} runs would hide it: --tensorboard all, "
            "given when a comparison starts, records and shows each",
        )
    return not any(each.missing for each in comparisons)


def terminal_table(comparison: Comparison, access: str | None = None) -> Table:
    """Return the ranking, narrow enough for 80 columns; of the agents of one access where it is named."""
    alone = "" if access is None else f"{access} agents alone: "
    table = Table(
        title=f"{alone}{comparison.setting.where}: {comparison.setting.effort}",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    heads, rows = comparison.ranking(access)
    for number, head in enumerate(heads):
        if head == "agent":
            # Of all columns only the agents' may be broken where the terminal is narrow.
            table.add_column(head, overflow="fold")
        else:
            table.add_column(head, justify="right" if number > MEASURE else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def _about(comparison: Comparison) -> str:
    """Return what the columns of a ranking are."""
    analysis = comparison.analysis
    assert analysis is not None
    fronts = analysis.fronts
    if fronts is None:
        return (ABOUT_REGRET if analysis.has_regret else ABOUT_TEST).format(metric=analysis.metric)
    names = ", ".join(fronts.objectives.names)
    return ABOUT_FRONTS.format(reference=fronts.reference_in_words, objectives=names, metric=analysis.metric)


def show_comparison(comparison: Comparison, console: Console, errors: Console, *, by_access: bool) -> None:
    """Print a ranking with its verdict, what has to be known beside it, and where the report is."""
    from nas_agents import COUNTED

    for sentence in comparison.missing:
        print_plain(errors, f"nas-gym: {sentence}")
    if comparison.missing:
        print_plain(errors, f"nas-gym: {COUNTED[0].lower()}{COUNTED[1:]}")
    if comparison.analysis is None:
        print_plain(
            errors, f"nas-gym: fewer than 2 agents finished a run on {comparison.setting.task}: no comparison"
        )
        return
    analysis, setting = comparison.analysis, comparison.setting
    alone = analysis.by_access()
    for access, each in (alone if by_access else {None: analysis}).items():
        console.print(terminal_table(comparison, access))
        print_plain(console, _about(comparison))
        for sentence in each.verdict:
            print_plain(console, sentence)
    if by_access and not alone:
        print_plain(
            console, "no access has two agents and more beside another access: nothing is compared alone"
        )
    for sentence in (*setting.cautions, *analysis.notes):
        print_plain(console, sentence)
    if alone and not by_access:
        print_plain(
            console, "agents of different access answer different questions: --by-access shows each alone"
        )
    print_plain(console, f"report, figures and numbers: {comparison.folder / 'comparison.md'}")
