"""NAS-Bench-Macro (Su et al. 2021), from rows of its results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nas_gym.search_spaces import SearchSpace, make_search_space
from nas_gym.tables.importers.checks import PERCENT, fitting_space, shares
from nas_gym.tables.importers.csv_rows import read_rows
from nas_gym.tables.table import Table

NAME = "nasbench_macro"
EPOCHS, EXAMPLES, RUNS = 50, 50_000, 3
RATE = 1e10
"""Floating-point operations a second of the clock, since the time of training was not published."""
COLUMNS = ("architecture", *(f"test_acc_{run}" for run in range(RUNS)), "params", "flops")
ABOUT = {
    "source": "NAS-Bench-Macro (Su et al. 2021): 3 runs of 50 epochs on all training images of CIFAR-10",
    "validation_is": (
        "the published TEST accuracy, the highest of any epoch of a run: no validation accuracy was "
        "published, so the same numbers serve as both, and a search selects on what it is scored by"
    ),
    "networks": "3,969 were trained; chains that differ by an identity's place in a stage share a result",
    "seconds_are": f"training FLOPs (3 x forward, {EXAMPLES:,} images an epoch) over {RATE:.0e} a second",
}


def read_nasbench_macro(path: Path, task: str) -> Table:
    """Return the table of a file with `COLUMNS`; accuracies are percent.

    Rows may be in any order. The runs are the seeds 0, 1 and 2.

    Raises:
        NASGymError: for the first flaw of the file.
    """
    rows = read_rows(path, COLUMNS)
    parameters = rows.numbers("params", "a number of parameters")
    order = rows.order(_space(10))
    space = fitting_space(_space, parameters, order, task)
    runs = np.stack([rows.numbers(f"test_acc_{run}", PERCENT, 0, 100) for run in range(RUNS)], axis=1)
    scores = shares(runs[order], "the test accuracy")
    flops = 2 * rows.numbers("flops", "a number of operations")[order]
    return Table(
        benchmark=NAME,
        task=task,
        search_space=space,
        fidelities=(EPOCHS,),
        seeds={EPOCHS: tuple(range(RUNS))},
        resumable=False,
        validation=scores[None],
        test=scores,
        failed=np.zeros(scores.shape, dtype=bool),
        seconds=3 * flops * EXAMPLES * EPOCHS / RATE,
        parameters=parameters[order].astype(np.int64),
        flops=flops.astype(np.int64),
        selects_on_test=True,
        about=ABOUT | {"file": path.name},
    )


def _space(classes: int) -> SearchSpace[Any]:
    return make_search_space("macro", (3, 32, 32), classes)
