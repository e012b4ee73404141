"""The command ``nas-gym predict``: what a saved network answers for the rows of a file."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nas_gym._trust import trust as trust_modules
from nas_gym.cli import options
from nas_gym.cli.errors import polite

if TYPE_CHECKING:
    from nas_gym.deploy import Predictions, SavedNetwork

PREDICT_EXAMPLE = """
Example: `nas-gym predict tensorboard_logs/NAS-v0-mlp-wine/tpe/seed0 new.csv --out answers.csv`
"""
SHOWN = 5  # classes that are counted in the line at the end


@polite
def predict(
    network: options.Network,
    file: Annotated[
        Path,
        typer.Argument(
            help="Rows: a table (.csv, .xlsx, ...), .npy or .npz; of images or signals a file, a folder or "
            "an archive."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="File for the rows with their answers, .csv or .tsv; - prints them.")
    ] = None,
    delimiter: Annotated[str | None, typer.Option(help="Delimiter of a table of text.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Encoding of a table of text.")] = None,
    sheet: Annotated[str | None, typer.Option(help="Sheet of a workbook.")] = None,
    trust: options.Trust = None,
) -> None:
    """Write what a network answers beside the rows of a file.

    Columns are found by name, in any order and beside others. A row that the network cannot answer is
    refused in one sentence, and nothing is written.
    """
    from nas_gym.deploy import predict_file

    trust_modules(*(trust or ()))
    saved = saved_network(network)
    found = predict_file(saved, file, delimiter=delimiter, encoding=encoding, sheet=sheet)
    if str(out) == "-":
        sys.stdout.write(found.text())
        return
    path = out or file.with_name(f"{file.stem}-predicted.csv")
    found.write(path)
    typer.echo(f"{path}: {len(found.rows):,} rows, {_summary(found, saved)}")


def saved_network(path: Path) -> SavedNetwork:
    """Return the network in a file, or the one of a run that is to be used."""
    from nas_gym.deploy import load_network

    return load_network(path)


def _summary(found: Predictions, saved: SavedNetwork) -> str:
    """Return how often each class was predicted, or the range of the values."""
    if not found.rows:
        return "so no answers"
    if saved.target.kind == "labels":
        given = (found.answers > 0.5).sum(axis=0).tolist()
        return _counted(Counter(dict(zip(saved.target.names, given, strict=True))), "labels")
    if saved.target.kind == "tokens":
        return f"as the first of them {found.labels[0]!r}"
    if not found.labels:
        low, high = found.answers.min(axis=0), found.answers.max(axis=0)
        ranges = zip(saved.target.names, low.tolist(), high.tolist(), strict=True)
        return ", ".join(f"{name} from {least:.6g} to {most:.6g}" for name, least, most in ranges)
    return _counted(Counter(found.labels), "classes")


def _counted(numbers: Counter[str], what: str) -> str:
    """Return the most frequent classes or labels and how many there are of each."""
    counts = numbers.most_common()
    more = f" and {len(counts) - SHOWN} more {what}" if len(counts) > SHOWN else ""
    return ", ".join(f"{count:,} {name}" for name, count in counts[:SHOWN]) + more
