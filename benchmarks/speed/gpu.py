"""How fast is the engine on a GPU? One command, under 5 minutes on an H100.

    python -m benchmarks.speed.gpu --json gpu.json       # or: make gpu
    python -m benchmarks.speed.gpu --device cpu --small  # tries the script out where there is no GPU
    python -m benchmarks.speed.gpu --device cpu --part kernels  # counts kernels a step, which takes no GPU

cases: the engine beside the ordinary loop (`ordinary_loop.py`) on the same device, same networks, recipe and
data; where the engine's time goes; kernels of a step, by its list and as the card reports, of at most 512
networks; the least time by arithmetic and by memory traffic, at the rates of a large product and of a large
copy on this device. Shares of several streams add up to more than the whole.
spaces: the same for the other spaces of the package, fewer networks for two epochs.
kernels: kernels of a step by its list alone, of 64 networks of every space, as a GPU would start them.
ways: convolutions by a library's grouped convolution, and as products. streams: chunks side by side.
precision: final accuracies beside those of the CPU engine. jax: two-layer perceptrons of equal shape in JAX,
warm, and its compilation. tests: those marked `cuda`.

A part that fails is named, the others go on; the JSON is written after each. A row that would begin after
``--minutes`` is left out, and named.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.speed import gpu_figures as figures_of
from benchmarks.speed.training_worker import FITTING, TASKS, draw
from nas_gym.errors import NASGymError
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import make_task
from nas_gym.training import PATHS, Member, Recipe, TrainingData, paths_set, resolve_device, training_data

ROOT = Path(__file__).parents[2]
CASES: dict[str, dict[str, Any]] = {
    "mlp on digits, 256": {"space": "mlp", "task": "digits", "networks": 256, "ordinary": 4},
    "mlp on digits, all": {"space": "mlp", "task": "digits", "networks": None, "ordinary": 4},
    "equal perceptrons, 128": {
        "space": "mlp",
        "task": "digits",
        "networks": 128,
        "same": True,
        "ordinary": 2,
    },
    "equal perceptrons, 1024": {
        "space": "mlp",
        "task": "digits",
        "networks": 1024,
        "same": True,
        "ordinary": 2,
    },
    "cell on mnist1d, 64": {"space": "cell", "task": "mnist1d", "networks": 64, "ordinary": 2},
    "cell on mnist1d, 256": {"space": "cell", "task": "mnist1d", "networks": 256, "ordinary": 2},
    "conv on mnist1d, 64": {"space": "conv", "task": "mnist1d", "networks": 64, "ordinary": 2},
    "conv on mnist1d, 256": {"space": "conv", "task": "mnist1d", "networks": 256, "ordinary": 2},
    "cell on digits, 512": {"space": "cell", "task": "digits", "networks": 512, "ordinary": 2},
}
SPACES: dict[str, dict[str, Any]] = {
    f"{space} on {tasks[0]}, {networks}": {
        "space": space,
        "task": tasks[0],
        "networks": networks,
        "ordinary": 1,
    }
    for space, tasks in FITTING.items()
    if space not in ("mlp", "conv", "cell")
    for networks in (16 if space in ("macro", "seq2seq") else 64,)
}
COUNTED = 64
"""Networks of which kernels are counted."""
SMALL = 128
"""Examples of a part, where the script is tried out."""
WAYS = {"library": True, "products": False}
STREAMS = (1, 4, 16)
PARTS = ("cases", "tests", "precision", "jax", "kernels", "spaces", "ways", "streams")
TABLES = ("cases", "spaces", "ways", "streams")
"""Parts whose rows are those of one table."""
COLUMNS = ("case", "engine", "ordinary", "ratio", "set-up", "steps", "evaluation", "results", "ms a step")
MORE_COLUMNS = ("kernels listed", "on the card", "least: arithmetic", "memory")


class Figures:
    """All measurements of one device.

    Args:
        device: what is measured.
        small: whether only a few networks are trained, for an epoch.
        seconds: time after which no row is begun.
    """

    def __init__(self, device: torch.device, small: bool, seconds: float = math.inf) -> None:
        self._device, self._small = device, small
        self._end = time.monotonic() + seconds
        self._recipe = Recipe(epochs=1 if small else 10, batch_size=64, learning_rate=0.01)

    def cases(self) -> dict[str, Any]:
        """Every case, beside the ordinary loop and the floors."""
        peaks = figures_of.peaks(self._device, self._small)
        rows = {name: self._row(case, self._recipe, peaks) for name, case in CASES.items()}
        return {"rates": peaks, **rows}

    def spaces(self) -> dict[str, Any]:
        """The other spaces of the package."""
        peaks = figures_of.peaks(self._device, small=True)
        recipe = replace(self._recipe, epochs=1 if self._small else 2)
        return {name: self._row(case, recipe, peaks) for name, case in SPACES.items()}

    def kernels(self) -> dict[str, int]:
        """Kernels that a step starts on a GPU, by its list, of networks of every space."""
        counts = {}
        for space, (task, *_) in FITTING.items():
            members, data = self._load({"space": space, "task": task, "networks": COUNTED})
            counts[f"{space} on {task}, {len(members)}"] = figures_of.listed(members, data, self._recipe)
        return counts

    def _row(self, case: dict[str, Any], recipe: Recipe, peaks: dict[str, float]) -> dict[str, Any]:
        """A case beside the ordinary loop and the floors."""
        if time.monotonic() > self._end:
            return {"left out": "no time was left"}
        members, data = self._load(case)
        row = figures_of.engine(members, data, recipe)
        row["ordinary"] = figures_of.ordinary(members, data, recipe, case["ordinary"])
        row["ratio"] = row["ordinary"] / row["seconds"]
        row["kernels"] = figures_of.kernels(members[:512], data, recipe)
        row["least"] = figures_of.floors(members, data, recipe, peaks)
        return row

    def ways(self) -> dict[str, Any]:
        """The convolutional spaces by each way of convolving."""
        rows = {}
        for name in ("conv on mnist1d, 64", "cell on mnist1d, 64"):
            members, data = self._load(CASES[name])
            for way, library in WAYS.items():
                if time.monotonic() > self._end:
                    return rows
                paths = replace(PATHS["cuda"], library_convolutions=library)
                with paths_set(self._device.type, paths):
                    row = figures_of.engine(members, data, self._recipe)
                    row["kernels"] = figures_of.kernels(members, data, self._recipe)
                rows[f"{name}, {way}"] = row
        return rows

    def streams(self) -> dict[str, Any]:
        """Chunks on several streams."""
        rows = {}
        for name in ("conv on mnist1d, 64", "cell on mnist1d, 64"):
            members, data = self._load(CASES[name])
            for streams in STREAMS:
                if time.monotonic() > self._end:
                    return rows
                rows[f"{name}, {streams} streams"] = figures_of.engine(
                    members, data, self._recipe, streams=streams
                )
        return rows

    def precision(self) -> dict[str, Any]:
        """Final accuracies of perceptrons beside those of the CPU engine."""
        case = {**CASES["mlp on digits, 256"], "networks": 128}
        members, data = self._load(case)
        _, there = self._load(case, torch.device("cpu"))
        expected = figures_of.accuracies(members, there, self._recipe)
        rows = {}
        for precision in ("float32", "tf32", "bfloat16") if self._device.type == "cuda" else ("float32",):
            found = figures_of.accuracies(members, data, replace(self._recipe, precision=precision))
            rows[precision] = figures_of.agreement(found, expected)
        return rows

    def jax(self) -> Any:
        """Perceptrons of equal shape in JAX, in a process of its own."""
        if importlib.util.find_spec("jax") is None:
            return "jax is not installed"
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
        rows = {}
        for networks in (8,) if self._small else (128, 1024):
            case = {"space": "mlp", "task": "digits", "networks": networks, "same": True, "kind": "jax"}
            command = [sys.executable, "-m", "benchmarks.speed.training_worker", json.dumps(case)]
            done = subprocess.run(  # noqa: S603
                command, capture_output=True, text=True, check=True, cwd=ROOT, env=environment
            )
            rows[str(networks)] = json.loads(done.stdout.splitlines()[-1])
        return rows

    def tests(self) -> dict[str, Any]:
        """The tests that need a GPU."""
        if time.monotonic() > self._end:
            return {"left out": "no time was left"}
        folders = ["tests/training", *([] if self._small else ["tests/evaluators"])]
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "cuda", *folders]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)  # noqa: S603
        lines = done.stdout.splitlines()
        failed = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
        return {"exit code": done.returncode, "summary": lines[-1:], "failed": failed}

    def _load(
        self, case: dict[str, Any], device: torch.device | None = None
    ) -> tuple[list[Member], TrainingData]:
        if self._small:
            case = {**case, "networks": 4}
        task = make_task(TASKS[case["task"]])
        if case["networks"] is None:
            space = make_search_space(case["space"], task.input_shape, task.outputs, task.facts)
            members = [Member(space.network(architecture), 0) for architecture in space]
        else:
            members = draw(case, task)
        arrays = (task.x_train, task.y_train, task.x_validation, task.y_validation)
        parts = (array[:SMALL] for array in arrays) if self._small else arrays
        (data, *_) = training_data(device or self._device, *parts, loss=task.target.loss)
        return members, data


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--device", default="cuda", help="auto, cpu, cuda, ...")
    parser.add_argument("--small", action="store_true", help="4 networks of each case, two batches of data")
    parser.add_argument("--part", action="append", choices=PARTS, help="only this part; repeatable")
    parser.add_argument("--minutes", type=float, default=5, help="no row is begun later, 5 by default")
    parser.add_argument("--json", type=Path, help="write the figures as JSON")
    options = parser.parse_args()
    try:
        device = resolve_device(options.device)
    except NASGymError as error:
        print(f"{error}; --device cpu --small tries the script out without a GPU", file=sys.stderr)
        sys.exit(2)
    figures: dict[str, Any] = {"machine": machine(device), "small": options.small}
    Console().print(figures["machine"])
    measures = Figures(device, options.small, 60 * options.minutes)
    for part in options.part or PARTS:
        start = time.perf_counter()
        figures[part] = tried(getattr(measures, part))
        show(part, figures[part])
        Console().print(f"{part}: {time.perf_counter() - start:.0f} s")
        if options.json:
            options.json.write_text(json.dumps(figures, indent=2) + "\n")


def tried(measure: Callable[[], Any]) -> Any:
    """The figures of a part, or why there are none: time on a GPU is short, so the other parts go on."""
    try:
        return measure()
    except Exception:  # noqa: BLE001 (told in the report)
        return {"failed": traceback.format_exc(limit=-4)}


def machine(device: torch.device) -> dict[str, Any]:
    """What the figures are measured on."""
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else "no GPU"
    cudnn = torch.backends.cudnn.version() if device.type == "cuda" else None
    return {
        "card": card,
        "device": str(device),
        "torch": torch.__version__,
        "CUDA": torch.version.cuda,
        "cuDNN": cudnn,
        "cores": os.cpu_count(),
    }


def show(part: str, figures: Any) -> None:
    """Print the figures of a part."""
    console = Console(width=170)
    if part not in TABLES or "failed" in figures:
        console.print(figures if not isinstance(figures, dict) else json.dumps(figures, indent=2))
        return
    table = Table(title=f"{part}: ms a network")
    for column in (*COLUMNS, *MORE_COLUMNS):
        table.add_column(column, justify="left" if column == "case" else "right")
    for name, row in figures.items():
        if "seconds" in row:
            table.add_row(name, *cells(row))
    console.print(table)
    for name, row in figures.items():
        for reason in row.get("kernels", {}).get("not recorded", []):
            console.print(f"{name}: a list was not recorded: {reason}")
        if "left out" in row:
            console.print(f"{name}: {row['left out']}")


def cells(row: dict[str, Any]) -> list[str]:
    """A row of the table."""
    kernels, least, shares = row.get("kernels", {}), row.get("least", {}), row["shares"]
    return [
        f"{1e3 * row['seconds']:.3f}",
        f"{1e3 * row['ordinary']:.1f}" if "ordinary" in row else "",
        f"{row['ratio']:.1f}" if "ratio" in row else "",
        *(f"{shares.get(span, 0):.0%}" for span in ("set-up", "steps", "evaluation", "results")),
        f"{row['milliseconds a step']:.3f}",
        f"{kernels['by the list']:,}" if kernels else "",
        f"{kernels['on the card']:,.0f}" if "on the card" in kernels else "",
        *(f"{1e3 * least[bound]:.4f}" if least else "" for bound in ("arithmetic", "memory")),
    ]


if __name__ == "__main__":
    main()
