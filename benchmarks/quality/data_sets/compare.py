"""How good `nas_gym.fit` is on 20 data sets, beside scikit-learn's methods in the same time.

    python benchmarks/quality/data_sets/compare.py --seconds 60                 # all of it, about eight hours
    python benchmarks/quality/data_sets/compare.py --seconds 20 --splits 2 --data wine --data digits
    python benchmarks/quality/data_sets/compare.py --report                   # the tables of what is finished

Every method learns from the same four fifths of the examples and is scored by the same last fifth, another
one in each split: `NASClassifier` and `NASRegressor`, which search as `nas_gym.fit` does, a random forest,
histogram gradient boosting, logistic or ridge regression and a perceptron of scikit-learn with their
defaults, and each of these after a random search by five folds that has as long. All compute with
`--threads` threads. Scores are accuracy, and R² where values are predicted.

Finished cells are kept as lines of JSON in `--out`; what is there is not repeated, so that a run that was
stopped goes on. `--label` keeps results of a changed `nas_gym.fit` beside the others, `--fit` passes options
to it. `--part 1/2` takes every second cell, so that two processes share the work. On a machine that others
use, too, `--processor` counts seconds of processor time in place of the clock's, for every method alike.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

sys.path.append(str(Path(__file__).parents[1]))  # what the folders of quality/ share
from run_records import append_record, read_records

OUT = Path("benchmarks_of_data_sets.jsonl")
TEST_SIZE = 0.2
OURS = "nas_gym.fit"


class Cell(NamedTuple):
    """One method on one split of one data set."""

    data: str
    split: int
    method: str
    seconds: float


def main() -> None:
    options = _options()
    if not options.report:
        for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            os.environ[variable] = str(options.threads)  # before NumPy's and torch's libraries are loaded
        if options.processor:
            time.monotonic = time.perf_counter = time.process_time
        _run(options)
    from report import report

    print(report(read_records(options.out), options.seconds, options.columns))


def cells(options: argparse.Namespace) -> Iterator[Cell]:
    """Yield all cells of a run, split by split, so that a part of them is a smaller benchmark."""
    from made import DATA_SETS
    from rivals import METHODS

    rivals = [f"{name}{kind}" for name in METHODS for kind in ("", " searched")]
    for split in range(options.first, options.first + options.splits):
        for data in options.data or DATA_SETS:
            for method in options.method or [options.label, *rivals]:
                yield Cell(data, split, method, options.seconds)


def _run(options: argparse.Namespace) -> None:
    done = {Cell(*(row[name] for name in Cell._fields)) for row in read_records(options.out)}
    part, parts = map(int, options.part.split("/"))
    left = [cell for number, cell in enumerate(cells(options)) if number % parts == part % parts]
    left = [cell for cell in left if cell not in done]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=len(left))
        for cell in left:
            bar.update(task, description=f"{cell.data}, split {cell.split}, {cell.method}")
            append_record(options.out, cell._asdict() | _measured(cell, options))
            bar.advance(task)


def _measured(cell: Cell, options: argparse.Namespace) -> dict[str, Any]:
    """Return the test score of a method and what it took."""
    from made import load
    from sklearn.metrics import accuracy_score, r2_score

    found = load(cell.data)
    x, y = found.x, found.y
    train, test = split_rows(y, cell.split)
    measure = r2_score if y.dtype.kind == "f" else accuracy_score
    start = time.perf_counter()
    if cell.method == options.label:
        predicted, about = _ours(x, y, test, cell, json.loads(options.fit))
    else:
        predicted, about = _rivals(x, y, train, test, cell)
    constant = y[train].mean() if y.dtype.kind == "f" else np.bincount(y[train]).argmax()
    return {
        "score": float(measure(y[test], predicted)),
        "constant": float(measure(y[test], np.full(len(test), constant))),
        "took": round(time.perf_counter() - start, 2),
        **about,
    }


def split_rows(y: np.ndarray, split: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of the rows to learn from and of the test rows, as `nas_gym.fit` divides them."""
    from nas_gym.tasks import Task

    numbers = np.arange(len(y), dtype=float)[:, None]
    kind = "values" if y.dtype.kind == "f" else "classes"
    task = Task.from_arrays(numbers, y, target_kind=kind, test_size=TEST_SIZE, split_seed=split)
    test = np.sort(np.round(task.x_test[:, 0] * task.scale[0] + task.mean[0]).astype(int))
    return np.setdiff1d(np.arange(len(y)), test), test


def _ours(
    x: Any, y: np.ndarray, test: np.ndarray, cell: Cell, given: dict[str, Any]
) -> tuple[np.ndarray, dict[str, Any]]:
    from nas_gym.estimators import NASClassifier, NASRegressor

    kind = NASRegressor if y.dtype.kind == "f" else NASClassifier
    made = kind(minutes=cell.seconds / 60, test_size=TEST_SIZE, random_state=cell.split, **given)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of columns of texts that are nearly numbers
        made.fit(x, y)
    predicted: np.ndarray = made.predict(x.iloc[test] if hasattr(x, "iloc") else x[test])
    return predicted, {"architecture": made.architecture_, "why": list(made.reasons_)}


def _rivals(
    x: Any, y: np.ndarray, train: np.ndarray, test: np.ndarray, cell: Cell
) -> tuple[np.ndarray, dict[str, Any]]:
    from rivals import as_frame, searched, with_defaults

    name = cell.method.removesuffix(" searched")
    fit = searched if cell.method.endswith(" searched") else with_defaults
    frame = as_frame(x)
    model = fit(name, frame.iloc[train], y[train], cell.seconds, cell.split)
    predicted: np.ndarray = model.predict(frame.iloc[test])
    return predicted, {}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="time of each search")
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="number of the first split")
    parser.add_argument("--data", action="append", help="only this data set; repeatable")
    parser.add_argument("--method", action="append", help="only this method; repeatable")
    parser.add_argument("--label", default=OURS, help=f"what the results of {OURS} are kept as")
    parser.add_argument("--fit", default="{}", help=f"further options of {OURS}, as JSON")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--processor", action="store_true", help="count processor time, with one thread")
    parser.add_argument("--part", default="1/1", help="every so manieth cell, as in 1/2 and 2/2")
    parser.add_argument("--out", type=Path, default=OUT, help="file of the finished cells")
    parser.add_argument("--report", action="store_true", help="only print the tables")
    parser.add_argument("--columns", action="append", help="methods of the tables; repeatable")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
