"""How fast the engine trains: fused against an ordinary PyTorch loop, same networks, recipe and data.

    python benchmarks/speed/training.py                       # every case
    python benchmarks/speed/training.py --case "mlp on digits" --repeats 3
    python benchmarks/speed/training.py --quick               # a few networks of each case, to try it out
    python benchmarks/speed/training.py --part profile        # where the time goes, by kind of kernel
    python benchmarks/speed/training.py --part ideas          # what chunk size and recorded kernels are worth
    python benchmarks/speed/training.py --part workers --cores 1,2,4,8  # threads against processes
    python benchmarks/speed/training.py --part cases --processor  # on a machine that others use

The ordinary loop is `ordinary_loop.py`, in one process with 1 and with 2 threads of which the
faster counts, and in two processes of 1 thread each (``two processes``). The engine runs in one
process on 2 cores (``--cores``), in threads, with every guarantee on. All are timed alternately,
the figures are medians. Every measurement is a fresh process, which first trains two networks that
are not timed; its peak memory is the high-water mark of its resident set less that before training.
``of peak`` is the arithmetic of training (three times that of a forward pass, evaluation once) over
the time, against a matrix product of 1024 x 1024 on as many threads. The part ``workers`` compares
the engine's threads with its processes, which run before the time is taken, for each number of
cores; the others take the largest. With ``--processor`` both train on one thread each, and the seconds
are those that the processor spent on them, which other programs change little. Cases of the slower spaces
train for two epochs.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

SMALL_CONV = {
    "name": "conv",
    "max_layers": 4,
    "operations": ["conv3", "conv5", "max_pool"],
    "channels": [4, 8],
    "activations": ["relu"],
}
"""What landscapes of images are measured on; the default is for signals and images of 8 pixels."""
SMALL_MACRO = {"name": "macro", "channels": 8, "head": 32}
GRU = {"name": "recurrent", "kinds": ["gru"], "max_layers": 1, "dropouts": [0.0]}


def _case(space: str | dict[str, Any], task: str, networks: int = 64, **more: Any) -> dict[str, Any]:
    """A case, of which six networks are also trained by the ordinary loop."""
    return {"space": space, "task": task, "networks": networks, "ordinary": 6, **more}


CASES: dict[str, dict[str, Any]] = {
    "mlp on digits": _case("mlp", "digits", 256, ordinary=16),
    "conv on mnist1d": _case("conv", "mnist1d"),
    "cell on mnist1d": _case("cell", "mnist1d"),
    "cell on digits": _case("cell", "digits"),
    "graph on melting_point": _case("graph", "melting_point"),
    "gru on mnist1d": _case(GRU, "mnist1d"),
    "transformer on language_id": _case("transformer", "language_id"),
    "transformer on spelling": _case("transformer", "spelling", epochs=2),
    "asr_cell on spoken_words": _case("asr_cell", "spoken_words", epochs=2),
    "forecaster on seasonal": _case("forecaster", "seasonal", epochs=2),
    "seq2seq on dates": _case("seq2seq", "dates", epochs=2),
    "seq2seq on pronunciation": _case("seq2seq", "pronunciation", epochs=2),
    "recurrent on language_id": _case("recurrent", "language_id", epochs=2),
    "recurrent on mnist1d": _case("recurrent", "mnist1d", epochs=2),
    "recurrent_cell on language_id": _case("recurrent_cell", "language_id", epochs=2),
    "recurrent_cell on mnist1d": _case("recurrent_cell", "mnist1d", epochs=2),
    "dilated convolutions on mnist1d": _case("dilated convolutions", "mnist1d", epochs=2),
    "conv on mnist5k": _case(SMALL_CONV, "mnist5k", epochs=2),
    "conv on scene_digits": _case(SMALL_CONV, "scene_digits", epochs=2),
    "macro on mnist5k": _case(SMALL_MACRO, "mnist5k", epochs=2),
    "macro on scene_digits": _case(SMALL_MACRO, "scene_digits", epochs=2),
}
BATCHES = (16, 64, 256)
PARTS = ("cases", "batches", "sizes", "profile", "ideas", "workers", "jax")
IDEAS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "chunks of 4 MiB": {"cache_bytes": 4 * 2**20},
    "chunks of 8 MiB": {"cache_bytes": 8 * 2**20},
    "chunks of 64 MiB": {"cache_bytes": 64 * 2**20},
    "kernels called one by one": {"one by one": True},
}
SIZES = (1, 8, 64, 256)
JAX_SIZES = (32, 128)
COLUMNS = (
    "case",
    "fused",
    "networks/s",
    "ordinary",
    "ratio (least to most)",
    "to two processes",
    "memory",
    "ordinary",
    "of peak",
    "ordinary",
)
WORKER = Path(__file__).with_name("training_worker.py")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--case", action="append", choices=CASES, help="only this case; repeatable")
    parser.add_argument("--repeats", type=int, default=5, help="measurements of each kind")
    parser.add_argument("--cores", type=_numbers, default=[2], help="cores to use, such as 1,2,4,8")
    parser.add_argument("--part", action="append", choices=PARTS, help="only this part; repeatable")
    parser.add_argument("--processor", action="store_true", help="processor time of one thread each")
    parser.add_argument("--quick", action="store_true", help="an eighth of the networks, one repeat")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    options = parser.parse_args()
    if options.quick:
        options.repeats = 1
    if options.processor:
        options.cores = [1]
    options.many = options.cores
    options.cores = max(options.many)
    figures = measure_all(options)
    report(figures)
    if options.out:
        options.out.write_text(json.dumps(figures, indent=2) + "\n")


def measure_all(options: argparse.Namespace) -> dict[str, Any]:
    """Every part that was asked for."""
    parts = options.part or PARTS
    cases = {name: _scaled(CASES[name], options.quick) for name in options.case or CASES}
    figures: dict[str, Any] = {"machine": machine(), "repeats": options.repeats, "cores": options.cores}
    with Progress(console=Console(stderr=True)) as bar:
        jobs = [("cases", name, case) for name, case in cases.items()]
        jobs += [
            ("batches", f"{name}, batch {batch}", {**case, "batch": batch, "networks": case["networks"] // 4})
            for name, case in cases.items()
            for batch in BATCHES
            if batch != 64
        ]
        jobs += [
            ("sizes", f"{name}, {size} networks", {**case, "networks": size, "ordinary": min(size, 8)})
            for name, case in cases.items()
            for size in SIZES
            if size <= case["networks"] and (size < 64 or case["space"] == "mlp")
        ]
        jobs = [job for job in jobs if job[0] in parts]
        task = bar.add_task("", total=len(jobs))
        for part, name, case in jobs:
            bar.update(task, description=name)
            timed = {**case, "processor": options.processor}
            complete = part == "cases" and not options.processor
            row = measure(timed, options.repeats, options.cores, complete=complete)
            figures.setdefault(part, {})[name] = row
            bar.advance(task)
    if "profile" in parts:
        figures["profile"] = {name: work({**case, "kind": "profile"}) for name, case in cases.items()}
    if "ideas" in parts:
        figures["ideas"] = {name: idea_figures(case, options) for name, case in cases.items()}
    if "workers" in parts:
        figures["workers"] = {name: worker_figures(case, options) for name, case in cases.items()}
    if "jax" in parts:
        figures["jax"] = jax_figures(options.repeats, options.cores)
    return figures


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _scaled(case: dict[str, Any], quick: bool) -> dict[str, Any]:
    share = 8 if quick else 1
    return {**case, "networks": case["networks"] // share, "ordinary": max(2, case["ordinary"] // share)}


def measure(case: dict[str, Any], repeats: int, cores: int, *, complete: bool) -> dict[str, Any]:
    """Medians of one case; the kinds alternate, so that a busy machine slows all of them."""
    kinds = {
        "fused": {"kind": "fused", "cores": cores},
        "ordinary, 1 thread": {"kind": "ordinary", "threads": 1},
    }
    if (complete or case["networks"] == 1) and not case.get("processor"):
        kinds["ordinary, 2 threads"] = {"kind": "ordinary", "threads": 2}
    runs: dict[str, list[dict[str, float]]] = {kind: [] for kind in kinds}
    pairs: list[float] = []
    for _ in range(repeats):
        for kind, how in kinds.items():
            runs[kind].append(work({**case, **how}))
        if complete:
            pairs.append(
                statistics.mean(run["seconds"] for run in together({**case, **kinds["ordinary, 1 thread"]}))
            )
    row: dict[str, Any] = {
        kind: {key: statistics.median(run[key] for run in results) for key in results[0]}
        for kind, results in runs.items()
    }
    loops = [kind for kind in kinds if kind != "fused"]
    row["ratio"] = min(row[kind]["seconds"] for kind in loops) / row["fused"]["seconds"]
    row["ratios"] = sorted(
        min(runs[kind][number]["seconds"] for kind in loops) / runs["fused"][number]["seconds"]
        for number in range(repeats)
    )
    if pairs:
        # Two processes finish two networks in the time of one.
        row["ordinary, two processes"] = {"seconds": statistics.median(pairs) / 2}
        row["ratio to two processes"] = row["ordinary, two processes"]["seconds"] / row["fused"]["seconds"]
    return row


def work(case: dict[str, Any]) -> dict[str, float]:
    """One measurement in a fresh process; seconds a network, peak bytes, share of peak."""
    return _result(_start(case))


def together(case: dict[str, Any]) -> list[dict[str, float]]:
    """Two measurements at the same time."""
    processes = [_start(case), _start(case)]
    return [_result(process) for process in processes]


def _start(case: dict[str, Any]) -> subprocess.Popen[str]:
    command = [sys.executable, str(WORKER), json.dumps(case)]
    root = str(WORKER.parents[2])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)  # noqa: S603


def _result(process: subprocess.Popen[str]) -> dict[str, float]:
    output, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"a measurement failed with exit code {process.returncode}")
    result: dict[str, float] = json.loads(output.splitlines()[-1])
    return result


def idea_figures(case: dict[str, Any], options: argparse.Namespace) -> dict[str, float]:
    """Seconds a network of the fused engine with one thing changed, taking turns; medians."""
    runs: dict[str, list[float]] = {idea: [] for idea in IDEAS}
    for _ in range(options.repeats):
        for idea, change in IDEAS.items():
            runs[idea].append(work({**case, **change, "kind": "fused", "cores": options.cores})["seconds"])
    return {idea: statistics.median(seconds) for idea, seconds in runs.items()}


def worker_figures(case: dict[str, Any], options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Networks a second by kind and number of workers, taking turns; medians, and ratios to one core.

    The ratio is to the faster kind on one core, the least and the most to that of the same turn.
    """
    kinds = [(kind, cores) for cores in sorted({1, *options.many}) for kind in ("threads", "processes")]
    runs: dict[tuple[str, int], list[float]] = {kind: [] for kind in kinds}
    for _ in range(options.repeats):
        for kind, cores in kinds:
            measured = work({**case, "kind": "fused", "cores": cores, "workers": kind})
            runs[kind, cores].append(measured["seconds"])
    first = min(("threads", 1), ("processes", 1), key=lambda kind: statistics.median(runs[kind]))
    return {
        f"{cores} {kind}": {
            "networks/s": 1 / statistics.median(seconds),
            "ratio": statistics.median(runs[first]) / statistics.median(seconds),
            "ratios": sorted(one / other for one, other in zip(runs[first], seconds, strict=True)),
        }
        for (kind, cores), seconds in runs.items()
    }


def jax_figures(repeats: int, cores: int) -> dict[str, Any] | str:
    """Two-layer perceptrons on digits: one jitted scan over steps, vmapped over members, warm."""
    if importlib.util.find_spec("jax") is None:
        return "jax is not installed: pip install jax"
    rows: dict[str, Any] = {}
    for size in JAX_SIZES:
        case = {"space": "mlp", "task": "digits", "networks": size, "same": True}
        runs = [work({**case, "kind": "jax"}) for _ in range(repeats)]
        fused = [work({**case, "kind": "fused", "cores": cores}) for _ in range(repeats)]
        rows[str(size)] = {
            "jax": {key: statistics.median(run[key] for run in runs) for key in runs[0]},
            "fused": {key: statistics.median(run[key] for run in fused) for key in fused[0]},
        }
    return rows


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    import torch

    return {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "torch": torch.__version__,
        "capability": torch.backends.cpu.get_cpu_capability(),
        "load before": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }


def report(figures: dict[str, Any]) -> None:
    """Print the tables."""
    console = Console(width=150)
    for part, title in (
        ("cases", "batch 64"),
        ("batches", "other batches"),
        ("sizes", "how the gain grows with the networks"),
    ):
        if part not in figures:
            continue
        table = Table(title=f"Fused against ordinary training: {title}, ms a network")
        for column in COLUMNS:
            table.add_column(column)
        for name, row in figures[part].items():
            table.add_row(name, *_cells(row))
        console.print(table)
    for name, row in figures.get("profile", {}).items():
        shares = ", ".join(f"{share:.0%} {kind}" for kind, share in row["shares"].items())
        console.print(f"{name}, on one core {row['of peak']:.0%} of peak: {shares}")
    for name, row in figures.get("ideas", {}).items():
        ideas = ", ".join(f"{idea} {1e3 * seconds:.1f}" for idea, seconds in row.items())
        console.print(f"{name}, ms a network: {ideas}")
    if "workers" in figures:
        console.print(worker_table(figures["workers"]))
    if "jax" in figures:
        console.print(
            "JAX:", json.dumps(figures["jax"]) if isinstance(figures["jax"], dict) else figures["jax"]
        )
    console.print(figures["machine"])


def worker_table(figures: dict[str, dict[str, Any]]) -> Table:
    """Threads against processes, a row for each case and number of workers."""
    table = Table(title="Networks a second by workers")
    for column in ("case", "workers", "networks/s", "to one core (least to most)"):
        table.add_column(column)
    for name, rows in figures.items():
        for workers, row in rows.items():
            ratio = f"{row['ratio']:.2f} ({row['ratios'][0]:.2f} to {row['ratios'][-1]:.2f})"
            table.add_row(name, workers, f"{row['networks/s']:.1f}", ratio)
    return table


def _cells(row: dict[str, Any]) -> list[str]:
    fused = row["fused"]
    loops = [value for kind, value in row.items() if kind.startswith("ordinary,") and "of peak" in value]
    loop = min(loops, key=lambda value: value["seconds"])
    ratios = row["ratios"]
    return [
        f"{1e3 * fused['seconds']:.1f}",
        f"{1 / fused['seconds']:.1f}",
        f"{1e3 * loop['seconds']:.1f}",
        f"{row['ratio']:.1f} ({ratios[0]:.1f} to {ratios[-1]:.1f})",
        f"{row['ratio to two processes']:.1f}" if "ratio to two processes" in row else "",
        f"{fused['bytes'] / 2**20:.0f} MiB",
        f"{loop['bytes'] / 2**20:.0f} MiB",
        f"{fused['of peak']:.0%}",
        f"{loop['of peak']:.0%}",
    ]


if __name__ == "__main__":
    main()
