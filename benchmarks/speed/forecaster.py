"""How much faster networks of the space `forecaster` train fused than one by one by autograd.

    python benchmarks/speed/forecaster.py --networks 64

Networks are drawn uniformly with seed 0 and trained for some epochs of the task by the engine, all at once,
and some of them by its ordinary loop, each alone; both on one thread. The figures are CPU seconds of this
process for a network, which other programs on the machine change little, and their ratio.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch

from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import make_task
from nas_gym.training import Keep, Member, OrdinaryTraining, Recipe, TrainingData, train


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--task", default="glucose")
    parser.add_argument("--networks", type=int, default=64)
    parser.add_argument("--alone", type=int, default=6, help="networks that are trained one by one")
    parser.add_argument("--epochs", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    task = make_task(options.task)
    arrays = (task.x_train, task.y_train, task.x_validation, task.y_validation)
    data = TrainingData(*(torch.tensor(array) for array in arrays), loss=task.target.loss)
    recipe = Recipe(epochs=options.epochs)
    space = make_search_space("forecaster", task.input_shape, task.outputs, task.facts)
    rng = np.random.default_rng(0)
    members = [Member(space.network(space.sample(rng)), 0) for _ in range(options.networks)]
    list(train(members[:2], data, Recipe(epochs=1)))  # what is done once is not timed
    start = time.process_time()
    list(train(members, data, recipe))
    fused = (time.process_time() - start) / len(members)
    start = time.process_time()
    for member in members[: options.alone]:
        OrdinaryTraining(member, data, recipe, Keep()).run(lambda *_: None, lambda: False)
    alone = (time.process_time() - start) / min(options.alone, len(members))
    ratio = f"{alone / fused:.1f} times as fast"
    print(f"{options.task}: fused {fused:.3f} s a network, alone {alone:.3f} s: {ratio}")


if __name__ == "__main__":
    main()
