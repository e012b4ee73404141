"""How much sooner does PPO have its evaluations from the native vector environment?

    python benchmarks/speed/vector_env.py                             # 64 environments, 500 evaluations
    python benchmarks/speed/vector_env.py --evaluations 50 --repeats 1 --out vector_env.json

MaskablePPO collects from `NAS-v0` (defaults: mlp on mnist1d, real training) with the same seed from
the native vector environment, and from Gymnasium's SyncVectorEnv and stable-baselines3's
DummyVecEnv over single environments. Each starts with a fresh store in memory, which its
environments share together with one account, so that no arm trains an architecture twice; each run
has a process of its own, and its clock starts after one network was trained to warm up. The time
is that to the given number of distinct evaluations, the updates of PPO included. Purity makes all
arms see the same rewards, take the same edits and make the same evaluations; this is checked.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import gymnasium as gym
from rich.console import Console
from rich.table import Table

import nas_gym  # noqa: F401 - registers the ids
from nas_gym.envs import BudgetExhausted, Ledger

ENDLESS = 2**62


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--evaluations", type=int, default=500, help="distinct evaluations to wait for")
    parser.add_argument("--envs", type=int, default=64, help="environments")
    parser.add_argument("--n-steps", type=int, default=4, help="steps of each environment between updates")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each arm, taking turns")
    parser.add_argument("--arm", action="append", choices=ARMS, help="only this arm; repeatable")
    parser.add_argument("--seed", type=int, default=0, help="of PPO and of the first environment")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    options = parser.parse_args()
    arms = options.arm or list(ARMS)
    settings = {
        "count": options.envs,
        "evaluations": options.evaluations,
        "n_steps": options.n_steps,
        "seed": options.seed,
    }
    runs: dict[str, list[dict[str, Any]]] = {arm: [] for arm in arms}
    for number in range(options.repeats):
        for arm in arms:
            runs[arm].append(in_own_process(arm, settings))
            seconds = runs[arm][-1]["seconds"]
            print(f"run {number + 1} of {options.repeats}, {arm}: {seconds:.2f} s", flush=True)
    figures = {"settings": settings, "machine": machine(), "arms": summary(runs)}
    figures["same_evaluations"] = same_evaluations(runs)
    Console(width=130).print(as_table(figures))
    if options.out:
        options.out.write_text(json.dumps(figures, indent=2) + "\n")


def in_own_process(arm: str, settings: dict[str, int]) -> dict[str, Any]:
    """One run, in a process started for it."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(collect, arm, **settings).result()


def collect(arm: str, count: int, evaluations: int, n_steps: int, seed: int) -> dict[str, Any]:
    """Let PPO collect until the run has its evaluations."""
    from sb3_contrib import MaskablePPO

    warm_up()
    venv, ledger = ARMS[arm](count, evaluations)
    venv.seed(seed)
    model = MaskablePPO(
        "MultiInputPolicy", venv, n_steps=n_steps, batch_size=64, gamma=0.9, seed=seed, device="cpu"
    )
    began = time.perf_counter()
    try:
        model.learn(ENDLESS)
    except BudgetExhausted as exhausted:
        stopped = exhausted.reason
    seconds = time.perf_counter() - began
    return {
        "seconds": seconds,
        "stopped": stopped,
        "waiting_seconds": ledger.stats.seconds,
        "recorded_seconds": ledger.stats.cost,
        "unique": ledger.stats.unique,
        "steps": ledger.stats.steps,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "history": [[found.architecture, found.score] for found in ledger.history],
    }


def warm_up() -> None:
    """Train one network, so that no arm pays for what a library does once."""
    gym.make("NAS-v0", store="memory").unwrapped.evaluate("tanh-64")  # type: ignore[attr-defined]


def native(count: int, evaluations: int) -> tuple[Any, Ledger]:
    """The native vector environment."""
    from nas_gym.envs import SB3VecEnv

    envs: Any = gym.make_vec("NAS-v0", num_envs=count, autoreset_mode="same_step", store="memory")
    envs.start_run(evaluations)
    return SB3VecEnv(envs), envs.ledger


def sync(count: int, evaluations: int) -> tuple[Any, Ledger]:
    """Gymnasium's vector environment over single ones."""
    from gymnasium.vector import AutoresetMode, SyncVectorEnv

    from nas_gym.envs import SB3VecEnv

    makers, ledger = singles(count, evaluations)
    return SB3VecEnv(SyncVectorEnv(makers, autoreset_mode=AutoresetMode.SAME_STEP)), ledger


def dummy(count: int, evaluations: int) -> tuple[Any, Ledger]:
    """The vector environment of stable-baselines3 over single ones."""
    from stable_baselines3.common.vec_env import DummyVecEnv

    makers, ledger = singles(count, evaluations)
    return DummyVecEnv(makers), ledger


def singles(count: int, evaluations: int) -> tuple[list[Callable[[], Any]], Ledger]:
    """Makers of single environments that share an evaluator, its store and an account."""
    first: Any = gym.make("NAS-v0", store="memory")
    ledger = Ledger(first.unwrapped.evaluator, evaluations)

    def make() -> Any:
        env: Any = gym.make("NAS-v0", task=first.unwrapped.task, evaluator=ledger.evaluator)
        env.unwrapped.ledger = ledger
        return env

    return [make] * count, ledger


ARMS: dict[str, Callable[[int, int], tuple[Any, Ledger]]] = {
    "native": native,
    "SyncVectorEnv": sync,
    "DummyVecEnv": dummy,
}


def summary(runs: dict[str, list[dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Medians of each arm, and its time as a multiple of the native one's."""
    rows: dict[str, dict[str, Any]] = {}
    for arm, results in runs.items():
        keys = [key for key in results[0] if key not in ("history", "stopped")]
        rows[arm] = {key: statistics.median(result[key] for result in results) for key in keys}
        rows[arm] |= {"stopped": results[0]["stopped"], "runs": [result["seconds"] for result in results]}
    if "native" in rows:
        for row in rows.values():
            row["times_native"] = row["seconds"] / rows["native"]["seconds"]
    return rows


def same_evaluations(runs: dict[str, list[dict[str, Any]]]) -> bool:
    """Whether all runs made the same evaluations, in the same order and with the same accuracies."""
    histories = [result["history"] for results in runs.values() for result in results]
    return all(history == histories[0] for history in histories)


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    import torch

    return {
        "cores": os.cpu_count(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
    }


def as_table(figures: dict[str, Any]) -> Table:
    """The figures as a table."""
    settings = figures["settings"]
    table = Table(
        title=f"PPO on {settings['count']} environments: time to {settings['evaluations']} evaluations"
    )
    heads = ("environments", "seconds", "times native", "evaluations/s", "evaluating", "steps", "peak MiB")
    for head in heads:
        table.add_column(head, justify="left" if head == "environments" else "right")
    for arm, row in figures["arms"].items():
        table.add_row(
            arm,
            f"{row['seconds']:.2f}",
            f"{row['times_native']:.2f}" if "times_native" in row else "",
            f"{row['unique'] / row['seconds']:.1f}",
            f"{row['waiting_seconds'] / row['seconds']:.0%}",
            f"{row['steps']:.0f}",
            f"{row['peak_bytes'] / 2**20:.0f}",
        )
    same = "the same evaluations in all runs" if figures["same_evaluations"] else "evaluations DIFFER"
    table.caption = f"{same}; {figures['machine']['cores']} cores, torch {figures['machine']['torch']}"
    return table


if __name__ == "__main__":
    main()
