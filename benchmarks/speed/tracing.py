"""What does a trace cost? Searches with one around the environment, beside searches without.

    python benchmarks/speed/tracing.py                     # half a minute
    python benchmarks/speed/tracing.py --agents q-learning --budget 1000

A search of `--budget` evaluations on a table, in an environment made before, by processor time of all
threads; a traced one ends with `finish`, when every file of its folder is written. The two take turns.

first: each in a process of its own in which nothing was searched before, so that what it imports counts.
again: later ones of one process, the fastest of `--turns`. A search on a table takes a few milliseconds,
so that the pictures of a run, which are as many for every budget, stand out; where networks are trained
they are a small part of one evaluation.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import gymnasium as gym
from nas_agents import make_agent
from rich.console import Console
from rich.table import Table

import nas_gym  # noqa: F401 - registers the ids

ENV = "NASTable-MLP-v0"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--agents", default="q-learning,evolution,random,ppo", help="names with commas between"
    )
    parser.add_argument("--budget", type=int, default=100, help="evaluations of a search")
    parser.add_argument("--turns", type=int, default=7, help="searches of each kind in one process")
    parser.add_argument("--once", choices=["traced", "untraced"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    agents = options.agents.split(",")
    if options.once:
        print(seconds(agents[0], options.budget, traced=options.once == "traced"))
        return
    table = Table(title=f"{options.budget} evaluations on {ENV}: milliseconds, and how many times as long")
    for heading in ("agent", "first", "first, traced", "ratio", "again", "again, traced", "ratio"):
        table.add_column(heading, justify="left" if heading == "agent" else "right")
    for agent in agents:
        first = [alone(agent, options.budget, kind, options.turns) for kind in ("untraced", "traced")]
        pairs = [
            [seconds(agent, options.budget, traced=traced) for traced in (False, True)]
            for _ in range(options.turns + 1)
        ]
        again = [min(times) for times in zip(*pairs[1:], strict=True)]
        table.add_row(agent, *row(first), *row(again))
    Console().print(table)


def row(times: list[float]) -> list[str]:
    """Cells of an untraced and a traced time in seconds."""
    return [*(f"{1000 * each:.1f}" for each in times), f"{times[1] / times[0]:.1f}"]


def alone(agent: str, budget: int, kind: str, turns: int) -> float:
    """Processor seconds of the first search of a process, the least of a few processes."""
    command = [sys.executable, __file__, "--agents", agent, "--budget", str(budget), "--once", kind]
    runs = [
        subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - this file itself
        for _ in range(min(turns, 3))
    ]
    return min(float(done.stdout) for done in runs)


def seconds(agent: str, budget: int, *, traced: bool) -> float:
    """Processor seconds of one search."""
    env = gym.make(ENV)
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        if traced:
            from nas_gym.traces import Trace

            recorded = Trace(env, Path(folder) / "run", agent=agent)
            found = make_agent(agent).search(recorded, budget)
            recorded.finish(found.as_dict())
        else:
            make_agent(agent).search(env, budget)
        return time.process_time() - began


if __name__ == "__main__":
    main()
