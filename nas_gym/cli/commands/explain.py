"""The command ``nas-gym explain``: what a person at a terminal sees of an explanation."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperCommand

from nas_gym._trust import trust as trust_modules
from nas_gym.cli import options
from nas_gym.cli.errors import FAILED, polite
from nas_gym.cli.progress import explanation_bar
from nas_gym.errors import ConfigError

EXPLAIN_EXAMPLE = """
Example: `nas-gym explain tensorboard_logs/NAS-v0-mlp-mnist1d/q-learning/seed0`

Two agents: `nas-gym explain runs/q-learning/seed0 runs/ppo/seed0`. A run that goes on: add `--every 20`

Keep a better network that explaining found: add `--adopt`; a smaller one as good: add `--adopt smaller`

All runs of a comparison: `nas-gym explain tensorboard_logs/NAS-v0-mlp-mnist1d`
"""
ADOPT, ADOPTED = "--adopt", ("better", "smaller")


class ExplainCommand(TyperCommand):
    """The command, whose option ``--adopt`` may stand without a value, then for the better network."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the value of ``--adopt`` where it was left out."""
        given = list[str]()
        for number, each in enumerate(args):
            given.append(each)
            after = args[number + 1] if number + 1 < len(args) else "-"
            # A word that is no folder is a value, if a wrong one.
            if each == ADOPT and (after.startswith("-") or (after not in ADOPTED and Path(after).exists())):
                given.append(ADOPTED[0])
        return super().parse_args(ctx, given)


@polite
def explain(
    run: Annotated[Path, typer.Argument(help="Folder of a run, also of one that goes on, or of several.")],
    other: Annotated[Path | None, typer.Argument(help="Folder of a run whose policy is compared.")] = None,
    every: Annotated[
        int | None, typer.Option(help="Explain again after so many evaluations, until the run ends.")
    ] = None,
    budget: Annotated[
        int | None, typer.Option(help="Evaluations beyond the run's that may be made; 0 for none.")
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(
            help="Limit by the clock: questions end with what they have by then; a first page is made anyway."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of every random draw.")] = 0,
    store: Annotated[
        str, typer.Option(help="Where further evaluations are kept: user, memory, a path, or a URL.")
    ] = "user",
    out: Annotated[
        Path | None, typer.Option(help="Folder of the report; by default that of the run.")
    ] = None,
    question: Annotated[
        list[str] | None,
        typer.Option(help="Question of your own that is answered, too, module:NAME; may be repeated."),
    ] = None,
    adopt: Annotated[
        str | None,
        typer.Option(
            metavar="[better|smaller]",
            help="Train and keep, as adopted.pt, the better network that explaining found, or a smaller one "
            "that is shown to lose less than one point; --adopt alone is --adopt better.",
        ),
    ] = None,
    trust: options.Trust = None,
) -> None:
    """Say why a search found what it found: a report, and the same in TensorBoard.

    What was found and how sure that is, which choices matter, which edits help, what the agent
    learned, what would change the result, and what the found network uses. Two folders: where the
    policies of two agents agree, where they part, and who was right. A folder that holds several
    runs of one space and task: what all of them say together, and how their agents differ.
    """
    trust_modules(*(trust or ()))
    check_options(1 if other is None else 2, every, budget, out, minutes, adopt)
    if question and other is not None:
        raise ConfigError("--question is asked of one run: pass one folder, not two")
    if question and run.is_dir() and not (run / "config.json").is_file():
        raise ConfigError(f"--question is asked of one run, and {run} is not one: pass the folder of a run")
    if other is None and out is None and run.is_dir() and not os.access(run, os.W_OK):
        raise ConfigError(f"the folder of the run, {run}, cannot be written: pass another with --out")
    register_questions(question or [])
    if every is not None:
        explain_live_and_show(run, every, budget=budget, seed=seed, store=store)
    elif adopt is None or budget is not None or minutes is not None or question or not _explained(run, out):
        explain_and_show(run, other, budget=budget, minutes=minutes, seed=seed, store=store, out=out)
    if adopt is not None:
        adopt_and_show(run, adopt, store=store, out=out)


def explain_and_show(
    run: Path,
    other: Path | None = None,
    *,
    budget: int | None = None,
    minutes: float | None = None,
    seed: int = 0,
    store: Any = "user",
    out: Path | None = None,
) -> None:
    """Explain a run, or compare two, and print the answer in short and where the report is."""
    from nas_gym import explain as room

    with explanation_bar(Console(stderr=True)) as move:
        explanation = room.explain(
            run, other, budget=budget, minutes=minutes, seed=seed, store=store, folder=out, on_progress=move
        )
    # All of it: a sentence that announces a list would else be printed without the list.
    for sentence in explanation.summary.answer:
        _print(sentence)
    _print(f"report: {explanation.report}")


def adopt_and_show(run: Path, what: Any, *, store: Any = "user", out: Path | None = None) -> None:
    """Train and keep a network that explaining found, and print what it is; without one exit with 1."""
    from nas_gym.explain import NothingToAdoptError
    from nas_gym.explain import adopt as adopt_network

    try:
        adopted = adopt_network(run, what, store=store, folder=out)
    except NothingToAdoptError as nothing:
        typer.echo(f"nas-gym: {nothing}", err=True)
        raise typer.Exit(FAILED) from None
    _print(str(adopted))
    for use, command in zip(("predict", "export"), adopted.commands, strict=True):
        _print(f"{use}: {command}")


def _explained(run: Path, out: Path | None) -> bool:
    from nas_gym.explain import is_explained

    return is_explained(run, out)


def explain_live_and_show(
    run: Path, every: int, *, budget: int | None = None, seed: int = 0, store: Any = "user"
) -> None:
    """Explain a run that goes on until it ends, with a line for each explanation."""
    from nas_gym.explain import Names, explain_live

    last = None
    for explained in explain_live(run, every, budget=budget, seed=seed, store=store):
        last = explained.explanation
        what = "the run has ended" if explained.over else "so far"
        _print(f"after {explained.evaluations} evaluations, {what}: {last.summary.answer[0]}")
    if last is not None:
        _print(f"report: {run / Names().html}")


def register_questions(paths: Sequence[str]) -> None:
    """Add questions of the user's own to the explanations of this process."""
    if paths:
        from nas_gym.explain import register_question

        for path in paths:
            register_question(path)


def check_options(
    runs: int,
    every: int | None,
    budget: int | None,
    out: Path | None,
    minutes: float | None = None,
    adopt: str | None = None,
) -> None:
    """Check that the options of the command fit together.

    Raises:
        NASGymError: if they do not.
    """
    if budget is not None and budget < 0:
        raise ConfigError(f"--budget must be 0 or more further evaluations, not {budget}")
    options.checked_minutes(minutes)
    if adopt is not None and adopt not in ADOPTED:
        raise ConfigError(f"--adopt takes better or smaller, not {adopt!r}")
    for option, given in (("--minutes", minutes), (ADOPT, adopt)):
        if given is not None and runs == 2:
            raise ConfigError(f"{option} is of one run: pass one folder, not two")
        if given is not None and every is not None:
            raise ConfigError(f"{option} is of a run that is explained once: leave it or --every out")
    if every is not None and runs == 2:
        raise ConfigError("--every explains one run while it goes on: pass one folder, not two")
    if every is not None and out is not None:
        raise ConfigError("--every writes into the folder of the run: leave --out away")
    if out is not None and out.exists() and not out.is_dir():
        raise ConfigError(f"--out {out} is a file: pass a folder")
    if out is not None and not os.access(
        next(at for at in (out, *out.absolute().parents) if at.exists()), os.W_OK
    ):
        raise ConfigError(f"--out {out} cannot be written: pass another folder")


def _print(text: str) -> None:
    """Print a sentence as it is, unwrapped, so that paths can be copied."""
    Console(soft_wrap=True, markup=False, highlight=False, emoji=False).print(
        text.replace("`", "").replace("**", "")
    )
