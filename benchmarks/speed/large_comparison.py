"""Does TensorBoard stay usable with a large comparison? What is written, how fast, and how fast it is served.

    python benchmarks/speed/large_comparison.py                     # 15 agents, 500 seeds: minutes
    python benchmarks/speed/large_comparison.py --seeds 20 --tensorboard all

A comparison on a table is made in `--logdir` (given again, it goes on where it was). Then its TensorBoard
files are written anew and counted, and TensorBoard is started on them:

written: seconds in which the runs of the agents are written from the finished runs, with the figures that the
report has anyway; with ``--tensorboard all`` the runs themselves are written while they are made.
listed: seconds from the start of TensorBoard until it lists every run.
answers: seconds until it then answers with a curve of every agent, one request after the other.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import nas_agents

ENV, PORT = "NASTable-MLP-v0", 6116
TAG = "incumbent/mean"
# Cheap ones, several with other hyperparameters.
AGENTS: list[Any] = [
    "random",
    "random-walk",
    "greedy-walk",
    "local-search",
    "brute-force",
    "evolution",
    *({"name": "evolution", "population": size} for size in (8, 16, 32)),
    "q-learning",
    *({"name": "q-learning", "alpha": alpha} for alpha in (0.05, 0.2, 0.4, 0.8)),
    "reinforce",
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=500, help="runs an agent")
    parser.add_argument("--budget", type=int, default=30, help="evaluations of a run")
    parser.add_argument("--jobs", type=int, default=None, help="processes, by default one per core")
    parser.add_argument("--tensorboard", choices=["all", "aggregate"], default="aggregate")
    parser.add_argument("--logdir", default="tensorboard_logs/benchmark")
    options = parser.parse_args()
    begun = time.perf_counter()
    found = nas_agents.compare(
        AGENTS,
        ENV,
        options.seeds,
        options.budget,
        logdir=options.logdir,
        name=options.tensorboard,
        jobs=options.jobs,
        tensorboard=options.tensorboard,
    )
    runs = len(found.finished)
    print(f"{len(AGENTS)} agents, {runs:,} runs of {options.budget} evaluations: {seconds(begun)}")
    begun = time.perf_counter()
    found.report()
    files = list(found.folder.rglob("events.out.tfevents.*"))
    size = sum(path.stat().st_size for path in files)
    print(f"written: {seconds(begun)} with the whole report")
    print(
        f"{len(files):,} event files, {size / 1e6:.1f} MB, {size / runs / 1e3:.1f} kB a run of the comparison"
    )
    serve(found.folder, {str(path.parent.relative_to(found.folder)) for path in files})


def serve(folder: Path, expected: set[str]) -> None:
    """Start TensorBoard on a folder, and time its answers."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder), "--port", str(PORT)]
    server = subprocess.Popen([*command, "--host", "127.0.0.1"], stderr=subprocess.DEVNULL)  # noqa: S603 - a fixed command
    try:
        while (listed := len(expected & set(ask("runs") or ()))) < len(expected):
            if time.perf_counter() - begun > 600:
                print(f"listed: {listed:,} of {len(expected):,} runs after {seconds(begun)}")
                return
            time.sleep(0.2)
        print(f"listed: {len(expected):,} runs after {seconds(begun)}")
        begun = time.perf_counter()
        curves = [run for run in expected if run.startswith("aggregate/")]
        points = [ask("plugin/scalars/scalars", run=run, tag=TAG) for run in curves]
        shortest = min(map(len, points))
        print(f"answers: {len(curves)} curves of at least {shortest} points in {seconds(begun)}")
    finally:
        server.terminate()
        server.wait()


def ask(path: str, **query: str) -> Any:
    """Return what TensorBoard answers; None while it does not."""
    url = f"http://127.0.0.1:{PORT}/data/{path}?{urllib.parse.urlencode(query)}"
    try:
        with urllib.request.urlopen(url, timeout=60) as response:
            return json.load(response)
    except (OSError, ValueError):
        return None


def seconds(begun: float) -> str:
    return f"{time.perf_counter() - begun:.1f} s"


if __name__ == "__main__":
    main()
