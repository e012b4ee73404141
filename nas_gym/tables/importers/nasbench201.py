"""NAS-Bench-201 (Dong and Yang 2020; Dong et al. 2021), from rows of its results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nas_gym.errors import DataError
from nas_gym.search_spaces import SearchSpace, make_search_space
from nas_gym.tables.importers.checks import PERCENT, fitting_space, shares
from nas_gym.tables.importers.csv_rows import Rows, read_rows
from nas_gym.tables.table import Table

NAME = "nasbench201"
SPACE = {"name": "cell", "channels": [16, 32, 64], "cells": 5}
SHORT, FULL = 12, 200
SIDES = {"imagenet16-120": 16}
"""Height and width of the images of a data set, where they are not 32."""
COLUMNS = (
    "architecture",
    "val_acc_12",
    "val_acc_200",
    "val_acc_200_by_seed",
    "test_acc_200",
    "train_seconds_200",
    "params",
    "flops_millions",
)
CITED = (
    "NAS-Bench-201 (Dong and Yang 2020), topology search space of NATS-Bench (Dong et al. 2021): validation "
    "accuracy on half of CIFAR-10's training images or on the validation split of the other data sets, test "
    "accuracy of the 200-epoch recipe, seconds of training alone"
)
ROUNDING = 0.01
"""By how many percent a mean may differ from that of the rounded seeds."""


def read_nasbench201(path: Path, task: str) -> Table:
    """Return the table of a file with `COLUMNS`; accuracies are percent, seeds are joined by semicolons.

    Rows may be in any order. The seeds of a file are numbered from 0.

    Raises:
        NASGymError: for the first flaw of the file.
    """
    rows = read_rows(path, COLUMNS)
    parameters = rows.numbers("params", "a number of parameters")
    order = rows.order(space_of(task, 10))
    space = fitting_space(lambda classes: space_of(task, classes), parameters, order, task)
    by_seed = _by_seed(rows)
    return nasbench201_table(
        space=space,
        task=task,
        seeds=tuple(range(by_seed.shape[1])),
        short=rows.numbers("val_acc_12", PERCENT, 0, 100)[order],
        full=by_seed[order],
        test=rows.numbers("test_acc_200", PERCENT, 0, 100)[order],
        seconds=rows.numbers("train_seconds_200", "seconds of at least 0")[order],
        parameters=parameters[order],
        megaflops=rows.numbers("flops_millions", "millions of operations")[order],
        about={"file": path.name},
    )


def space_of(task: str, classes: int) -> SearchSpace[Any]:
    """Return the search space of the benchmark for a data set."""
    side = SIDES.get(task.lower(), 32)
    return make_search_space(SPACE, (3, side, side), classes)


def nasbench201_table(
    *,
    space: SearchSpace[Any],
    task: str,
    seeds: Sequence[int],
    short: np.ndarray,
    full: np.ndarray,
    test: np.ndarray,
    seconds: np.ndarray,
    parameters: np.ndarray,
    megaflops: np.ndarray,
    about: Mapping[str, Any],
) -> Table:
    """Return the table of its numbers, all by index.

    Args:
        space: search space of the data set.
        task: its label.
        seeds: seeds of the columns of `full`.
        short: validation accuracy of the 12-epoch recipe in percent, (size,).
        full: that of the 200-epoch recipe, (size, seeds), NaN where a seed is missing.
        test: test accuracy of the 200-epoch recipe, a mean over seeds, (size,).
        seconds: seconds of the 200-epoch recipe.
        parameters: trainable ones.
        megaflops: millions of operations, a multiply-add counted as one.
        about: where the numbers are from.
    """
    validation = np.full((2, *full.shape), np.nan)
    validation[0, :, 0] = shares(short, "the validation accuracy of 12 epochs")
    validation[1] = shares(full, "the validation accuracy of 200 epochs")
    return Table(
        benchmark=NAME,
        task=task,
        search_space=space,
        fidelities=(SHORT, FULL),
        seeds={SHORT: (), FULL: tuple(seeds)},
        resumable=False,
        validation=validation,
        test=shares(test, "the test accuracy")[:, None],
        failed=np.zeros(full.shape, dtype=bool),
        seconds=seconds,
        parameters=parameters.astype(np.int64),
        flops=np.rint(megaflops * 2e6).astype(np.int64),
        about={
            "source": CITED,
            "fidelities_are": "recipes with a schedule each; the 12-epoch one costs 12/200 of the other",
            "test_is": "the mean over seeds",
            **about,
        },
    )


def _by_seed(rows: Rows) -> np.ndarray:
    """Return the accuracies of the seeds, NaN where a row has fewer, (rows, most seeds)."""
    lists = rows.lists("val_acc_200_by_seed", f"{PERCENT}, joined by semicolons", 0, 100)
    means = rows.numbers("val_acc_200", PERCENT, 0, 100)
    by_seed = np.full((len(lists), max(map(len, lists), default=1)), np.nan)
    for row, values in enumerate(lists):
        by_seed[row, : len(values)] = values
        if abs(np.mean(values) - means[row]) > ROUNDING:
            raise DataError(
                f"line {rows.lines[row]} of {rows.path} has {means[row]:g} as val_acc_200, its seeds have "
                f"the mean {np.mean(values):g}: mend or replace the file"
            )
    return by_seed
