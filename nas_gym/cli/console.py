"""What a person at a terminal sees: a search with its result, a comparison with its ranking, the parts."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas_agents.comparison.progress import bar, extent
from nas_agents.runs.run import Progress, RunSpec, experiment_folder, label, make_env, run
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from nas_agents.comparison.publish import Published
    from nas_agents.comparison.runner import Plan

    from nas_gym.envs import Budget

ABOUT_TEST = (
    "test accuracy, val.: of the chosen network, retrained 3 times: interquartile mean over runs, which "
    "ranks and is tested, [95% interval over more seeds, - where runs are too much alike]; "
    "*the best seen is optimistic"
)
ABOUT_REGRET = (
    "regret: of the chosen network, by all recorded seeds at full fidelity: mean over runs, which ranks and "
    "is tested, [95% interval over more seeds, - where runs are too much alike]; "
    "test: its mean test accuracy; opt.: runs that chose an optimum; "
    "to it: evaluations to the optimum, median over runs"
)


def search_and_show(
    agent: str | Mapping[str, Any],
    budget: Budget,
    seed: int,
    env_id: str,
    env: Mapping[str, Any],
    logdir: Path,
    name: str | None,
) -> Path:
    """Search under a progress bar, keep the chosen network, and print its accuracies and where it is.

    Returns:
        The folder of the run.
    """
    with closing(make_env(env_id, env)) as made:
        experiment = experiment_folder(logdir, made, name)
        selects_on_test = made.unwrapped.evaluator.selects_on_test  # type: ignore[attr-defined]
    folder = experiment / label(agent) / f"seed{seed}"
    spec = RunSpec(agent, budget, str(folder), seed, env_id, env)
    total, unit = extent(budget)
    with bar(Console(stderr=True)) as progress:
        shown = progress.add_task(label(agent), total=total, unit=unit, note="")

        def move(at: Progress) -> None:
            best = "" if at.best is None else f"best {at.best:.4f}"
            progress.update(shown, completed=min(at.done, total), note=best)

        result = run(spec, move, keep_network=True)
        move(Progress(total, result["accuracy"]))
    _show_result(result, folder, experiment, selects_on_test=selects_on_test)
    return folder


def compare_and_show(plan: Plan, command: str, *, by_access: bool = False) -> bool:
    """Compare under a progress bar and print rankings, verdicts and where the files are.

    Args:
        plan: what is compared.
        command: that makes the same comparison again.
        by_access: show the agents of each access alone, in place of all together.

    Returns:
        Whether every run finished.
    """
    from nas_agents.comparison.runner import execute, prepare, undisturbed

    errors, console = Console(stderr=True), _output()
    experiments = prepare(plan)
    with undisturbed(experiments):
        failures = execute(experiments, plan.jobs, errors)
        from nas_agents.comparison.publish import publish, publish_across

        published = [publish(plan, experiment, failures, command) for experiment in experiments]
        across = publish_across(plan, published)
    for each in published:
        _show_comparison(each, console, errors, by_access=by_access)
    if across is not None:
        console.print(f"over all tasks: {across / 'comparison.md'}", soft_wrap=True)
    _print(console, f"open TensorBoard: tensorboard --logdir {plan.logdir}")
    return not failures


def show_parts() -> None:
    """Print environments, search spaces with their sizes, tasks, tables, agents and rewards."""
    from nas_agents import AGENTS
    from nas_agents.describing import describe

    from nas_gym.envs import IDS, REWARDS
    from nas_gym.search_spaces import SEARCH_SPACES, make_search_space
    from nas_gym.tables import table_files
    from nas_gym.tasks import CLASSES, SHAPE, TASKS

    console = _output()
    sizes = {name: f"{make_search_space(name, SHAPE, CLASSES).size:,}" for name in SEARCH_SPACES}
    _show_table(console, "environments", [[name] for name in IDS])
    _show_table(
        console,
        f"search spaces, with their number of architectures for inputs of mnist1d {SHAPE}",
        [[name, size, _summary(SEARCH_SPACES[name])] for name, size in sizes.items()],
    )
    _show_table(console, "tasks", [[name, _summary(loader)] for name, loader in TASKS.items()])
    _show_table(console, "tables, see nas-gym benchmark list", [[name] for name in table_files()])
    described = {name: describe(name) for name in AGENTS}
    agents = [[name, about.access, _first_sentence(about.docstring)] for name, about in described.items()]
    _show_table(console, "agents, with their access: walk (only steps) or query (any architecture)", agents)
    _show_table(console, "rewards", [[name, _summary(reward)] for name, reward in REWARDS.items()])


def _show_result(result: Mapping[str, Any], folder: Path, experiment: Path, *, selects_on_test: bool) -> None:
    console = _output()
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
        f"  {_means(result, selects_on_test=selects_on_test)}{regret}",
        *failed,
        f"  accuracy that the search saw: {result['accuracy']:.4f} (optimistic)",
        f"{len(result['evaluations'])} distinct evaluations{_charged(result)} in {result['seconds']:.1f} "
        f"recorded seconds; the search ended by: {result['stopped']}",
        f"run folder: {folder}" + (" (with best.pt)" if has_network else ""),
        f"open TensorBoard: tensorboard --logdir {experiment}",
        f"ask why: nas-gym explain {folder}",
    ]
    for line in lines:
        _print(console, line)


def _charged(result: Mapping[str, Any]) -> str:
    """What a budget in evaluations was charged, where short trainings make it less than their number."""
    shares = result.get("shares") or [1.0]
    return f" charged as {sum(shares):.1f}" if min(shares) < 1 else ""


def _new_examples(result: Mapping[str, Any], *, has_network: bool, selects_on_test: bool) -> Iterator[str]:
    """The accuracy to quote with its interval for new examples, beside the best constant answer."""
    new, constant = result.get("on_new_examples"), result.get("constant_answer")
    if new is not None and not selects_on_test:
        seeds = new["seeds"]
        which = (
            f"mean of the {len(seeds)} recorded trainings"
            if len(seeds) > 1
            else f"{'best.pt, ' if has_network else ''}trained with seed {seeds[0]}"
        )
        yield (
            f"  right for {new['accuracy']:.4f} of {new['examples']:,} test examples, which nothing was "
            f"chosen by ({which}); 95% interval for new examples {new['low']:.4f} to {new['high']:.4f}"
        )
    if constant is not None:
        yield f"  always answering {constant['class_name']!r} is right for {constant['test']:.4f}"


def _means(result: Mapping[str, Any], *, selects_on_test: bool) -> str:
    """The mean accuracies of the trainings that score the choice."""
    seeds = [score["seed"] for score in result["final"]]
    scored = "recorded at full fidelity with" if "regret" in result else "retrained with fresh"
    how = f"{scored} seeds {', '.join(map(str, seeds))}"
    mean = " (means)" if len(seeds) > 1 else ""
    if selects_on_test:
        return (
            f"{how}: test accuracy {result['test_accuracy']:.4f}{mean}, optimistic since the search selected "
            "on it (no validation accuracy was published)"
        )
    return (
        f"{how}: validation accuracy {result['validation_accuracy']:.4f}, test accuracy "
        f"{result['test_accuracy']:.4f}{mean}"
    )


def _show_comparison(published: Published, console: Console, errors: Console, *, by_access: bool) -> None:
    from nas_agents.comparison.report import COUNTED, terminal_table

    for sentence in published.setting.missing:
        _print(errors, f"nas-gym: {sentence}")
    if published.setting.missing:
        _print(errors, f"nas-gym: {COUNTED[0].lower()}{COUNTED[1:]}")
    if published.comparison is None:
        _print(
            errors, f"nas-gym: fewer than 2 agents finished a run on {published.setting.task}: no comparison"
        )
        return
    comparison, setting = published.comparison, published.setting
    alone = comparison.by_access()
    for access, each in (alone if by_access else {None: comparison}).items():
        console.print(terminal_table(each, setting, access))
        _print(console, ABOUT_REGRET if comparison.has_regret else ABOUT_TEST)
        for sentence in each.verdict:
            _print(console, sentence)
    if by_access and not alone:
        _print(console, "no access has two agents and more beside another access: nothing is compared alone")
    for sentence in (*setting.cautions, *comparison.notes):
        _print(console, sentence)
    if alone and not by_access:
        _print(console, "walk and query agents answer different questions: --by-access shows each alone")
    _print(console, f"report, figures and numbers: {published.folder / 'comparison.md'}")


def _show_table(console: Console, title: str, rows: Sequence[Sequence[str]]) -> None:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 2))
    for row in rows:
        table.add_row(*row)
    console.print(title, style="bold", highlight=False)
    console.print(table)


def _summary(part: Any) -> str:
    """The first sentence of a part's documentation."""
    return _first_sentence(inspect.getdoc(part) or "")


def _first_sentence(docstring: str) -> str:
    text = " ".join(docstring.split("\n\n")[0].split())
    return re.split(r"\.\s+(?=[A-Z])", text)[0].rstrip(".").replace("`", "")


def _output() -> Console:
    """Standard output; wide where no terminal says how wide it is."""
    return Console() if sys.stdout.isatty() else Console(width=120)


def _print(console: Console, text: str) -> None:
    """Print a text as it is, unwrapped, so that paths and commands can be copied."""
    console.print(text, soft_wrap=True, markup=False, highlight=False)
