"""How honest the doubt of the model-based agent's surrogate is: deviations at the optimum.

    python benchmarks/quality/agents/surrogate_calibration.py
    python benchmarks/quality/agents/surrogate_calibration.py --table nasbench201 --seeds 100

A search evaluates so many networks; then the model of all of them is asked what it believes of the best of
the table, and of its best hundredth. A z is the true score less the expected one, in standard deviations of
what a training would show. Of a search that met the best there is nothing to ask, so such are left out.
Honest doubt has a root mean square of z near 1; a z of 6 at the optimum is a model that is sure and wrong.
"""

from __future__ import annotations

import argparse
from typing import Any

import gymnasium as gym
import numpy as np
from nas_agents import ModelBased
from nas_agents.model_based.planners import classes_of
from pretrained_landscapes import table_of
from rich.console import Console
from rich.table import Table as Grid

import nas_gym  # noqa: F401 - registers the ids
from nas_gym.evaluators import TableEvaluator

TABLES = ("mlp-mnist1d", "mlp-digits", "conv-mnist1d")
EVALUATIONS = (15, 30, 60)
TOP = 0.01


def main() -> None:
    options = _options()
    for name in options.table or TABLES:
        grid = Grid(title=f"{name}: deviations, {options.seeds} searches")
        heads = (
            "by class",
            "evaluations",
            "not met",
            "z at the optimum: median",
            "largest",
            "rms of the top 1%",
        )
        for head in heads:
            grid.add_column(head, justify="right")
        for by_class in (False, True):
            for count in EVALUATIONS:
                found = [deviations(name, count, seed, by_class=by_class) for seed in range(options.seeds)]
                asked = [each for each in found if each is not None]
                best = np.array([each[0] for each in asked])
                top = np.array([each[1] for each in asked])
                cells = ["-"] * 3
                if len(asked):
                    largest = best[np.argmax(np.abs(best))]
                    cells = [f"{np.median(best):.2f}", f"{largest:.2f}", f"{np.sqrt(np.mean(top**2)):.2f}"]
                grid.add_row(str(by_class), str(count), str(len(asked)), *cells)
        Console(width=120).print(grid)


def deviations(name: str, count: int, seed: int, *, by_class: bool) -> tuple[float, float] | None:
    """Return z at the optimum, and the root mean square over the top; None if the search met the optimum."""
    table = table_of(name)
    evaluator = TableEvaluator(table, seeds="mean")
    space: Any = table.search_space
    env = gym.make("NAS-v0", search_space=space, task=evaluator.task, evaluator=evaluator, store="memory")
    agent = ModelBased(by_class=by_class)
    history = agent.search(env, count, seed).evaluations
    scores = np.asarray(evaluator.score_by_index())
    seen = {space.parse(each.architecture): each.score for each in history}
    if max(seen.values()) >= scores.max():
        return None
    classes = classes_of(space, None, (("by_class", by_class), ("pieces", False), ("short", False)))
    model = agent.model(classes.features)
    told = list(seen)
    model.tell(told[: agent.first], [seen[each] for each in told[: agent.first]])
    model.tell(told[agent.first :], [seen[each] for each in told[agent.first :]])
    order = np.argsort(-scores)[: max(1, int(TOP * len(scores)))]
    asked = [space.architecture(int(number)) for number in order]
    mean, deviation = model.shown(model.beliefs(asked))
    # In the units of what the model was told.
    low, high = model.score(np.array([0.0, 1.0]))
    z = ((scores[order] - low) / (high - low) - mean) / deviation
    return float(z[0]), float(np.sqrt(np.mean(z**2)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--table", action="append", help=f"of {', '.join(TABLES)} (all), or nasbench201")
    parser.add_argument("--seeds", type=int, default=30, help="searches")
    return parser.parse_args()


if __name__ == "__main__":
    main()
