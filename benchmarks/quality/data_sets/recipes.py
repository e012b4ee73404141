"""What of a training recipe helps on tables: early stopping, the batch, the learning rate, more steps.

    python benchmarks/quality/data_sets/recipes.py             # early stopping, about 2 minutes of a core
    python benchmarks/quality/data_sets/recipes.py --recipes   # other recipes, about 10

Five fixed networks of the space `tabular` are trained on eight data sets, in several splits and with several
seeds, by the recipe that `nas_gym.fit` takes for data of this size. Every training is measured on validation
and on test examples after each epoch. Early stopping takes the network of the epoch that is best on
validation examples, the first of several; it is compared for all networks and for the one that validation
examples choose. Other recipes are compared after their last epoch. Differences are paired: the same network,
split and seed. Scores are accuracy, and R² where values are predicted; differences are in points, with 95%
intervals over data sets.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from compare import TEST_SIZE
from made import load
from scipy.stats import t

from nas_gym.estimators.effort import effort_of
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import Task
from nas_gym.training import Member, recipe_for, resolve_device, train, training_data

DATA = ("wine", "breast cancer", "tic-tac-toe", "informative", "diabetes", "friedman 1", "robot arm", "rents")
NETWORKS = (
    "plain, no_norm, dropout_0, chain: relu-128",
    "plain, batch_norm, dropout_0.1, residual: relu-128 > relu-128",
    "periodic, layer_norm, dropout_0, chain: silu-32 > silu-32",
    "piecewise, no_norm, dropout_0.3, chain: relu-128 > relu-32",
    "plain, no_norm, dropout_0.1, chain: identity-32",
)
SPACE = {"name": "tabular", "categories": ["one_hot"]}
RECIPES: Mapping[str, Mapping[str, Any]] = {
    "batch 32": {"batch_size": 32},
    "batch 64": {"batch_size": 64},
    "batch 256": {"batch_size": 256},
    "rate .003": {"learning_rate": 0.003},
    "rate .03": {"learning_rate": 0.03},
    "batch 32, rate .003": {"batch_size": 32, "learning_rate": 0.003},
    "three times as long": {"times": 3},
}
"""Changes of the recipe of `nas_gym.fit`; with another batch as many epochs as give its steps, at least."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", action="append", choices=DATA)
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--networks", type=int, default=len(NETWORKS), help="of the fixed ones, the first")
    parser.add_argument("--recipes", action="store_true", help="compare recipes in place of early stopping")
    options = parser.parse_args()
    compared = _recipes if options.recipes else _early_stopping
    for line in compared(options):
        print(line, flush=True)


def _early_stopping(options: argparse.Namespace) -> Iterator[str]:
    splits, seeds, networks = options.splits, options.seeds, NETWORKS[: options.networks]
    yield "| data | rows | epochs | last epoch | best epoch | difference | of the chosen network |"
    yield "|---|---|---|---|---|---|---|"
    differences, of_chosen = [], []
    for name in options.data or DATA:
        last, best, chosen = [], [], []
        for split in range(splits):
            task = _task(name, split)
            validation = _by_network(_curves(task, {}, networks, seeds, "validation"), seeds)
            test = _by_network(_curves(task, {}, networks, seeds, "test"), seeds)
            epochs = validation.argmax(axis=2)[..., None]
            # Of networks and seeds: what each is judged by, and what it scores on test examples.
            pairs = [(validation[..., -1], test[..., -1])]
            pairs += [tuple(np.take_along_axis(one, epochs, 2)[..., 0] for one in (validation, test))]
            last.append(pairs[0][1].mean())
            best.append(pairs[1][1].mean())
            chosen.append([scores[judged.mean(axis=1).argmax()].mean() for judged, scores in pairs])
        differences.append(100 * (np.mean(best) - np.mean(last)))
        of_chosen.append(100 * np.diff(np.mean(chosen, axis=0))[0])
        cells = [name, len(load(name).y), validation.shape[2], f"{np.mean(last):.4f}", f"{np.mean(best):.4f}"]
        yield _line([*cells, f"{differences[-1]:+.2f}", f"{of_chosen[-1]:+.2f}"])
    yield f"\nbest epoch in place of the last: {_interval(differences)}"
    yield f"of the network that validation examples choose: {_interval(of_chosen)}"


def _by_network(curves: np.ndarray, seeds: int) -> np.ndarray:
    return curves.reshape(-1, seeds, curves.shape[1])


def _recipes(options: argparse.Namespace) -> Iterator[str]:
    splits, seeds, networks = options.splits, options.seeds, NETWORKS[: options.networks]
    yield _line(["data", "rows", "as fit", *RECIPES])
    yield "|---" * (3 + len(RECIPES)) + "|"
    differences, usual, seconds = [], [], dict.fromkeys(("as fit", *RECIPES), 0.0)
    for name in options.data or DATA:
        scores: dict[str, list[float]] = {one: [] for one in seconds}
        for split in range(splits):
            task = _task(name, split)
            for one in seconds:
                start = time.process_time()
                scores[one].append(
                    float(_curves(task, RECIPES.get(one, {}), networks, seeds, "test")[:, -1].mean())
                )
                seconds[one] += time.process_time() - start
        usual.append(np.mean(scores["as fit"]))
        differences.append([100 * (np.mean(scores[one]) - usual[-1]) for one in RECIPES])
        found = [f"{difference:+.2f}" for difference in differences[-1]]
        yield _line([name, len(load(name).y), f"{usual[-1]:.4f}", *found])
    taken = [f"{seconds[one] / seconds['as fit']:.1f}" for one in RECIPES]
    yield _line(["time, as fit = 1", "", f"{seconds['as fit']:.0f} s", *taken]) + "\n"
    for one, found in zip(RECIPES, np.transpose(differences), strict=True):
        yield f"{one} in place of the recipe of fit: {_interval(found)}"


def _task(name: str, split: int) -> Task:
    found = load(name)
    kind = "values" if found.y.dtype.kind == "f" else "classes"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Task.from_arrays(
            found.x, found.y, target_kind=kind, test_size=TEST_SIZE, split_seed=split, name=name
        )


def _curves(task: Task, change: Mapping[str, Any], texts: Sequence[str], seeds: int, part: str) -> np.ndarray:
    """Return the scores on a part after each epoch, (networks * seeds, epochs)."""
    space = make_search_space(SPACE, task.input_shape, task.outputs, task.facts)
    networks = [space.network(space.parse(_text(text, space))) for text in texts]
    members = [Member(network, seed) for network in networks for seed in range(seeds)]
    measured = (task.x_test, task.y_test) if part == "test" else (task.x_validation, task.y_validation)
    data = training_data(resolve_device("cpu"), task.x_train, task.y_train, *measured, loss=task.target.loss)
    recipe = recipe_for(_options(task, change), len(task.y_train))
    trained = dict(train(members, data, recipe, cores=1))
    return np.array([trained[place].curve for place in range(len(members))])


def _text(text: str, space: Any) -> str:
    """Return a network in a space, which has no numbers or categories where a table has none."""
    whole, _, layers = text.partition(": ")
    wanted = whole.split(", ")
    chosen = [
        next((one for one in choices if one in wanted), choices[0]) for choices in space.wholes.values()
    ]
    return f"{', '.join(chosen)}: {layers}"


def _options(task: Task, change: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of the recipe of `nas_gym.fit`, changed."""
    usual = dict(effort_of(task, SPACE, None, longer=True).recipe)
    times, examples = change.get("times", 1), len(task.y_train)
    made = usual | {name: value for name, value in change.items() if name != "times"}
    if made["batch_size"] != usual["batch_size"]:
        steps = usual["epochs"] * -(-examples // usual["batch_size"])
        made["epochs"] = max(15, -(-steps // -(-examples // made["batch_size"])))
    return made | {"epochs": times * made["epochs"]}


def _line(cells: list[Any]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _interval(differences: Any) -> str:
    """Return the mean of differences over data sets with a 95% interval."""
    found = np.asarray(differences, dtype=float)
    half = (
        t.ppf(0.975, len(found) - 1) * found.std(ddof=1) / np.sqrt(len(found)) if len(found) > 1 else np.inf
    )
    better = int((found > 0).sum())
    return f"{found.mean():+.2f} points ± {half:.2f}, more on {better} of {len(found)} data sets"


if __name__ == "__main__":
    main()
