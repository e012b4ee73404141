"""Combinations of proxies that are fixed on other tables: do they rank better than parameters?

    python benchmarks/quality/ranking/combinations.py                       # the shipped tables
    python benchmarks/quality/ranking/combinations.py --cells cells.jsonl   # with what cells.py measured

Each table is held out in turn: everything about a combination, which proxies, their signs and weights, is
chosen on the other tables alone. Values are places among the compared networks of a table, so that tables
can be joined. The interval is of a bootstrap over networks. Proxies are measured once, and each network's
values are a line of ``--records``, so that a run which was stopped goes on.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from cells import VIEWS, read_values
from proxies import SHARED, SHIPPED, reads
from scipy import stats

from nas_gym.evaluators import POOL_PROXIES, PROXIES, ProxyMeter, az_nas_ranks
from nas_gym.explain import tau_b
from nas_gym.tables import load_table, read_nasbench201
from nas_gym.tasks import make_task

sys.path.append(str(Path(__file__).parents[1]))  # what the folders of quality/ share
from run_records import append_record

PENALTIES = (1.0, 10.0, 100.0, 1000.0)
DRAWS = 500


@dataclass(frozen=True)
class Measured:
    """The networks of a table by proxies.

    Attributes:
        table: name of the table.
        worth: what the networks are worth, (networks,).
        places: normal scores of their places by each proxy, (networks, proxies).
        names: names of the proxies.
    """

    table: str
    worth: np.ndarray
    places: np.ndarray
    names: tuple[str, ...]

    def tau(self, score: np.ndarray) -> float:
        """Return tau-b of a score with what the networks are worth, 0 of one that is the same for all."""
        return float(np.nan_to_num(tau_b(score, self.worth)))

    def of(self, name: str) -> np.ndarray:
        """Return the places by a proxy."""
        return self.places[:, self.names.index(name)]


Ranker = Callable[[Measured], np.ndarray]
"""A combination that is fixed: gives the scores of the networks of a table."""


def main() -> None:
    options = _options()
    torch.set_num_threads(1)
    tables = [measured(name, options) for name in options.tables.split(",")]
    if options.cells:
        tables.append(measured_cells(options.cells, options.data, options.batch))
    shared = [name for name in tables[0].names if all(name in each.names for each in tables)]
    tables = [
        Measured(t.table, t.worth, np.stack([t.of(name) for name in shared], 1), tuple(shared))
        for t in tables
    ]
    print("Tables:", ", ".join(f"{each.table} ({len(each.worth):,} networks)" for each in tables))
    print("Proxies:", ", ".join(shared), "\n")
    print(report(tables))


def report(tables: Sequence[Measured]) -> str:
    """Return tau of each combination on each table that it was not chosen on, beside that of parameters."""
    lines = [f"| chosen on the others | {' | '.join(each.table for each in tables)} |"]
    lines.append(f"|{'---|' * (len(tables) + 1)}")
    bars = [f"{each.tau(each.of('params')):.2f}" for each in tables]
    lines.append(f"| params | {' | '.join(bars)} |")
    chosen: list[str] = []
    for name, choose in METHODS.items():
        cells = []
        for place, held_out in enumerate(tables):
            rank, words = choose([*tables[:place], *tables[place + 1 :]])
            cells.append(_against_params(held_out, rank(held_out)))
            chosen.append(f"- {name}, for {held_out.table}: {words}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", *chosen])


def best_single(others: Sequence[Measured]) -> tuple[Ranker, str]:
    """The proxy with the highest mean tau."""
    means = [np.mean([each.tau(each.of(name)) for each in others]) for name in others[0].names]
    name = others[0].names[int(np.argmax(means))]
    return lambda table: table.of(name), name


def best_sum(others: Sequence[Measured]) -> tuple[Ranker, str]:
    """The sum of places of up to four proxies, taken one at a time while the mean tau grows."""
    return _grown(others, lambda taus: float(np.mean(taus)))


def safest_sum(others: Sequence[Measured]) -> tuple[Ranker, str]:
    """The sum of places whose least gain over parameters on a table is the largest, grown alike."""
    bars = [each.tau(each.of("params")) for each in others]
    return _grown(others, lambda taus: min(tau - bar for tau, bar in zip(taus, bars, strict=True)))


def stable_product(others: Sequence[Measured]) -> tuple[Ranker, str]:
    """The product of ranks, as in AZ-NAS, of the proxies whose tau is above 0.1 on every table."""
    names = [name for name in others[0].names if min(each.tau(each.of(name)) for each in others) > 0.1]
    return lambda table: _product(table, names), ", ".join(names)


def strong_product(others: Sequence[Measured]) -> tuple[Ranker, str]:
    """The product of ranks of the proxies that are above parameters, in the mean over tables."""
    bar = np.mean([each.tau(each.of("params")) for each in others])
    names = [n for n in others[0].names if np.mean([each.tau(each.of(n)) for each in others]) > bar]
    return lambda table: _product(table, names or ["params"]), ", ".join(names) or "params"


def regression(others: Sequence[Measured]) -> tuple[Ranker, str]:
    """A ridge regression of the places by worth on those by all proxies, counts of the graph among them.

    Each table weighs the same. The penalty is the one that is best where each of the tables is left out in
    turn.
    """

    def left_out(penalty: float) -> float:
        taus = []
        for place, each in enumerate(others):
            rest = [*others[:place], *others[place + 1 :]]
            taus.append(each.tau(each.places @ _ridge(rest, penalty)))
        return float(np.mean(taus))

    penalty = max(PENALTIES, key=left_out) if len(others) > 1 else PENALTIES[-1]
    weights = _ridge(others, penalty)
    largest = np.argsort(-abs(weights))[:5]
    words = ", ".join(f"{others[0].names[each]} {weights[each]:+.2f}" for each in largest)
    return lambda table: table.places @ weights, f"penalty {penalty:g}; {words}, ..."


def non_negative(others: Sequence[Measured]) -> tuple[Ranker, str]:
    """A regression of that kind without negative weights: no proxy counts against the sign it states."""
    from scipy.optimize import nnls

    x = np.concatenate([each.places / math.sqrt(len(each.worth)) for each in others])
    y = np.concatenate([normal_scores(each.worth) / math.sqrt(len(each.worth)) for each in others])
    weights, _ = nnls(x, y)
    words = ", ".join(f"{n} {w:.2f}" for n, w in zip(others[0].names, weights, strict=True) if w > 0.005)
    return lambda table: table.places @ weights, words


METHODS: dict[str, Callable[[Sequence[Measured]], tuple[Ranker, str]]] = {
    "one proxy": best_single,
    "sum of ranks, best mean tau": best_sum,
    "sum of ranks, best least gain": safest_sum,
    "product of ranks, signs that hold": stable_product,
    "product of ranks, above parameters": strong_product,
    "ridge regression": regression,
    "regression without negative weights": non_negative,
}


def _grown(others: Sequence[Measured], worth: Callable[[list[float]], float]) -> tuple[Ranker, str]:
    names: list[str] = []
    best = -math.inf
    while len(names) < 4:
        tried = [
            (worth([each.tau(_sum(each, [*names, name])) for each in others]), name)
            for name in others[0].names
            if name not in names
        ]
        value, name = max(tried)
        if value <= best:
            break
        best, names = value, [*names, name]
    return lambda table: _sum(table, names), ", ".join(names)


def _sum(table: Measured, names: Sequence[str]) -> np.ndarray:
    return np.sum([stats.rankdata(table.of(name)) for name in names], axis=0)


def _product(table: Measured, names: Sequence[str]) -> np.ndarray:
    return np.sum([np.log(stats.rankdata(table.of(name)) / len(table.worth)) for name in names], axis=0)


def _ridge(tables: Sequence[Measured], penalty: float) -> np.ndarray:
    count = tables[0].places.shape[1]
    left, right = penalty / 1000 * np.eye(count), np.zeros(count)
    for each in tables:
        left += each.places.T @ each.places / len(each.worth)
        right += each.places.T @ normal_scores(each.worth) / len(each.worth)
    return np.linalg.solve(left, right)


def _against_params(table: Measured, score: np.ndarray) -> str:
    params, rng, differences = table.of("params"), np.random.default_rng(0), []
    for _ in range(DRAWS):
        rows = rng.integers(len(score), size=len(score))
        worth = table.worth[rows]
        differences.append(tau_b(score[rows], worth) - tau_b(params[rows], worth))
    low, high = np.quantile(differences, (0.025, 0.975))
    tau = table.tau(score)
    return f"{tau:.2f}, {tau - table.tau(params):+.2f} [{low:+.2f}, {high:+.2f}]"


def normal_scores(values: np.ndarray) -> np.ndarray:
    """Return the quantiles of the normal distribution at the places of values, ties at their mean place."""
    return stats.norm.ppf((stats.rankdata(values) - 0.5) / len(values))


def measured(name: str, options: argparse.Namespace) -> Measured:
    """Return what proxies say of some networks of a shipped table, averaged over seeds."""
    table = load_table(*name.split("-", 1))
    rows = np.sort(np.random.default_rng(2).choice(table.size, options.networks, replace=False))
    by_seed = []
    for seed in range(options.seeds):
        setting = {"table": name, "seed": seed}
        known = read_values(options.records, setting)
        todo = [row for row in rows.tolist() if row not in known]
        if todo:
            task = make_task(table.about["task"])
            meter = ProxyMeter(table.search_space, task, "cpu")
            names = [proxy for proxy in PROXIES if reads(proxy, task)]
            for row in todo:
                found = meter.measure(table.search_space.architecture(row), names, seed)
                values = {n: v.value if math.isfinite(v.value) else None for n, v in found.items()}
                append_record(options.records, {"cell": row, **setting, "values": values})
            known = read_values(options.records, setting)
        by_seed.append([known[row] for row in rows.tolist()])
    return _joined(name, table.mean_score()[rows], by_seed)


def measured_cells(path: Path, data: Path, batch: int) -> Measured:
    """Return what cells.py measured of the cells of NAS-Bench-201 that have a value by most proxies."""
    table = read_nasbench201(data / "nasbench201_cifar10.csv.gz", "cifar10")
    known = read_values(path, {"seed": 0, "batch": batch})
    most = max(len(values) for values in known.values())
    cells = [cell for cell in sorted(known) if len(known[cell]) == most]
    return _joined("nasbench201", table.mean_score()[cells], [[known[cell] for cell in cells]])


def _joined(name: str, worth: np.ndarray, by_seed: Sequence[Sequence[dict[str, float]]]) -> Measured:
    names = [each for each in by_seed[0][0] if each not in VIEWS[3:]]
    columns = [
        np.mean([[each[proxy] for each in one] for one in by_seed], axis=0, dtype=np.float64)
        for proxy in names
    ]
    if set(VIEWS) <= set(by_seed[0][0]):
        pools = [az_nas_ranks({v: np.array([e[v] for e in one]) for v in VIEWS}) for one in by_seed]
        names, columns = [*names, *POOL_PROXIES], [*columns, np.mean(pools, axis=0)]
    return Measured(name, worth, np.stack([normal_scores(each) for each in columns], 1), tuple(names))


def _options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tables", default=",".join(SHIPPED), help="names of tables of the package")
    parser.add_argument("--networks", type=int, default=600, help="of each table")
    parser.add_argument("--seeds", type=int, default=2, help="of each proxy")
    parser.add_argument("--records", type=Path, default=Path("combinations.jsonl"))
    parser.add_argument("--cells", type=Path, help="records of cells.py")
    parser.add_argument("--batch", type=int, default=16, help="examples of a proxy in those records")
    parser.add_argument("--data", type=Path, default=SHARED, help="folder of the files of NAS-Bench-201")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
