"""The command ``nas-gym pretrain``: train the policy that the agent ``pretrained`` searches by."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from nas_gym.cli.console import output, print_plain
from nas_gym.cli.errors import polite
from nas_gym.cli.progress import pretraining_bar
from nas_gym.errors import ConfigError

PRETRAIN_EXAMPLE = """
Example: `nas-gym pretrain --out policy.npz`, then `nas-gym search --agent pretrained --start policy.npz`

On your own runs: `nas-gym pretrain --from tensorboard_logs --out mine.npz`
"""


@polite
def pretrain(
    *,
    out: Annotated[Path, typer.Option(help="Weights to write; where they come from is written beside.")],
    runs: Annotated[
        list[Path] | None,
        typer.Option("--from", help="Folder of finished runs: train the policy further on what they saw."),
    ] = None,
    start: Annotated[
        Path | None, typer.Option(help="With --from: the policy to train further; default the package's.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of all draws.", min=0)] = 0,
    rounds: Annotated[int | None, typer.Option(help="Rounds of searches and fitting.", min=1)] = None,
    searches: Annotated[int | None, typer.Option(help="Searches of a round.", min=1)] = None,
    graph: Annotated[bool, typer.Option(help="Read the graphs of networks by message passing, too.")] = True,
    reinforce: Annotated[
        int, typer.Option(help="Updates by reinforcement that follow the imitation.", min=0)
    ] = 0,
    work: Annotated[
        Path | None, typer.Option(help="Folder of an unfinished training; default beside the weights.")
    ] = None,
) -> None:
    """Train the policy of the agent `pretrained`, on synthetic landscapes or further on your own runs.

    No published benchmark and no table is read. An interrupted training goes on when the command is run
    again; after each round it is kept, and after each update of a reinforcement.
    """
    if out.suffix != ".npz":
        raise ConfigError(f"weights are written to a .npz file, not {out}")
    if start is not None and not runs:
        raise ConfigError("--start is the policy that --from trains further: pass --from, or leave it out")
    if reinforce and runs:
        raise ConfigError("--reinforce is of a training on synthetic landscapes: leave it or --from out")
    options = {"seed": seed, "rounds": rounds, "searches": searches}
    given = {name: value for name, value in options.items() if value is not None}
    folders = [str(path) for path in runs or []]
    words = [f"--{name}={value}" for name, value in given.items()]
    words += [f"--from={path}" for path in folders] + ([f"--start={start}"] if start else [])
    words += ([] if graph else ["--no-graph"]) + ([f"--reinforce={reinforce}"] if reinforce else [])
    command = shlex.join(["nas-gym", "pretrain", f"--out={out.name}", *words])
    from nas_agents import pretrain_policy

    with pretraining_bar(Console(stderr=True)) as move:
        digest = pretrain_policy(
            out,
            given if graph else {**given, "graph": False},
            command,
            runs=[Path(each) for each in folders],
            reinforce=reinforce,
            start=start,
            work=work or out.with_suffix(".training"),
            report=move,
        )
    console = output()
    print_plain(console, f"weights: {out} (SHA-256 {digest[:16]}), from where: {out.with_suffix('.json')}")
    print_plain(console, f"search by them: nas-gym search --agent pretrained --start {out}")
