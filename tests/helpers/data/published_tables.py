"""Made-up files in the columns of published results, whole or with one flaw."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import numpy as np

from nas_gym.search_spaces import make_search_space
from nas_gym.tables.importers import nasbench201, nasbench_macro

Row = dict[str, str]


def edge_counts(text: str) -> tuple[int, int]:
    """How many 1x1 and 3x3 convolutions a cell has."""
    return text.count("nor_conv_1x1"), text.count("nor_conv_3x3")


def nasbench201_cell(row: int) -> str:
    """The architecture of a row of `nasbench201_rows`, without making the others."""
    space = make_search_space("cell", (3, 32, 32), 10)
    return str(space.architecture(int(np.random.default_rng(0).permutation(space.size)[row])))


@cache
def nasbench201_rows(classes: int = 10) -> tuple[Row, ...]:
    """Rows in another order than the space's; the parameters by the formula of the paper's networks."""
    rng = np.random.default_rng(0)
    space = make_search_space("cell", (3, 32, 32), 10)
    rows = []
    for index in rng.permutation(space.size):
        text = str(space.architecture(int(index)))
        small, large = edge_counts(text)
        seeds = np.round(80 + 10 * rng.random(2 + int(index) % 2), 3)
        rows.append(
            {
                "index": str(index),
                "architecture": text,
                "val_acc_12": f"{50 + 30 * rng.random():.3f}",
                "val_acc_200": f"{seeds.mean():.4f}",
                "val_acc_200_by_seed": ";".join(f"{seed:.3f}" for seed in seeds),
                "test_acc_200": f"{85 + 9 * rng.random():.3f}",
                "train_seconds_200": f"{1000 + 1000 * rng.random():.2f}",
                "params": str(73_306 + 65 * (classes - 10) + 28_000 * small + 243_040 * large),
                "flops_millions": f"{7.78305 + 3.93216 * small + 35.38944 * large:.5f}",
            }
        )
    return tuple(rows)


@cache
def macro_rows() -> tuple[Row, ...]:
    """Rows with the parameters of the space's own networks, added up block by block."""
    rng = np.random.default_rng(0)
    space = make_search_space("macro", (3, 32, 32), 10)
    rest = 343_978  # stem, head and classifier
    rows = []
    for chain in space:
        parameters, channels = rest, 32
        for number, block in enumerate(chain.blocks):
            outputs = 2 * channels if number in (0, 2, 5) else channels
            if block:
                expansion, kernel = ((3, 3), (6, 5))[block - 1]
                hidden = channels * expansion
                parameters += hidden * (channels + kernel**2 + outputs + 4) + 2 * outputs
            elif outputs != channels:
                parameters += channels * outputs + 2 * outputs
            channels = outputs
        runs = 40 + 53 * rng.random(3)
        rows.append(
            {"architecture": str(chain), "params": str(parameters), "flops": "1000000"}
            | {f"test_acc_{run}": f"{score:.4f}" for run, score in enumerate(runs)}
        )
    return tuple(rows)


def write_rows(path: Path, rows: Iterable[Row], without: str = "") -> Path:
    """Write rows as .csv, or .csv.gz by the name."""
    rows = [dict(row) for row in rows]
    names = [name for name in rows[0] if name != without]
    opened: Callable[..., object] = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt", encoding="utf-8", newline="") as file:  # type: ignore[attr-defined]
        writer = csv.DictWriter(file, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


def changed(rows: tuple[Row, ...], place: int, **values: str) -> list[Row]:
    """Rows with some values of one of them changed."""
    return [row | values if number == place else row for number, row in enumerate(rows)]


COLUMNS = {"nasbench201": nasbench201.COLUMNS, "nasbench_macro": nasbench_macro.COLUMNS}
