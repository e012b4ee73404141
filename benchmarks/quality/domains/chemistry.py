"""Networks for molecules and materials beside the plain methods of the field, on the same parts.

    python benchmarks/quality/domains/chemistry.py                             # every task and split
    python benchmarks/quality/domains/chemistry.py --case "logp, scaffold" --networks kgnn --seeds 3

Molecules: ridge regression and a random forest on counts of Morgan fingerprints (radius 2, 2,048 places), the
strength of the ridge chosen on the validation part. Materials: the same two on the features of the
composition. Networks: members of the ``graph`` space, or one of the ``tabular`` space, trained with
the default recipe, or more epochs; the mean and the range over seeds. All figures are R² on the test part.
"""

from __future__ import annotations

import argparse
import warnings
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from nas_gym.errors import DataWarning
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import Task, make_task, morgan_counts
from nas_gym.training import Member, Recipe, TrainingData, train

CASES: dict[str, dict[str, Any]] = {
    "melting_point, scaffold": {"name": "melting_point"},
    "melting_point, random": {"name": "melting_point", "split": "random"},
    "logp, scaffold": {"name": "logp"},
    "logp, random": {"name": "logp", "split": "random"},
    "inorganic_density": {"name": "inorganic_density"},
}
STRENGTHS = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
TABULAR = "plain, batch_norm, dropout_0.1, residual: relu-128 > relu-128"
PLAIN = ("ridge", "forest")
PARTS = ("train", "validation", "test")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--case", action="append", choices=CASES, help="only this case; repeatable")
    parser.add_argument("--networks", nargs="*", default=["gcn", "sage", "gin", "gat", "kgnn"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=Recipe().epochs)
    parser.add_argument("--plain", nargs="*", default=list(PLAIN), choices=PLAIN, help="plain methods")
    options = parser.parse_args()
    warnings.simplefilter("ignore", DataWarning)
    table = Table(title="R² on the test part")
    for head in ("case", "method", "mean", "range"):
        table.add_column(head)
    for case in options.case or CASES:
        task = make_task(CASES[case])
        found = plain(task, options.plain) if options.plain else {}
        found |= networks(task, options.networks, options.seeds, options.epochs)
        for method, scores in found.items():
            span = f"{min(scores):.3f} to {max(scores):.3f}" if len(scores) > 1 else ""
            table.add_row(case, method, f"{np.mean(scores):.3f}", span)
    Console(width=120).print(table)


def plain(task: Task, methods: list[str]) -> dict[str, list[float]]:
    """R² of ridge regression and a random forest."""
    x = fingerprints(task) if task.inputs == "graph" else [getattr(task, f"x_{part}") for part in PARTS]
    y = [getattr(task, f"y_{part}")[:, 0] for part in PARTS]
    found = {}
    if "ridge" in methods:
        # Counts of fingerprints as they are: standardised, the rarest of them would count most.
        scaler = StandardScaler().fit(x[0])
        scaled = x if task.inputs == "graph" else [scaler.transform(part) for part in x]
        fitted = [Ridge(strength).fit(scaled[0], y[0]) for strength in STRENGTHS]
        found["ridge"] = [max(fitted, key=lambda one: one.score(scaled[1], y[1])).score(scaled[2], y[2])]
    if "forest" in methods:
        forest = RandomForestRegressor(100, min_samples_leaf=2, max_features=0.3, random_state=0)
        found["random forest"] = [forest.fit(x[0], y[0]).score(x[2], y[2])]
    return found


def fingerprints(task: Task) -> list[np.ndarray]:
    """Counts of the Morgan fingerprints of the molecules of each part."""
    return [morgan_counts(getattr(task, f"x_{part}")) for part in PARTS]


def networks(task: Task, names: list[str], seeds: int, epochs: int) -> dict[str, list[float]]:
    """R² of networks trained with so many seeds."""
    kind = "graph" if task.inputs == "graph" else "tabular"
    space = make_search_space(kind, task.input_shape, task.outputs, task.facts)
    members = space.members()
    chosen = {name: members[name] for name in names} if kind == "graph" else {TABULAR: space.parse(TABULAR)}
    arrays = [torch.tensor(getattr(task, f"{side}_{part}")) for part in PARTS for side in "xy"]
    data = TrainingData(*arrays, loss=task.target.loss)
    found = {}
    for name, architecture in chosen.items():
        given = [Member(space.network(architecture), seed) for seed in range(seeds)]
        results = dict(train(given, data, Recipe(epochs=epochs)))
        found[f"{kind}: {name}"] = [float(results[seed].test or 0.0) for seed in range(seeds)]
    return found


if __name__ == "__main__":
    main()
