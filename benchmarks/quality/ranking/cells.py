"""Proxies on NAS-Bench-201 with CIFAR-10 images, beside the correlations that others published.

    python benchmarks/quality/ranking/cells.py --cells 1000 --proxies nwot,synflow
    python benchmarks/quality/ranking/cells.py --cells 1000                   # those of `AFFORDABLE`
    python benchmarks/quality/ranking/cells.py --cells 300 --proxies grasp    # adds one to the records
    python benchmarks/quality/ranking/cells.py --report                       # prints what there is

Each cell's values are a line of ``--records``, so that a run which was stopped goes on. Cells come in a
random order, the same in every call: the first n of it are a random sample. All cells share the batch and
the seed of the weights. What ranks the cells in truth is their mean validation accuracy after 200 epochs.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from proxies import SHARED, shown_interval

from nas_gym.evaluators import POOL_PROXIES, PROXIES, ProxyMeter, az_nas_ranks
from nas_gym.explain import Interval, over_networks
from nas_gym.tables import Table, read_nasbench201
from nas_gym.tasks import Task

sys.path.append(str(Path(__file__).parents[1]))  # what the folders of quality/ share
from cifar10_images import read_images
from run_records import append_record, read_records

IMAGES = 40
"""Images of each class that batches of CIFAR-10 are drawn from."""
AFFORDABLE = [name for name in PROXIES if name != "grasp"]
VIEWS = ("az_expressivity", "az_progressivity", "az_trainability", "az_complexity")
SHOWN = {"tau": "tau", "rho": "rho", "tau_top_tenth": "tau, top tenth", "partial_rho": "rho, params fixed"}
PUBLISHED_TAU = {
    "params": 0.578,
    "flops": 0.578,
    "grad_norm": 0.357,
    "grasp": 0.318,
    "snip": 0.454,
    "synflow": 0.571,
    "nwot": 0.557,
    "zen": 0.296,
    "zico": 0.589,
    "az_nas": 0.741,
}
"""Tau-b with the test accuracy over all 15,625 cells: Lee and Ham 2024, AZ-NAS, table 1."""
PUBLISHED_RHO = {
    "params": 0.72,
    "flops": 0.69,
    "plain": -0.26,
    "snip": 0.58,
    "grasp": 0.51,
    "fisher": 0.50,
    "grad_norm": 0.58,
    "l2_norm": 0.68,
    "jacov": 0.75,
    "nwot": 0.77,
    "epe_nas": 0.70,
    "synflow": 0.73,
    "zen": 0.35,
}
"""Spearman's correlation with the validation accuracy over 1,000 cells: Krishnakumar et al. 2022,
NAS-Bench-Suite-Zero, figure 2."""

Values = dict[int, dict[str, float]]


def main() -> None:
    options = _options()
    table = read_nasbench201(options.data / "nasbench201_cifar10.csv.gz", "cifar10")
    setting = {"batch": options.batch, "seed": options.seed}
    known = read_values(options.records, setting)
    if not options.report:
        names = options.proxies.split(",") if options.proxies else AFFORDABLE
        torch.set_num_threads(1)
        wanted = np.random.default_rng(0).permutation(table.size)[: options.cells].tolist()
        todo = [cell for cell in wanted if not set(names) <= set(known.get(cell, ()))]
        if todo:
            measure(table, todo, names, options, setting)
        known = read_values(options.records, setting)
    print(report(table, known))


def measure(
    table: Table, cells: Iterable[int], names: Sequence[str], options: argparse.Namespace, setting: Any
) -> None:
    """Append a line with the values of each cell to the records."""
    task = batch_task(options.data / "cifar10_jpg.tar.xz")
    meter = ProxyMeter(table.search_space, task, "cpu", batch=options.batch)
    meter.check(names)
    for cell in cells:
        start = time.process_time()
        found = meter.measure(table.search_space.architecture(cell), names, options.seed)
        values = {name: _finite(each.value) for name, each in found.items()}
        seconds = round(time.process_time() - start, 4)
        append_record(options.records, {"cell": cell, **setting, "seconds": seconds, "values": values})


def batch_task(archive: Path) -> Task:
    """Return a task of some training images, standardised; it is for batches, not for training."""
    x, y, _ = read_images(archive, {"train": IMAGES})
    by_class = np.argsort(y, kind="stable")
    return Task.from_arrays(x[by_class], y[by_class], inputs="image", title="cifar10")


def read_values(path: Path, setting: Mapping[str, Any]) -> Values:
    """Return the values of each cell by proxy, minus infinity for none."""
    known: Values = {}
    for record in read_records(path):
        if all(record[name] == value for name, value in setting.items()):
            values = {name: -math.inf if each is None else each for name, each in record["values"].items()}
            known.setdefault(record["cell"], {}).update(values)
    return known


def report(table: Table, known: Values) -> str:
    """Return a table of how well each proxy ranks the cells that have a value by it."""
    worth, params = table.mean_score(), table.parameters
    lines = [
        f"| score | cells | {' | '.join(SHOWN.values())} | tau, published | rho, published |",
        f"|{'---|' * (len(SHOWN) + 4)}",
    ]
    short = table.scores(12)[:, 0]
    everything = np.array(sorted(known), dtype=np.int64)
    rows = [("training for 12 of 200 epochs", everything, short[everything])]
    for name in [*PROXIES, *POOL_PROXIES]:
        cells, values = values_of(known, name)
        if len(cells):
            rows.append((name, cells, values))
    for name, cells, values in rows:
        quality = over_networks(values, worth[cells], params[cells])
        without = int(np.isneginf(values).sum())
        count = f"{len(cells):,}" + (f" ({without} without a value)" if without else "")
        published = [f"{each[name]:.2f}" if name in each else "-" for each in (PUBLISHED_TAU, PUBLISHED_RHO)]
        shown = [shown_interval(_of(quality, measure_)) for measure_ in SHOWN]
        lines.append(f"| {name} | {count} | {' | '.join([*shown, *published])} |")
    return "\n".join(lines)


def values_of(known: Values, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the cells that were measured by a proxy, and their values."""
    if name in POOL_PROXIES:
        cells = np.array([cell for cell in sorted(known) if set(VIEWS) <= set(known[cell])], dtype=np.int64)
        if not len(cells):
            return cells, np.zeros(0)
        return cells, az_nas_ranks({view: np.array([known[cell][view] for cell in cells]) for view in VIEWS})
    cells = np.array([cell for cell in sorted(known) if name in known[cell]], dtype=np.int64)
    return cells, np.array([known[cell][name] for cell in cells])


def _of(quality: Mapping[str, Interval], name: str) -> Interval:
    return quality.get(name, Interval(math.nan, math.nan, math.nan))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0, help="of weights and batch")
    parser.add_argument("--batch", type=int, default=32, help="examples of a batch")
    parser.add_argument("--proxies", default="", help="names with commas between; all but grasp by default")
    parser.add_argument("--records", type=Path, default=Path("cells.jsonl"))
    parser.add_argument("--report", action="store_true", help="print the records and measure nothing")
    parser.add_argument("--data", type=Path, default=SHARED, help="folder of the files")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
