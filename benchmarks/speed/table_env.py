"""How fast are environments on a table, beside CartPole and the benchmark's own API?

    nas-gym benchmark import nasbench201 nasbench201_cifar10.csv.gz    # once
    python benchmarks/speed/table_env.py                                     # about a minute
    python benchmarks/speed/table_env.py --archive NATS-tss-v1_0-3ffb9-simple --out table_env.json

One process and one thread. `NASBench201-v0` and `CartPole-v1` are made by `gym.make` and
`gym.make_vec` with their defaults, wrappers included, and take turns, so that what else the machine
does meets both. What is timed is `step`, and `reset` where an episode of a single environment ends;
with it goes all of the contract (observation, reward, information, masks, account). The actions are
random ones, of NAS environments legal ones, which a walk from the same seed drew before, outside the
timed part. A step of a vector environment in which an environment only resets is not counted as
one of its steps.

Rates are by processor time, which other processes disturb less; beside them stands the wall clock.

warm: the states were visited and the run has asked for them before. new run: the states were
visited, the account is new. first visits: neither. A query of the official API is timed where
`nats_bench` and its archive are there; else the figure that was recorded is printed as such.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from rich.console import Console
from rich.table import Table

from nas_gym import (
    NASGymError,
    NASVectorEnv,  # noqa: F401 - its import is not timed
)
from nas_gym.evaluators import TableEvaluator
from nas_gym.tables import find_table, read_table

Pair = tuple[float, float]
NAS, CART = "NASBench201-v0", "CartPole-v1"
RECORDED = {"warm query": 30e-6, "first query": 9e-3}
SOURCE = "recorded with nats_bench 1.8 on another machine"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--envs", type=int, default=1024, help="environments of the vector ones")
    parser.add_argument("--steps", type=int, default=50_000, help="steps of a single environment, each turn")
    parser.add_argument("--calls", type=int, default=500, help="steps of a vector environment, each turn")
    parser.add_argument("--turns", type=int, default=7, help="turns; the median is shown")
    parser.add_argument("--archive", type=Path, help="of nats_bench, topology space")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    options = parser.parse_args()
    try:
        figures = {"settings": vars(options), "machine": machine(), "making": making()}
    except NASGymError as error:
        raise SystemExit(f"error: {error}") from None
    figures["rates"] = rates(options)
    figures["api"] = official_api(options.archive)
    show(figures)
    if options.out:
        options.out.write_text(json.dumps(figures, indent=2, default=str) + "\n")


def making() -> dict[str, float]:
    """Seconds to load the table and make the environment, and how the process grows, in bytes."""
    before, began = resident(), time.perf_counter()
    nas: Any = gym.make(NAS).unwrapped
    seconds = time.perf_counter() - began
    space = nas.search_space
    for architecture in space:
        space.edit_graph.number(architecture)
    return {"seconds": seconds, "bytes": resident() - before}


def resident() -> int:
    """Bytes of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


class Clock:
    """Adds up the processor time and the wall time of what runs within it, in seconds."""

    def __init__(self) -> None:
        self.processor = self.wall = 0.0

    def __enter__(self) -> None:
        self._began = time.process_time(), time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.processor += time.process_time() - self._began[0]
        self.wall += time.perf_counter() - self._began[1]

    def rates(self, steps: int) -> Pair:
        """Steps a second of both."""
        return steps / self.processor, steps / self.wall


def rates(options: argparse.Namespace) -> dict[str, list[Pair]]:
    """Steps a second of each case, by processor time and wall clock, one pair a turn."""
    nas, cart = gym.make(NAS), gym.make(CART)
    found = {"vector, first visits": [first_visits(options)]}
    all_nas: Any = gym.make_vec(NAS, num_envs=options.envs)
    all_cart = gym.make_vec(CART, num_envs=options.envs, vectorization_mode="vector_entry_point")
    cases: dict[str, Callable[[int], Pair]] = {
        "single, warm": lambda seed: single(nas, options.steps, seed),
        f"single, {CART}": lambda seed: single(cart, options.steps, seed),
        "vector, warm": lambda seed: vector(all_nas, options.calls, seed),
        "vector, new run": lambda seed: vector(all_nas, options.calls, seed, all_nas.start_run),
        f"vector, {CART}": lambda seed: vector(all_cart, options.calls, seed),
    }
    for seed in range(options.turns):
        for name, case in cases.items():
            found.setdefault(name, []).append(case(seed))
    return found


def first_visits(options: argparse.Namespace) -> Pair:
    """Steps a second of a walk that nobody walked before."""
    # Read anew, the table has a search space of its own, of which no state was visited.
    table = read_table(find_table("nasbench201", "cifar10"))
    envs = gym.make_vec("NAS-v0", num_envs=options.envs, evaluator=TableEvaluator(table))
    _, info = envs.reset(seed=0)
    rng, clock, ends = np.random.default_rng(0), Clock(), 0
    for _ in range(options.calls):
        actions = drawn(rng, envs, info)
        with clock:
            _, _, terminated, truncated, info = envs.step(actions)
        ends += int((terminated | truncated).sum())
    return clock.rates(options.calls * options.envs - ends)


def single(env: gym.Env[Any, Any], steps: int, seed: int) -> Pair:
    """Steps a second of a walk of one environment."""
    _, info = env.reset(seed=seed)
    rng, actions = np.random.default_rng(seed), []
    for _ in range(steps):
        legal = np.flatnonzero(info["action_mask"]) if "action_mask" in info else range(2)
        actions.append(int(rng.choice(legal)))
        _, _, terminated, truncated, info = env.step(actions[-1])
        if terminated or truncated:
            _, info = env.reset()
    env.reset(seed=seed)
    clock = Clock()
    with clock:
        for action in actions:
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()
    return clock.rates(steps)


def vector(
    envs: gym.vector.VectorEnv[Any, Any, Any],
    calls: int,
    seed: int,
    prepare: Callable[[], None] = lambda: None,
) -> Pair:
    """Steps a second of a walk of many environments, made again after `prepare`."""
    _, info = envs.reset(seed=seed)
    rng, walk, ends = np.random.default_rng(seed), [], 0
    for _ in range(calls):
        walk.append(drawn(rng, envs, info))
        _, _, terminated, truncated, info = envs.step(walk[-1])
        ends += int((terminated | truncated).sum())
    prepare()
    envs.reset(seed=seed)
    clock = Clock()
    with clock:
        for actions in walk:
            envs.step(actions)
    return clock.rates(calls * envs.num_envs - ends)


def drawn(
    rng: np.random.Generator, envs: gym.vector.VectorEnv[Any, Any, Any], info: dict[str, Any]
) -> np.ndarray:
    """An action for each environment, uniform over its legal ones."""
    count = envs.single_action_space.n  # type: ignore[attr-defined]
    if "action_mask" not in info:
        return rng.integers(count, size=envs.num_envs)
    actions: np.ndarray = (rng.random((envs.num_envs, count)) * info["action_mask"]).argmax(axis=1)
    return actions


def official_api(archive: Path | None) -> dict[str, Any]:
    """Seconds of a query of the official API: the first for an architecture, and a later one."""
    if archive is None:
        return RECORDED | {"source": SOURCE}
    try:
        create = import_module("nats_bench").create
    except ImportError:
        raise SystemExit("error: --archive is read by nats_bench: pip install nats_bench") from None
    api = create(str(archive), "tss", fast_mode=archive.is_dir(), verbose=False)
    queries: dict[str, float] = {}
    for name in ("first query", "warm query"):
        seconds = []
        for index in range(0, 15_625, 157):
            began = time.perf_counter()
            api.get_more_info(index, "cifar10", hp="200", is_random=False)
            seconds.append(time.perf_counter() - began)
        queries[name] = statistics.median(seconds)
    return queries | {"source": "measured in this run"}


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "platform": platform.platform(),
        "python": platform.python_version(),
        "gymnasium": gym.__version__,
        "numpy": np.__version__,
    }


def show(figures: dict[str, Any]) -> None:
    """Print the figures."""
    medians = {
        name: tuple(map(statistics.median, zip(*turns, strict=True)))
        for name, turns in figures["rates"].items()
    }
    table = Table(title=f"{NAS}: steps a second of processor time, and as a multiple of {CART}'s")
    heads = (
        "environment",
        "steps/s",
        "slowest turn",
        "microseconds",
        f"times {CART}",
        "steps/s by wall clock",
    )
    for head in heads:
        table.add_column(head, justify="left" if head == "environment" else "right")
    for name, turns in figures["rates"].items():
        steps, by_wall = medians[name]
        times = steps / medians[f"{name.split(',')[0]}, {CART}"][0]
        slowest = min(turn for turn, _ in turns)
        table.add_row(
            name, f"{steps:,.0f}", f"{slowest:,.0f}", f"{1e6 / steps:.2f}", f"{times:.2f}", f"{by_wall:,.0f}"
        )
    where, api, made = figures["machine"], figures["api"], figures["making"]
    table.caption = (
        f"{figures['settings']['envs']:,} environments in the vector ones; {where['cores']} cores, "
        f"load {where['load']:.1f}, gymnasium {where['gymnasium']}, numpy {where['numpy']}"
    )
    console = Console(width=110)
    console.print(table)
    console.print(
        f"one query of the official API: {api['warm query'] * 1e6:.0f} microseconds warm, "
        f"{api['first query'] * 1e3:.0f} ms the first time an architecture is asked ({api['source']}); "
        f"one step here: {1e6 / medians['single, warm'][0]:.1f} microseconds"
    )
    console.print(f"loading the table and making the environment, after imports: {made['seconds']:.3f} s")
    console.print(f"table and all transitions, resident: {made['bytes'] / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
