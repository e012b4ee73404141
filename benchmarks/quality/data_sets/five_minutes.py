"""From a file to a report and a saved network in five minutes on two cores: does it work on each data set?

    python benchmarks/quality/data_sets/five_minutes.py                            # about 100 minutes
    python benchmarks/quality/data_sets/five_minutes.py --minutes 0.3 --data wine --data digits
    python benchmarks/quality/data_sets/five_minutes.py --also homes.csv:price     # and files of your own

Tables of the 20 data sets are written as `.csv`, images and signals as `.npz`. Each is given to `nas-gym fit`
on the command line, which must end well and leave `network.pt` and `report.html`; `nas-gym predict` with this
network must then answer each row of the file. A line for each tells the seconds by the clock, from the start
of the process to its end.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from made import DATA_SETS, DataSet, load

TARGET = "y"
HEAD = f"{'data':<24}{'rows':>7}{'fit (s)':>9}{'predict (s)':>13}  outcome"


class Case(NamedTuple):
    """A file, and what is to be predicted of it."""

    name: str
    file: Path
    target: str | None


def main() -> int:
    options = _options()
    print(HEAD, flush=True)
    with tempfile.TemporaryDirectory() as place:
        works = [_tried(case, Path(place), options) for case in _cases(options, Path(place))]
    print(f"{sum(works)} of {len(works)} work")
    return 0 if all(works) else 1


def _cases(options: argparse.Namespace, place: Path) -> Iterator[Case]:
    """Yield the files, each written as it is reached."""
    for name in options.data or ([] if options.only_also else DATA_SETS):
        yield _written(name, load(name), place)
    for given in options.also:
        file, _, target = given.rpartition(":")
        yield Case(Path(file).name, Path(file), target)


def _written(name: str, found: DataSet, place: Path) -> Case:
    if np.ndim(found.x) > 2:
        file = place / f"{name}.npz"
        np.savez(file, x=found.x, y=found.y)
        return Case(name, file, None)
    file = place / f"{name}.csv"
    frame = pd.DataFrame(found.x).rename(
        columns=lambda column: column if isinstance(column, str) else f"x{column}"
    )
    frame.assign(**{TARGET: found.y}).to_csv(file, index=False)
    return Case(name, file, TARGET)


def _tried(case: Case, place: Path, options: argparse.Namespace) -> bool:
    """Fit and predict, print a line on it, and return whether it worked."""
    run, answers = place / "runs" / case.name, place / "answers.csv"
    named = [] if case.target is None else ["--target", case.target]
    given = [
        str(case.file),
        *named,
        "--minutes",
        str(options.minutes),
        "--out",
        str(run),
        "--store",
        "memory",
    ]
    fitted, trouble = _seconds(["fit", *given], options.cores)
    lacking = [name for name in ("network.pt", "report.html") if not (run / name).is_file()]
    if not trouble and lacking:
        trouble = f"left no {' and no '.join(lacking)}"
    predicted, rows = 0.0, 0
    if not trouble:
        command = ["predict", str(run / "network.pt"), str(case.file), "--out", str(answers)]
        predicted, trouble = _seconds(command, options.cores)
        rows = 0 if trouble else _rows(answers)
        answers.unlink(missing_ok=True)
    limit = 60 * options.minutes
    outcome = trouble or ("works" if fitted <= limit else f"works, {fitted - limit:.0f} s over its time")
    print(f"{case.name:<24}{rows:>7,}{fitted:>9.0f}{predicted:>13.1f}  {outcome}", flush=True)
    return not trouble and rows > 0


def _seconds(command: list[str], cores: int) -> tuple[float, str]:
    """Return how long a command of nas-gym took, and what went wrong, "" for nothing."""
    start = time.perf_counter()
    done = subprocess.run(  # noqa: S603 (our own command)
        [sys.executable, "-m", "nas_gym", *command],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=(lambda: _confine(cores)) if hasattr(os, "sched_setaffinity") else None,
    )
    last = (done.stderr.strip().splitlines() or ["nothing was said"])[-1]
    return time.perf_counter() - start, f"failed ({last})" if done.returncode else ""


def _confine(cores: int) -> None:
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])


def _rows(answers: Path) -> int:
    with answers.open(newline="", encoding="utf-8") as file:
        return sum(1 for _ in csv.reader(file)) - 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5, help="time of each fit")
    parser.add_argument("--cores", type=int, default=2, help="cores that each command may use, on Linux")
    parser.add_argument("--data", action="append", choices=DATA_SETS, help="only this data set; repeatable")
    parser.add_argument(
        "--also", action="append", default=[], metavar="FILE:TARGET", help="a file beside them; repeatable"
    )
    parser.add_argument("--only-also", action="store_true", help="leave the data sets out")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
