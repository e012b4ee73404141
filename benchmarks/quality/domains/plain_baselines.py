"""What plain methods of the field get on the tasks of images and of tables, on the same split.

    python benchmarks/quality/domains/plain_baselines.py                 # every task of TASKS
    python benchmarks/quality/domains/plain_baselines.py --task friedman --task '{"name": "digits"}'
    python benchmarks/quality/domains/plain_baselines.py --task digits --architecture "conv3-16-relu"

The best constant answer, a linear model on the raw numbers (logistic regression on pixels, linear
regression of values) and gradient boosting, all of scikit-learn with its defaults, fitted on the training
part alone and scored by the task's metric on the test part. Nothing is tuned, and nothing is chosen by the
test part. Architectures that are named stand beside them, trained with three seeds.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, LogisticRegression

from nas_gym.evaluators import make_evaluator
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import Task, constant_answer, make_task

TASKS: tuple[Any, ...] = (
    "breast_cancer",
    "diabetes",
    *({"name": "friedman", "function": f"friedman{number}"} for number in (1, 2, 3)),
    "digits",
    "mnist5k",
    *({"name": "scene_digits", "difficulty": difficulty} for difficulty in (0.0, 0.1, 0.25, 0.5)),
)
SEED = 0
SEEDS = (0, 1, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--task", action="append", help="name or JSON of a task; repeatable")
    parser.add_argument("--methods", default="linear,boosting", help="which, with commas between; none is ''")
    parser.add_argument(
        "--architecture", action="append", default=[], help="network to train, or its name; repeatable"
    )
    parser.add_argument("--search-space", default="conv", help="its space, name or JSON")
    parser.add_argument("--epochs", type=int, default=15, help="epochs that it is trained for")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)  # of pixels; it changes little
    asked = [name_or_json(text) for text in options.task or []] or TASKS
    rows = [row for spec in asked for row in measured(spec, options)]
    Console(width=110).print(as_table(rows))
    if options.out:
        options.out.write_text(json.dumps(rows, indent=1) + "\n")


def name_or_json(text: str) -> Any:
    """A name as it is, a JSON object as a dict."""
    return json.loads(text) if text.startswith("{") else text


def measured(spec: Any, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The figures of each method on one task."""
    task = make_task(spec)
    words = spec if isinstance(spec, str) else ", ".join(str(value) for value in spec.values())
    about = {"task": words, "examples": len(task.y_train), "metric": task.target.metric.label}
    constant = constant_answer(task)
    assert constant is not None
    yield about | {"method": "constant answer", "test": constant.test, "seconds": 0.0}
    for name, model in methods(task, options.methods.split(",")):
        start = time.perf_counter()
        model.fit(task.plain(task.x_train), task.y_train.ravel())
        test, _ = task.target.measure(outputs(model, task), task.y_test)
        yield about | {"method": name, "test": test, "seconds": time.perf_counter() - start}
    for text in options.architecture:
        start = time.perf_counter()
        test = network_score(task, name_or_json(options.search_space), text, options.epochs)
        yield about | {"method": text, "test": test, "seconds": time.perf_counter() - start}


def network_score(task: Task, space: Any, text: str, epochs: int) -> float:
    """The mean test score of a network over `SEEDS`."""
    found = make_search_space(space, task.input_shape, task.outputs, task.facts)
    evaluator = make_evaluator(
        {"name": "train", "recipe": {"epochs": epochs}}, found, task, device="cpu", store="memory"
    )
    return float(np.mean([each.test_score for each in evaluator.test(found.resolve(text), SEEDS)]))


def methods(task: Task, names: Sequence[str]) -> list[tuple[str, Any]]:
    """The methods asked for, by name."""
    if task.target.kind == "classes":
        linear: Any = LogisticRegression(max_iter=300)
        boosted: Any = HistGradientBoostingClassifier(random_state=SEED)
    else:
        linear, boosted = LinearRegression(), HistGradientBoostingRegressor(random_state=SEED)
    known = {"linear": ("linear", linear), "boosting": ("gradient boosting", boosted)}
    return [known[name] for name in names if name]


def outputs(model: Any, task: Task) -> np.ndarray:
    """What a method gives for the test part, as a network does."""
    x = task.plain(task.x_test)
    if task.target.kind == "classes":
        return np.asarray(model.predict_proba(x))
    return np.asarray(model.predict(x)).reshape(len(x), -1)


def as_table(rows: list[dict[str, Any]]) -> Table:
    table = Table(title="Plain methods, on the test part")
    for head in ("task", "trained on", "metric", "method", "test", "seconds"):
        table.add_column(head, justify="right" if head in ("trained on", "test", "seconds") else "left")
    for row in rows:
        table.add_row(
            row["task"],
            f"{row['examples']:,}",
            row["metric"],
            row["method"],
            f"{row['test']:.3f}",
            f"{row['seconds']:.1f}",
        )
    return table


if __name__ == "__main__":
    main()
