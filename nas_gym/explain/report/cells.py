"""The cells of a table as text, alike in every form of a report."""

from __future__ import annotations

from collections.abc import Sequence

from nas_gym.explain.section import Cell, Table

DECIMALS = 4
NOTHING = "\N{EN DASH}"


def texts_of(table: Table) -> list[list[str]]:
    """The rows as texts; the numbers of a column have as many decimals as the most precise needs."""
    columns = [_column([row[n] for row in table.rows]) for n in range(len(table.columns))]
    return [list(row) for row in zip(*columns, strict=True)]


def numeric_columns(table: Table) -> list[bool]:
    """For each column whether it holds numbers and nothing else, so that it is aligned to the right."""
    return [
        any(_is_number(row[n]) for row in table.rows)
        and all(row[n] is None or _is_number(row[n]) for row in table.rows)
        for n in range(len(table.columns))
    ]


def _column(cells: Sequence[Cell]) -> list[str]:
    floats = [cell for cell in cells if isinstance(cell, float)]
    decimals = max((_decimals(value) for value in floats), default=0)
    return [_text(cell, decimals) for cell in cells]


def _text(cell: Cell, decimals: int) -> str:
    if cell is None:
        return NOTHING
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return f"{cell:,.{decimals}f}".replace("-", "\N{MINUS SIGN}")
    if isinstance(cell, int):
        return f"{cell:,}".replace("-", "\N{MINUS SIGN}")
    return cell


def _decimals(value: float) -> int:
    """Decimals that show the value to about four digits, without zeros at the end."""
    size = abs(value)
    most = DECIMALS if size < 10 else 2 if size < 1000 else 0
    text = f"{value:.{most}f}"
    return len(text.rstrip("0").partition(".")[2])


def _is_number(cell: Cell) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool)
