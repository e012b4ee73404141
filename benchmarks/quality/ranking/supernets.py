"""How well a supernet ranks a shipped table, beside parameters and trainings that cost as little.

    python benchmarks/quality/ranking/supernets.py              # judges the settings of `CHOSEN`
    python benchmarks/quality/ranking/supernets.py --choose     # prints what they were chosen by

The bar is the mean validation score of the table over its training seeds. All costs are floating-point
operations, as shares of those that training all networks of the table took: a training of a network is three
forward passes for each example and epoch, for a supernet as for a training alone. To score the networks once
on the validation part takes the same for both and is printed apart. A *short training* trains every network
alone for the stated share, by the recipe of the table with a schedule of its own; where the share is less
than an epoch, on as many of the training examples.

The settings of the supernet, and the size of batches of short trainings, are chosen on one table and judged
on the other. Each result is a line of ``--records``, so that a run which was stopped goes on.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from proxies import shown_interval

from nas_gym.evaluators import SupernetEvaluator
from nas_gym.explain import Interval, over_networks, over_seeds, rank_quality
from nas_gym.tables import Table, load_table
from nas_gym.tasks import Task, make_task
from nas_gym.training import PASSES, Member, Recipe, train, training_data

sys.path.append(str(Path(__file__).parents[1]))  # what the folders of quality/ share
from run_records import append_record, read_records

TABLES = ("mlp-mnist1d", "conv-mnist1d")
CHOICES: tuple[dict[str, Any], ...] = (
    {"sampling": "distinct", "batch_size": 128, "learning_rate": 0.005},
    {"sampling": "fair", "batch_size": 128, "learning_rate": 0.005},
    {"sampling": "distinct", "batch_size": 128, "learning_rate": 0.0015},
    {"sampling": "distinct", "batch_size": 128, "learning_rate": 0.015},
)
SHORT_BATCHES = (128, 32)
CHOSEN: dict[str, dict[str, Any]] = {
    "mlp-mnist1d": {"sampling": "distinct", "batch_size": 128, "learning_rate": 0.005},
    "conv-mnist1d": {"sampling": "distinct", "batch_size": 128, "learning_rate": 0.005},
}
"""The settings by which each table is judged: the first of `CHOICES`, the default, unless another was better
on the other table by more than its interval over seeds."""
CHOSEN_SHORT = {"mlp-mnist1d": 128, "conv-mnist1d": 128}
SHOWN = {"tau": "tau", "tau_top_tenth": "top tenth", "partial_rho": "rho, params fixed"}


def main() -> None:
    options = _options()
    torch.set_num_threads(1)
    for name in options.tables.split(","):
        measured = Measured(name, options)
        print(f"\n{measured.words}\n")
        print(measured.choices() if options.choose else measured.judged(), flush=True)


class Measured:
    """The networks of a table that are compared, and what was measured of them so far.

    Args:
        name: name of the table.
        options: of the command line.
    """

    def __init__(self, name: str, options: argparse.Namespace) -> None:
        self.name, self._options = name, options
        self.table: Table = load_table(*name.split("-", 1))
        self.task: Task = make_task(self.table.about["task"])
        self.recipe = dict(self.table.about["recipe"])
        count = min(options.networks or self.table.size, self.table.size)
        self.rows = np.sort(np.random.default_rng(1).choice(self.table.size, count, replace=False))
        self.worth = self.table.mean_score()[self.rows]
        self._known = {record["key"]: record for record in read_records(options.records)}

    @property
    def words(self) -> str:
        return (
            f"{len(self.rows):,} of {self.table.size:,} networks of {self.name}; to score all networks once "
            f"takes {self.scoring:.2%} of training them"
        )

    @property
    def scoring(self) -> float:
        """What scoring every network once costs, as a share of training them all."""
        return len(self.task.y_validation) / (PASSES * len(self.task.y_train) * self.recipe["epochs"])

    def choices(self) -> str:
        """Return how well each of `CHOICES` ranks this table at the cost ``--share``."""
        share, seeds = self._options.share, range(self._options.seeds)
        rows = [(_words(each), [self.supernet(each, share, seed) for seed in seeds]) for each in CHOICES]
        rows += [(f"training alone, batch {batch}", [self.short(batch, share, 0)]) for batch in SHORT_BATCHES]
        return self._table([(label, share, values) for label, values in rows])

    def judged(self) -> str:
        """Return how well the chosen settings rank this table, beside what else costs as little."""
        share, seeds = self._options.share, range(self._options.seeds)
        most, batch, chosen = self._options.most, CHOSEN_SHORT[self.name], CHOSEN[self.name]
        sizes = {"params": self.table.parameters, "flops": self.table.flops}
        rows: list[tuple[str, float, list[np.ndarray]]] = [
            (name, 0.0, [values[self.rows].astype(np.float64)]) for name, values in sizes.items()
        ]
        supernets = [self.supernet(chosen, share, seed) for seed in seeds]
        for cost in (share, most):
            label = f"training alone, batch {batch}, for {cost * self.recipe['epochs']:.2g} epochs"
            rows.append((label, cost, [self.short(batch, cost, seed) for seed in seeds]))
        first = self.table.fidelities[0]
        recorded = self.table.scores(first)[self.rows].T
        label = f"the first of {self.recipe['epochs']} epochs, as recorded"
        rows.append((label, first / self.recipe["epochs"], list(recorded)))
        rows.append((f"supernet, {_words(chosen)}", share, supernets))
        controls = range(min(self._options.controls, len(seeds)))
        shuffled = [self.supernet(chosen, share, seed, shuffled=True) for seed in controls]
        if shuffled:
            rows.append(("the same with shuffled labels", share, shuffled))
        return self._table(rows)

    def supernet(
        self, setting: Mapping[str, Any], share: float, seed: int, *, shuffled: bool = False
    ) -> np.ndarray:
        """Return the scores of the networks by a supernet that was trained at this cost."""

        def measure() -> tuple[list[float], float]:
            mean = np.mean([network.flops for network in evaluator._drawn])
            trainings = share * float(self.table.flops.sum()) / float(mean)
            made = SupernetEvaluator(
                space, self.task, "cpu", **options, trainings=trainings, recipe=recipe, seeds=[seed]
            )
            found = made.evaluate_architectures(self._architectures)
            return [each.score for each in found], made.supernet(seed).trace.flops / self._whole

        space = self.table.search_space
        options = {name: setting[name] for name in ("sampling", "learning_rate")} | {"shuffled": shuffled}
        recipe = self.recipe | {"batch_size": setting["batch_size"]}
        evaluator = SupernetEvaluator(space, self.task, "cpu", trainings=1, recipe=recipe)
        key = {"kind": "supernet", **setting, "share": share, "seed": seed, "shuffled": shuffled}
        return self._kept(key, measure)

    def short(self, batch: int, share: float, seed: int) -> np.ndarray:
        """Return the scores of the networks after a training of each alone at this cost."""

        def measure() -> tuple[list[float], float]:
            task, epochs = self.task, share * self.recipe["epochs"]
            whole = max(1, round(epochs))
            examples = min(len(task.y_train), round(len(task.y_train) * epochs / whole))
            drawn = np.random.default_rng([seed, 7]).permutation(len(task.y_train))[:examples]
            parts = (task.x_train[drawn], task.y_train[drawn], task.x_validation, task.y_validation)
            data = training_data(torch.device("cpu"), *parts, loss=task.target.loss)
            recipe = Recipe(**(self.recipe | {"epochs": whole, "batch_size": batch}))
            space = self.table.search_space
            members = [Member(space.network(each), seed) for each in self._architectures]
            found = np.zeros(len(members))
            for position, trained in train(members, data[0], recipe, cores=1):
                found[position] = 0.0 if trained.error else trained.curve[-1]
            cost = whole * examples / (self.recipe["epochs"] * len(task.y_train))
            return found.tolist(), cost

        return self._kept({"kind": "alone", "batch_size": batch, "share": share, "seed": seed}, measure)

    @property
    def _architectures(self) -> list[Any]:
        return [self.table.search_space.architecture(int(row)) for row in self.rows]

    @property
    def _whole(self) -> float:
        """Floating-point operations of training all networks of the table."""
        return PASSES * len(self.task.y_train) * self.recipe["epochs"] * float(self.table.flops.sum())

    def _kept(self, key: Mapping[str, Any], measure: Any) -> np.ndarray:
        name = json.dumps({"table": self.name, "networks": len(self.rows), **key}, sort_keys=True)
        if name not in self._known:
            start = time.process_time()
            values, cost = measure()
            record = {"key": name, "cost": cost, "seconds": time.process_time() - start, "values": values}
            append_record(self._options.records, record)
            self._known[name] = record
        return np.array(self._known[name]["values"])

    def _table(self, rows: Sequence[tuple[str, float, list[np.ndarray]]]) -> str:
        lines = [
            f"| score | cost | {' | '.join(SHOWN.values())} | intervals over |",
            f"|{'---|' * (len(SHOWN) + 3)}",
        ]
        fixed = self.table.parameters[self.rows]
        for label, cost, values in rows:
            if len(values) > 1:
                over, quality = "seeds", over_seeds([rank_quality(v, self.worth, fixed) for v in values])
            else:
                over, quality = "networks", over_networks(values[0], self.worth, fixed)
            cells = [shown_interval(quality.get(name, Interval(*[float("nan")] * 3))) for name in SHOWN]
            lines.append(f"| {label} | {cost:.2%} | {' | '.join(cells)} | {over} |")
        return "\n".join(lines)


def _words(setting: Mapping[str, Any]) -> str:
    return f"{setting['sampling']}, batch {setting['batch_size']}, rate {setting['learning_rate']:g}"


def _options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tables", default=",".join(TABLES))
    parser.add_argument("--networks", type=int, default=1000, help="of each table; 0 for all")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--controls", type=int, default=3, help="seeds of the one with shuffled labels")
    parser.add_argument("--share", type=float, default=0.01, help="what a supernet costs")
    parser.add_argument("--most", type=float, default=0.05, help="what short trainings may cost")
    parser.add_argument("--choose", action="store_true", help="compare settings instead")
    parser.add_argument("--records", type=Path, default=Path("supernets.jsonl"))
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
