"""Which landscapes are fit to rank agents: do architectures differ beyond the noise of training?

    python benchmarks/quality/landscape.py   # every case of CASES, a sample of each
    python benchmarks/quality/landscape.py --case "default: mlp on mnist1d" --all   # all of one case

Each architecture is trained with three seeds. A landscape is fit if the standard deviation over
architectures is at least 3 times the noise (the standard deviation over seeds, which is the
standard error of a one-seed reward), the Spearman correlation between two seeds is at least .7 and
at least .4 in the top tenth (the tenth is chosen by a third seed), and fewer than 1% of the
architectures share the highest accuracy. ``gap`` is what a search can win: the best mean accuracy
found minus the expected mean accuracy of the best of 60 random architectures (chosen by one seed).
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import spearmanr

import nas_gym  # noqa: F401 - registers the ids
from nas_gym.cli import training_bar
from nas_gym.evaluators import Request

SEEDS = (0, 1, 2)
TABLE_TASK = {"name": "mnist1d", "train_size": 3000, "validation_size": 3000}
SMALL_CONV = {
    "name": "conv",
    "max_layers": 4,
    "operations": ["conv3", "conv5", "max_pool"],
    "channels": [4, 8],
    "activations": ["relu"],
}
FORECASTER = {
    "name": "forecaster",
    "kinds": ["linear", "average", "perceptron", "generic", "trend", "season", "causal"],
}
"""As it was when its figures were measured, before recurrent blocks."""
CASES: dict[str, dict[str, Any]] = {
    "default: mlp on mnist1d": {},
    "mlp on mnist1d, 5 epochs": {"evaluator": {"recipe": {"epochs": 5}}},
    "mlp on mnist1d, 1,000 for training": {"task": {"name": "mnist1d", "train_size": 1000}},
    "mlp on digits": {"task": "digits"},
    "mlp on digits, 200 for training": {
        "task": {"name": "digits", "train_size": 200, "validation_size": 800}
    },
    "mlp on breast_cancer": {"task": "breast_cancer"},
    "conv on mnist1d": {"search_space": "conv"},
    "conv on digits": {"search_space": "conv", "task": "digits"},
    "cell on mnist1d": {"search_space": "cell"},
    "cell on mnist1d, 500 for training": {
        "search_space": "cell",
        "task": {"name": "mnist1d", "train_size": 500},
    },
    "cell on digits": {"search_space": "cell", "task": "digits"},
    "graph on melting_point": {"search_space": "graph", "task": "melting_point"},
    "graph on melting_point, random split": {
        "search_space": "graph",
        "task": {"name": "melting_point", "split": "random"},
    },
    "graph on logp": {"search_space": "graph", "task": "logp"},
    "tabular on inorganic_density": {"search_space": "tabular", "task": "inorganic_density"},
    "mlp on friedman": {"task": "friedman"},
    "mlp on friedman2": {"task": {"name": "friedman", "function": "friedman2"}},
    "mlp on diabetes": {"task": "diabetes"},
    "conv on mnist5k": {
        "search_space": SMALL_CONV,
        "task": {"name": "mnist5k", "train_size": 1000, "validation_size": 1000},
        "evaluator": {"recipe": {"epochs": 8}},
    },
    "conv on scene_digits": {"search_space": SMALL_CONV, "task": "scene_digits"},
    "conv on scene_digits, plain and small": {
        "search_space": SMALL_CONV,
        "task": {
            "name": "scene_digits",
            "side": 16,
            "difficulty": 0.0,
            "train_size": 1000,
            "validation_size": 1000,
            "test_size": 1000,
        },
    },
    **{
        f"forecaster on {task}": {"search_space": FORECASTER, "task": task}
        for task in ("glucose", "seasonal", "volatility")
    },
    "asr_cell on spoken_words": {
        "search_space": "asr_cell",
        "task": "spoken_words",
        "evaluator": {"recipe": {"epochs": 10}},
    },
    "transformer on language_id": {"search_space": "transformer", "task": "language_id"},
    "recurrent on language_id": {"search_space": "recurrent", "task": "language_id"},
    "transformer on spelling": {"search_space": "transformer", "task": "spelling"},
    "the table conv-mnist1d": {
        "search_space": {
            "name": "conv",
            "max_layers": 3,
            "operations": ["conv3", "conv7", "max_pool"],
            "channels": [4, 8],
            "activations": ["relu", "tanh"],
        },
        "task": TABLE_TASK,
        "evaluator": {"recipe": {"epochs": 12, "learning_rate": 0.02}},
    },
    "left out of the tables: cell of 4 operations on mnist1d": {
        "search_space": {
            "name": "cell",
            "operations": ["none", "skip_connect", "nor_conv_3x3", "avg_pool_3x3"],
            "channels": [8],
            "cells": 1,
        },
        "task": TABLE_TASK,
        "evaluator": {"recipe": {"epochs": 6, "learning_rate": 0.03}},
    },
    "seq2seq on pronunciation": {"search_space": "seq2seq", "task": "pronunciation"},
    "seq2seq on dates": {"search_space": "seq2seq", "task": "dates"},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--case", action="append", choices=CASES, help="only this case; repeatable")
    parser.add_argument("--architectures", type=int, default=200, help="size of the random sample")
    parser.add_argument("--all", action="store_true", help="every architecture instead of a sample")
    parser.add_argument("--store", default="memory", help="file of results, so that an ended run goes on")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    options = parser.parse_args()
    sample = None if options.all else options.architectures
    rows = {case: measure(case, sample, options.store) for case in options.case or CASES}
    Console(width=150).print(as_table(rows))
    if options.out:
        options.out.write_text(json.dumps(rows, indent=2) + "\n")


def measure(case: str, sample: int | None, store: str = "memory") -> dict[str, Any]:
    """The figures of one case."""
    env = make(CASES[case], store)
    space = env.search_space
    whole = sample is None or sample >= space.size
    texts = [str(architecture) for architecture in space] if whole else draw(space, sample)
    scores, seconds = train_all(env, texts, case)
    counts = {"size": space.size, "architectures": len(texts), "seconds_per_network": seconds}
    return summary(scores) | counts


def make(case: dict[str, Any], store: str = "memory") -> Any:
    """The environment of a case."""
    evaluator = {"name": "train"} | case.get("evaluator", {})
    return gym.make("NAS-v0", **case | {"evaluator": evaluator, "store": store}).unwrapped


def draw(space: Any, count: int) -> list[str]:
    """Different architectures drawn uniformly."""
    rng = np.random.default_rng(0)
    texts: dict[str, None] = {}
    while len(texts) < count:
        texts[str(space.sample(rng))] = None
    return list(texts)


def train_all(env: Any, texts: list[str], label: str) -> tuple[np.ndarray, float]:
    """Accuracies (architectures, seeds) and the wall seconds per training."""
    requests = [Request(env.search_space.parse(text), seed) for text in texts for seed in SEEDS]
    scores = np.zeros(len(requests))
    start = time.perf_counter()
    print(label)
    with training_bar(env.evaluator):
        for position, evaluation in env.evaluator.stream(requests):
            scores[position] = evaluation.score
    return scores.reshape(len(texts), len(SEEDS)), (time.perf_counter() - start) / len(requests)


def summary(scores: np.ndarray) -> dict[str, Any]:
    """The figures of accuracies (architectures, seeds)."""
    means = scores.mean(axis=1)
    noise = float(np.sqrt(scores.var(axis=1, ddof=1).mean()))
    # The variance of means over architectures holds a share of the noise, which is taken off.
    spread = float(np.sqrt(max(0.0, means.var(ddof=1) - noise**2 / scores.shape[1])))
    pairs = list(itertools.combinations(range(len(SEEDS)), 2))
    whole = float(np.mean([_spearman(scores[:, a], scores[:, b]) for a, b in pairs]))
    top = float(np.mean([_top_tenth(scores, a, b) for a, b in pairs]))
    tied = float(np.mean([((column == column.max()).sum() - 1) / len(column) for column in scores.T]))
    fit = spread >= 3 * noise and whole >= 0.7 and top >= 0.4 and tied < 0.01
    return {
        "best": float(means.max()),
        "median": float(np.median(means)),
        "spread": spread,
        "noise": noise,
        "spearman": whole,
        "spearman_top_tenth": top,
        "tied_at_the_top": tied,
        "gap_of_60_random": float(means.max()) - best_of_random(scores, 60),
        "fit": fit,
    }


def best_of_random(scores: np.ndarray, count: int, repeats: int = 2000) -> float:
    """Expected mean accuracy of the best by the first seed among `count` random architectures."""
    rng = np.random.default_rng(0)
    values = []
    for _ in range(repeats):
        drawn = rng.choice(len(scores), min(count, len(scores)), replace=False)
        best = drawn[scores[drawn, 0].argmax()]
        values.append(scores[best].mean())
    return float(np.mean(values))


def _top_tenth(scores: np.ndarray, a: int, b: int) -> float:
    """Correlation between two seeds in the tenth that the third seed puts at the top."""
    (third,) = set(range(len(SEEDS))) - {a, b}
    top = np.argsort(-scores[:, third], kind="stable")[: max(3, len(scores) // 10)]
    return _spearman(scores[top, a], scores[top, b])


def _spearman(x: np.ndarray, y: np.ndarray) -> float:
    if x.std() == 0 or y.std() == 0:
        return 0.0
    return float(spearmanr(x, y).statistic)


def as_table(rows: dict[str, dict[str, Any]]) -> Table:
    """The figures as a table."""
    table = Table(title="Landscapes: do architectures differ beyond the noise of training?")
    heads = (
        "case",
        "trained",
        "s/network",
        "best",
        "spread",
        "noise",
        "ratio",
        "rho",
        "rho top",
        "tied",
        "gap",
        "fit",
    )
    for head in heads:
        table.add_column(head, justify="left" if head == "case" else "right")
    for case, row in rows.items():
        table.add_row(
            case,
            f"{row['architectures']:,} of {row['size']:.4g}",
            f"{row['seconds_per_network']:.3f}",
            f"{row['best']:.3f}",
            f"{row['spread']:.4f}",
            f"{row['noise']:.4f}",
            f"{row['spread'] / max(row['noise'], 1e-9):.1f}",
            f"{row['spearman']:.2f}",
            f"{row['spearman_top_tenth']:.2f}",
            f"{row['tied_at_the_top']:.1%}",
            f"{row['gap_of_60_random']:.3f}",
            "yes" if row["fit"] else "no",
        )
    return table


if __name__ == "__main__":
    main()
