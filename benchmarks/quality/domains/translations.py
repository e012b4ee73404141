"""What networks of fixed size reach on the tasks of pairs: the plain baselines of the field.

    python benchmarks/quality/domains/translations.py                      # both tasks, 3 seeds
    python benchmarks/quality/domains/translations.py --task dates --seeds 1

Each architecture is trained with the default recipe. ``token accuracy`` has the right tokens in view,
``exact match`` and ``token errors`` are of greedily decoded answers; all are means over seeds on the test
part.
"""

from __future__ import annotations

import argparse
from statistics import fmean
from typing import Any

import gymnasium as gym
from rich.console import Console
from rich.table import Table

import nas_gym  # noqa: F401 - registers the ids

TASKS = ("pronunciation", "dates")
NETWORKS = {
    "GRU without attention, width 32": "width_32, gru_encoder, encoder_depth_1, heads_1: gru-none",
    "GRU with attention, width 32": "width_32, gru_encoder, encoder_depth_1, heads_1: gru-last",
    "transformer, a layer a side, width 32": (
        "width_32, transformer_encoder, encoder_depth_1, heads_4: transformer-last"
    ),
    "GRU both ways, attention, width 32": "width_32, both_ways_encoder, encoder_depth_1, heads_1: gru-last",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--task", action="append", choices=TASKS, help="only this task; repeatable")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each network")
    options = parser.parse_args()
    for task in options.task or TASKS:
        env: Any = gym.make("NAS-v0", search_space="seq2seq", task=task, store="memory").unwrapped
        table = Table("network", "parameters", "token accuracy", "exact match", "token errors", title=task)
        for name, text in NETWORKS.items():
            architecture = env.search_space.parse(text)
            scores = env.evaluator.test(architecture, range(options.seeds))
            table.add_row(
                name,
                f"{env.search_space.network(architecture).parameters:,}",
                f"{fmean(score.test_score for score in scores):.3f}",
                f"{fmean(score.metrics['decoded_exact_match'] for score in scores):.3f}",
                f"{fmean(score.metrics['decoded_token_errors'] for score in scores):.3f}",
            )
        Console(width=120).print(table)


if __name__ == "__main__":
    main()
