"""Where the commands print, and how texts and tables are printed."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table


def output() -> Console:
    """Return standard output; wide where no terminal says how wide it is."""
    return Console() if sys.stdout.isatty() else Console(width=120)


def print_plain(console: Console, text: str) -> None:
    """Print a text as it is, unwrapped, so that paths and commands can be copied."""
    console.print(text, soft_wrap=True, markup=False, highlight=False)


def print_table(console: Console, title: str, rows: Sequence[Sequence[str]]) -> None:
    """Print rows of text below a title."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 2))
    for row in rows:
        table.add_row(*row)
    console.print(title, style="bold", highlight=False)
    console.print(table)
