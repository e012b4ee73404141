"""What is to be beaten on the tasks of series: the naive forecast, ridge regression, and known forecasters.

    python benchmarks/quality/domains/series.py --task glucose   # one task; without it all three

Each network is a member of the space `forecaster`, trained with three seeds by the default recipe; its skill
is their mean on the validation and on the test part, with their standard deviation on the latter. The naive
forecast has a skill of 0. Ridge regression is that of scikit-learn with its defaults, on the flattened window
and with the same changes as target.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from sklearn.linear_model import Ridge

from nas_gym.evaluators import TrainEvaluator
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import Task, make_task

TASKS = ("glucose", "seasonal", "volatility")
SEEDS = (0, 1, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--task", action="append", choices=TASKS, help="only this task; repeatable")
    for name in parser.parse_args().task or TASKS:
        task = make_task(name)
        print(task)
        print(f"{'ridge':15} validation {ridge(task, 'validation'):.3f}  test {ridge(task, 'test'):.3f}")
        members(task)


def ridge(task: Task, part: str) -> float:
    """The skill of ridge regression."""
    x, y = getattr(task, f"x_{part}"), getattr(task, f"y_{part}")
    model = Ridge().fit(task.plain(task.x_train), task.y_train)
    skill, _ = task.target.measure(model.predict(task.plain(x)).reshape(len(x), -1), y)
    return skill


def members(task: Task) -> None:
    """Print the skill of each member of the space."""
    space = make_search_space("forecaster", task.input_shape, task.outputs, task.facts)
    evaluator = TrainEvaluator(space, task, seeds=SEEDS)
    for name, architecture in space.members().items():
        start = time.perf_counter()
        found = evaluator.test(architecture, SEEDS)
        seconds = (time.perf_counter() - start) / len(SEEDS)
        test = [one.test_score for one in found]
        validation = np.mean([one.validation_score for one in found])
        print(
            f"{name:15} validation {validation:.3f}  test {np.mean(test):.3f} ± {np.std(test, ddof=1):.3f}  "
            f"{space.network(architecture).parameters:6,} weights  {seconds:.2f} s"
        )


if __name__ == "__main__":
    main()
