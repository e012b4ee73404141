"""The command ``nas-gym export``: a saved network in the format of another program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from nas_gym._trust import trust as trust_modules
from nas_gym.cli import options
from nas_gym.cli.commands.predict import saved_network
from nas_gym.cli.errors import polite

EXPORT_EXAMPLE = """
Example: `nas-gym export tensorboard_logs/NAS-v0-mlp-wine/tpe/seed0 --to onnx --out wine.onnx`
"""
ROWS = 64  # that are checked

DECODING = (
    "It answers each position with the right answer so far in view: to translate, give it the source with "
    "<start> behind it, and its own likeliest answer at each position before the next one."
)


@polite
def export(
    network: options.Network,
    to: Annotated[
        str, typer.Option(help="Format: onnx, torch, tensorflow, tflite, or python (a folder of plain code).")
    ],
    out: Annotated[
        Path | None, typer.Option(help="File or folder; by default beside the network's file.")
    ] = None,
    rows: Annotated[
        Path | None, typer.Option(help="File of rows to check with; by default test examples of the run.")
    ] = None,
    trust: options.Trust = None,
) -> None:
    """Write a network for another program, and check that it answers there as here.

    Raw examples go in and answers come out: the preparation of the data is part of what is written.
    """
    from nas_gym.deploy import export_network

    trust_modules(*(trust or ()))
    saved = saved_network(network)
    folder = network if network.is_dir() else network.parent
    checked: Any = rows if rows is not None else _test_rows(folder)
    which = f"rows of {rows.name}" if rows is not None else "test examples of the run"
    if checked is None:
        which = "examples drawn like those in training, since the data of the run cannot be had"
    path = out if out is not None else _beside(network, to)
    done = export_network(saved, to, path, rows=checked)
    typer.echo(f"{done}; checked with {which}")
    if saved.decodes:
        typer.echo(DECODING)


def _beside(network: Path, to: str) -> Path:
    """Return the usual path of an export: the stem of the network's file in its folder."""
    from nas_gym.deploy import network_file, suffix_of

    file, suffix = network_file(network), suffix_of(to)
    return file.with_name(f"{file.stem}{suffix}" if suffix else f"{file.stem}-{to}")


def _test_rows(folder: Path) -> Any:
    """Return raw test examples of the run that a network lies in; None where its data cannot be had."""
    from nas_gym.errors import NASGymError

    try:
        from nas_gym.traces import RunFolder, rebuild

        run = RunFolder(folder)
        unwrapped: Any = rebuild(run.config(), folder=run).unwrapped
    except (NASGymError, OSError, ModuleNotFoundError):  # the last in a light install, which only predicts
        return None
    task = unwrapped.task
    return task.x_test[:ROWS].astype(float) * task.scale + task.mean
