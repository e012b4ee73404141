"""How well small data tells which network is best: by five folds once, with more seeds, or cut again.

    python benchmarks/quality/data_sets/repeated_folds.py        # about 8 CPU minutes

Of data sets of 1,500 rows and more a few hundred are taken, as `nas_gym.fit` would see them, and the others
tell how good a network really is. Networks of the space `tabular`, drawn at random, are trained on each of
five folds by the recipe of `nas_gym.fit`. Three means are compared: of one training a fold (5 trainings), of
three a fold (15), and of one on each of the folds of three cuts (15). For each: what the chosen network loses
to the best one on the other rows, in points, and the rank correlation with the score there. Intervals are
95%, over draws of the rows of all data sets.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from made import load
from scipy.stats import spearmanr, t

from nas_gym.estimators.effort import effort_of
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import Task
from nas_gym.training import Member, recipe_for, resolve_device, train, training_data

sys.path.append(str(Path(__file__).parents[1]))  # what the folders of quality/ share
from run_records import append_record, read_records

OUT = Path("benchmarks_of_repeated_folds.jsonl")
DATA = ("hastie", "informative", "customers", "friedman 3", "robot arm", "rents")
FOLDS, REPEATS, TRUE_SEEDS = 5, 3, 3
SPACE = {"name": "tabular"}
MEANS = {
    "five folds": [(0, fold) for fold in range(FOLDS)],
    "five folds, three seeds each": [(seed, fold) for seed in range(REPEATS) for fold in range(FOLDS)],
    "five folds of three cuts": [(0, fold) for fold in range(REPEATS * FOLDS)],
}
"""Seed and fold of the trainings whose mean is taken."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", action="append", choices=DATA)
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--draws", type=int, default=4, help="of the rows of each data set")
    parser.add_argument("--networks", type=int, default=12)
    parser.add_argument(
        "--out", type=Path, default=OUT, help="draws that are measured, which are not repeated"
    )
    parser.add_argument("--report", action="store_true", help="only tell what is measured")
    options = parser.parse_args()
    for draw in range(0 if options.report else options.draws):
        for name in options.data or DATA:
            case = {"data": name, "draw": draw, "rows": options.rows, "networks": options.networks}
            if not any(case.items() <= one.items() for one in read_records(options.out)):
                task = _task(name, options.rows, draw)
                append_record(options.out, case | _measured(task, options.networks, draw))
    _tell(read_records(options.out))


def _tell(found: list[dict[str, Any]]) -> None:
    print("| judged by | lost to the best | rank correlation |\n|---|---|---|")
    for name in MEANS:
        lost, ranks = (np.array([one[name][place] for one in found]) for place in (0, 1))
        print(f"| {name} | {_interval(lost)} points | {_interval(ranks)} |")
    names = list(MEANS)
    for one, other in ((1, 0), (2, 0), (2, 1)):
        gain = np.array([each[names[other]][0] - each[names[one]][0] for each in found])
        print(f"{names[one]} lose {_interval(gain)} points less than {names[other]}")
    print(f"{len(found)} draws")


def _task(name: str, rows: int, draw: int) -> Task:
    """Return some rows of a data set in folds of several cuts, and all others as the test part."""
    found = load(name)
    kind = "values" if found.y.dtype.kind == "f" else "classes"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Task.from_arrays(
            found.x,
            found.y,
            target_kind=kind,
            test_size=len(found.y) - rows,
            split_seed=draw,
            folds=FOLDS,
            fold_repeats=REPEATS,
            name=name,
        )


def _measured(task: Task, count: int, seed: int) -> dict[str, tuple[float, float]]:
    """Return, for each of `MEANS`, what its choice loses on test examples, and the rank correlation."""
    space = make_search_space(SPACE, task.input_shape, task.outputs, task.facts)
    rng = np.random.default_rng(seed)
    networks = [space.network(architecture) for architecture in {space.sample(rng) for _ in range(count)}]
    true = _scores(task, networks, None, range(100, 100 + TRUE_SEEDS)).mean(axis=1)
    needed = sorted({pair for pairs in MEANS.values() for pair in pairs})
    by_fold = {
        fold: _scores(task, networks, fold, sorted(seed for seed, at in needed if at == fold))
        for fold in {fold for _, fold in needed}
    }
    found = {}
    for name, pairs in MEANS.items():
        judged = np.mean([by_fold[fold][:, seed] for seed, fold in pairs], axis=0)
        found[name] = (100 * (true.max() - true[judged.argmax()]), float(spearmanr(judged, true)[0]))
    return found


def _scores(task: Task, networks: list[Any], fold: int | None, seeds: Any) -> np.ndarray:
    """Return validation scores on a fold, or test scores after training on all others: (networks, seeds)."""
    parts = task.fold(fold or 0)
    if fold is None:  # measured on the test part once, and after each epoch on the few of the first fold
        parts = (*task.known, *parts[2:], task.x_test, task.y_test)
    data = training_data(resolve_device("cpu"), *parts, loss=task.target.loss)
    recipe = recipe_for(effort_of(task, SPACE, None, longer=True).recipe, len(task.y_train))
    members = [Member(network, seed) for network in networks for seed in seeds]
    trained = dict(train(members, data, recipe, cores=1))
    found = [trained[number] for number in range(len(members))]
    scores = [0.0 if one.error else one.curve[-1] if one.test is None else one.test for one in found]
    return np.reshape(scores, (len(networks), len(seeds)))


def _interval(values: np.ndarray) -> str:
    half = t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return f"{values.mean():.3f} ± {half:.3f}"


if __name__ == "__main__":
    main()
