"""How a target of values is read: as numbers, beside the other columns of its table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nas_gym.errors import ConfigError
from nas_gym.tasks.reading.columns import missing_values
from nas_gym.tasks.reading.options import ReadingOptions
from nas_gym.tasks.reading.raw_table import RawTable, listed
from nas_gym.tasks.reading.refusals import check_values
from nas_gym.tasks.reading.rules import Reader


def read_values(
    table: RawTable, target: str, options: ReadingOptions
) -> tuple[np.ndarray, list[bool], list[str]]:
    """Return the numbers of a target column, which rows lack one, and what is to be said of them.

    They are read as those of a feature beside the other columns, which tell of decimal commas.

    Returns:
        Numbers, float64 (n,), those that are missing arbitrary; whether each is missing; notes.

    Raises:
        NASGymError: if all are missing, one is not a number, or they can be read in several ways.
    """
    if target in options.categorical - table.declared:
        raise ConfigError(
            f"column {target!r} is in categorical, and target_kind='values' predicts its numbers: leave it "
            "out of one of them"
        )
    cells = table.columns[target]
    lacking = [options.missing.among_numbers(cell) for cell in listed(cells)]
    if all(lacking):
        raise missing_values(target, lacking, "a target needs values")
    if not isinstance(cells, np.ndarray):
        check_values(target, cells, lacking)
    # Whatever a number looks like, the user says that it is one.
    numbers = replace(
        options,
        categorical=options.categorical - {target},
        numeric=options.numeric | {target},
        impute=True,
    )
    reader = Reader(table, numbers)
    column = reader.column(target)
    assert column is not None, "it has values"
    values = column.encode(cells, options.missing, table.source)
    return values[:, 0], lacking, reader.notes
