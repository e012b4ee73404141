"""How near to linear is training by workers of Ray, against one process of one core?

    python -m benchmarks.speed.ray_workers                     # 2 workers of one core each: two free cores
    python -m benchmarks.speed.ray_workers --workers 8         # eight free cores
    python -m benchmarks.speed.ray_workers --repeats 5 --epochs 20

A batch of random convolutional networks on digits is trained by one process on one core and by the workers,
in turn, in one run. Ray and the workers are started before, as they are for all batches of a search but the
first. The ratio is that of the medians: 2 workers are to reach at least 1.8, and 8 at least 6.4. The results
are compared, bit for bit.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

from benchmarks.speed.training_worker import TASKS, draw
from nas_gym.executors import Executor, make_executor
from nas_gym.tasks import make_task
from nas_gym.training import Member, Recipe, TrainingData, train

WANTED = {2: 0.9, 8: 0.8}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--workers", type=int, default=2, help="workers of one core each")
    parser.add_argument("--networks", type=int, default=64, help="networks in the batch")
    parser.add_argument("--epochs", type=int, default=10, help="epochs of each")
    parser.add_argument("--repeats", type=int, default=3, help="measurements of each of the two")
    options = parser.parse_args()
    torch.set_num_threads(1)
    task = make_task(TASKS["digits"])
    arrays = (task.x_train, task.y_train, task.x_validation, task.y_validation)
    data = TrainingData(*(torch.tensor(array) for array in arrays))
    recipe = Recipe(epochs=options.epochs, batch_size=64, learning_rate=0.01)
    members = draw({"space": "conv", "task": "digits", "networks": options.networks}, task)
    executor = make_executor({"name": "ray", "workers": options.workers})
    warm = [Member(member.network, member.seed, epochs=1) for member in members[: 4 * options.workers]]
    for each in (None, executor):
        seconds(warm, data, recipe, each)
    here, there = [], []
    for number in range(options.repeats):
        one, curves = seconds(members, data, recipe, None)
        other, same = seconds(members, data, recipe, executor)
        here.append(one)
        there.append(other)
        alike = "the same bits" if curves == same else "OTHER RESULTS"
        print(
            f"{number + 1}: one process {one:.2f} s, {options.workers} workers {other:.2f} s; {alike}",
            flush=True,
        )
    ratio = statistics.median(here) / statistics.median(there)
    share = ratio / options.workers
    wanted = WANTED.get(options.workers)
    goal = "" if wanted is None else f" (at least {wanted:g} of linear is wanted)"
    print(f"ratio of the medians {ratio:.2f}, {share:.2f} of linear{goal}")


def seconds(
    members: list[Member], data: TrainingData, recipe: Recipe, executor: Executor | None
) -> tuple[float, dict[int, tuple[float, ...]]]:
    """Return how long training takes, and the validation curves."""
    start = time.perf_counter()
    results = dict(train(members, data, recipe, cores=1, workers="threads", executor=executor))
    return time.perf_counter() - start, {place: one.curve for place, one in results.items()}


if __name__ == "__main__":
    main()
