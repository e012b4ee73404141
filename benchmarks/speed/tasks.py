"""What a network of each built-in task costs to train: processor time, in one batch, by the usual recipe.

    python -m benchmarks.speed.tasks                         # every task, half an hour
    python -m benchmarks.speed.tasks --task dates --networks 16
    python -m benchmarks.speed.tasks --task digits --search-space conv
    python -m benchmarks.speed.tasks --epochs 2              # an upper bound, in a fraction of the time

Networks are drawn uniformly with seed 0 from the space that the task's page searches, and trained together
by the recipe that an evaluator has by itself, on one thread. The figure is processor time for a network,
set-up included, which other programs on the machine change little; half of it is what two cores would take.
The target is 1 s on two cores, 5 s for translation. With ``--epochs`` fewer epochs are trained than the
recipe has, and the figure is that of them times as many; set-up counts as often, as an upper bound.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from benchmarks.speed.training_worker import data_of
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import make_task
from nas_gym.training import Member, recipe_for, train

Spec = str | Mapping[str, Any]
"""A name, or a dict with ``"name"`` and options."""
SMALL_CONV: Mapping[str, Any] = {
    "name": "conv",
    "max_layers": 4,
    "operations": ["conv3", "conv5", "max_pool"],
    "channels": [4, 8],
    "activations": ["relu"],
}
"""That of the landscapes of images, `benchmarks/quality/landscape.py`."""
SPACES: dict[str, Spec] = {
    "digits": "mlp",
    "mnist1d": "mlp",
    "mnist5k": SMALL_CONV,
    "scene_digits": SMALL_CONV,
    "breast_cancer": "tabular",
    "diabetes": "tabular",
    "friedman": "tabular",
    "inorganic_density": "tabular",
    "melting_point": "graph",
    "logp": "graph",
    "language_id": "transformer",
    "spelling": "transformer",
    "spoken_words": "asr_cell",
    "dates": "seq2seq",
    "pronunciation": "seq2seq",
    "glucose": "forecaster",
    "seasonal": "forecaster",
    "volatility": "forecaster",
}
"""The space that the page of each task searches."""
TRANSLATION = ("dates", "pronunciation")
CORES = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--task", action="append", type=_task, help="only this, name or JSON; repeatable")
    parser.add_argument("--search-space", type=_name_or_json, help="another space, name or JSON")
    parser.add_argument("--networks", type=int, default=64, help="networks of each task")
    parser.add_argument("--epochs", type=int, help="epochs to train; those of the recipe by default")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for task in options.task or SPACES:
        rows.append(
            measure(task, options.search_space or SPACES[_name(task)], options.networks, options.epochs)
        )
        Console(stderr=True).print(rows[-1])
        if options.out:
            options.out.write_text(json.dumps(rows, indent=2) + "\n")
    report(rows)


def measure(chosen: Spec, spec: Spec, networks: int, epochs: int | None = None) -> dict[str, Any]:
    """Seconds for a network of a task, beside the target."""
    task = make_task(chosen)
    data = data_of(task)
    recipe = recipe_for({}, len(data.y_train))
    space = make_search_space(spec, task.input_shape, task.outputs, task.facts)
    rng = np.random.default_rng(0)
    trained = recipe.epochs if epochs is None else min(epochs, recipe.epochs)
    members = [Member(space.network(space.sample(rng)), 0, epochs=trained) for _ in range(networks)]
    warm_up = [Member(member.network, member.seed, epochs=1) for member in members[:1]]
    list(train(warm_up, data, recipe, cores=1))  # what is done once in a process is not timed
    start = time.process_time()
    list(train(members, data, recipe, cores=1))
    seconds = (time.process_time() - start) / networks * recipe.epochs / trained
    target = 5.0 if _name(chosen) in TRANSLATION else 1.0
    return {
        "task": _name(chosen),
        "task options": _options(chosen),
        "space": space.name,
        "space options": _options(spec),
        "networks": networks,
        "examples": len(data.y_train),
        "epochs": recipe.epochs,
        "trained": trained,
        "seconds": seconds,
        "on two cores": seconds / CORES,
        "target": target,
        "met": seconds / CORES <= target,
    }


def report(rows: list[dict[str, Any]]) -> None:
    """Print the table."""
    table = Table(title="Seconds for a network of a batch")
    for heading in ("task", "space", "networks", "examples", "epochs"):
        table.add_column(heading)
    for heading in ("one core", "two cores", "target", "met"):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(
            row["task"] + (", options" if row["task options"] else ""),
            row["space"] + (", options" if row["space options"] else ""),
            *(str(row[key]) for key in ("networks", "examples", "epochs")),
            *(f"{row[key]:.2f}" for key in ("seconds", "on two cores")),
            f"{row['target']:g}",
            "yes" if row["met"] else "no",
        )
    Console().print(table)


def _name(spec: Spec) -> str:
    return spec if isinstance(spec, str) else str(spec["name"])


def _options(spec: Spec) -> dict[str, Any]:
    return {} if isinstance(spec, str) else {key: value for key, value in spec.items() if key != "name"}


def _name_or_json(text: str) -> Any:
    return json.loads(text) if text.startswith("{") else text


def _task(text: str) -> Any:
    found = _name_or_json(text)
    if _name(found) not in SPACES:
        raise argparse.ArgumentTypeError(f"no built-in task {text!r}: pass one of {', '.join(SPACES)}")
    return found


if __name__ == "__main__":
    main()
