"""The command ``nas-gym replay``: a recorded run executed again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nas_gym._trust import trust as trust_modules
from nas_gym.cli import options
from nas_gym.cli.errors import FAILED, polite

REPLAY_EXAMPLE = "Example: `nas-gym replay tensorboard_logs/NAS-v0-mlp-mnist1d/q-learning/seed0`"


@polite
def replay(
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    store: Annotated[
        str, typer.Option(help="memory trains everything again; user or a path compares with what is stored.")
    ] = "memory",
    trust: options.Trust = None,
) -> None:
    """Execute a recorded run again and compare every reward."""
    trust_modules(*(trust or ()))
    from nas_gym.traces import replay as replay_trace

    report = replay_trace(run, store=store)
    typer.echo(str(report))
    if not report.ok:
        raise typer.Exit(FAILED)
