"""Searches of the agents that learn from nothing and of their rivals, recorded so that they can go on."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from nas_agents import label, make_agent
from nas_agents.pretrained.pool import Pool
from nas_agents.pretrained.training.landscapes import Landscape, draw_landscape
from nas_agents.pretrained.training.spaces import training_space

import nas_gym  # noqa: F401 - registers the ids
from nas_gym.evaluators import TableEvaluator
from nas_gym.tables import load_table, read_nasbench201

sys.path.append(str(Path(__file__).parents[1]))  # what the folders of quality/ share
from run_records import append_record, read_records, run_each

DATA = Path(__file__).parents[4] / "shared" / "data" / "nasbench201_cifar10.csv.gz"
TABLES = ("mlp-digits", "mlp-mnist1d", "conv-mnist1d")
DOMAIN_TABLES = ("recurrent-language_id", "conv-spoken_words", "graph-logp", "forecaster-seasonal")
"""The tables of text, speech, molecules and series, of two to four thousand networks each."""
PLAIN: dict[str, dict[str, Any]] = {
    "q-learning": {"name": "q-learning", "outputs": "actions"},
    "reinforce": {"name": "reinforce", "planning": 0, "learning_rate": 0.01},
    "dqn": {
        "name": "dqn",
        "outputs": "actions",
        "learning_rate": 1e-3,
        "gamma": 0.9,
        "epsilon_start": 1.0,
        "width": 64,
    },
    "ppo": {
        "name": "ppo",
        "outputs": "actions",
        "learning_rate": 5e-3,
        "n_steps": 20,
        "batch_size": 20,
        "n_epochs": 10,
        "gamma": 0.9,
        "ent_coef": 0.05,
        "width": 64,
    },
}
"""The textbook's form of each agent, as options."""
CHECKPOINTS = (30, 60, 100, 200, 500, 1000, 2000, 4000)
LANDSCAPE_SEED = 30_000
"""The first seed of drawn landscapes; the pretrained policy was trained and judged on others."""

Job = dict[str, Any]
Run = dict[str, Any]


def drawn(space: str, seed: int, kind: str = "any") -> str:
    """Return the name of a landscape that is drawn on a space of `nas_agents.pretrained.training.spaces`."""
    return f"drawn {kind} {space} {seed}"


@cache
def problem(name: str) -> tuple[gym.Env[Any, Any], np.ndarray]:
    """Return an environment, once in a process, and the scores of all of its architectures."""
    if name.startswith("drawn "):
        _, kind, space, seed = name.split()
        made = landscape(space, int(seed), None if kind == "any" else kind)
        return made.environment(), made.scores
    if name == "nasbench201":
        table = read_nasbench201(DATA, "cifar10")
    else:
        benchmark, _, task = name.partition("-")
        table = load_table(benchmark, task)
    evaluator = TableEvaluator(table)
    env = gym.make(
        "NAS-v0", search_space=table.search_space, task=evaluator.task, evaluator=evaluator, store="memory"
    )
    return env, evaluator.score_by_index()


def landscape(space: str, seed: int, kind: str | None) -> Landscape:
    """Return a drawn landscape."""
    return draw_landscape(pool(space), np.random.default_rng(LANDSCAPE_SEED + seed), kind)


@cache
def pool(space: str) -> Pool:
    """Return all architectures of a space for drawn landscapes, once in a process."""
    made = training_space(space)
    return Pool(made, list(made))


def searched(job: Job) -> Run:
    """Return a search as a record: the regret of the best network seen at each checkpoint that it reached.

    Regret is in units of the score; `spread` is the standard deviation of scores over the space.
    """
    env, scores = problem(job["problem"])
    start = time.process_time()
    found = make_agent(job["agent"]).search(env, job["budget"], job["seed"])
    best = np.maximum.accumulate([each.score for each in found.evaluations])
    regret = float(scores.max()) - best
    # A search that ends before its budget stays where it ended.
    at = {str(n): float(regret[min(n, len(regret)) - 1]) for n in CHECKPOINTS if n <= job["budget"]}
    return job | {
        "label": label(job["agent"]),
        "regret": at,
        "spread": float(scores.std()),
        "made": len(best),
        "steps": found.steps,
        "seconds": round(time.process_time() - start, 2),
    }


def work(job: Job, report: Callable[[Run], None]) -> None:
    """One search, in a process of its own where there are several."""
    report(searched(job))


def recorded(out: Path, jobs: Iterable[Job], workers: int, minutes: float = 1e9) -> list[Run]:
    """Return the records of jobs; those that `out` lacks are run and added to it.

    Args:
        out: file of records, a line of JSON each.
        jobs: problem, agent, seed and budget of each; those that come first are run first.
        workers: processes side by side.
        minutes: after so many no search is begun, so that a call ends; another one goes on.
    """
    runs = read_records(out)
    wanted = {_key(job): job for job in jobs}
    known = {_key(run) for run in runs}
    missing = [job for key, job in wanted.items() if key not in known]
    end = time.monotonic() + 60 * minutes

    def keep(run: Run) -> None:
        runs.append(run)
        append_record(out, run)

    if workers == 1:
        for job in missing:
            if time.monotonic() > end:
                break
            keep(searched(job))
    else:
        run_each(work, missing, workers, keep)
    return [run for run in runs if _key(run) in wanted]


def _key(job: Job) -> str:
    return json.dumps([job[name] for name in ("problem", "agent", "seed", "budget")], sort_keys=True)
