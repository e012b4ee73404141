"""What is done to each column of a table before a network sees it, as a table of a report."""

from __future__ import annotations

from nas_gym.explain.section import Table
from nas_gym.tasks import CategoryColumn, DateColumn, NumberColumn, TableEncoder

SHOWN = 5
"""Categories of a column that are named."""


def column_table(encoder: TableEncoder) -> Table:
    """Return a row for each column: what it is read as, its features, and what a missing cell becomes."""
    rows = tuple(
        (column.name, _read_as(column), len(column.feature_names), _missing(column))
        for column in encoder.columns
    )
    caption = (
        "What is done to each column. All features are then scaled by the mean and the standard deviation of "
        "the training part."
    )
    return Table("columns", caption, ("column", "read as", "features", "a missing cell"), rows)


def _read_as(column: NumberColumn | CategoryColumn | DateColumn) -> str:
    if isinstance(column, CategoryColumn):
        named = ", ".join(column.texts[:SHOWN])
        more = f" and {len(column.texts) - SHOWN:,} more" if len(column.texts) > SHOWN else ""
        return f"{len(column.texts):,} categories: {named}{more}"
    if not isinstance(column, NumberColumn):
        return f"a date: {', '.join(column.parts)}"
    if column.truth:
        return "true or false, as 1 and 0"
    form = column.form
    said = [
        *(["a decimal comma"] if form.decimal == "," else []),
        *([f"thousands apart by {form.thousands!r}"] if form.thousands else []),
        *([f"the unit {form.unit}"] if form.unit else []),
    ]
    return "a number" + (f" with {' and '.join(said)}" if said else "")


def _missing(column: NumberColumn | CategoryColumn | DateColumn) -> str:
    if isinstance(column, CategoryColumn):
        return "one more category" if column.gaps else "is refused"
    if column.fills is None:
        return "is refused"
    filled = ", ".join(f"{fill:.4g}" for fill in column.fills)
    return f"becomes {filled}" + (", and is flagged" if column.flagged else "")
