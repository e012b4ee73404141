"""What searches without training are worth in use: the test accuracy of their choices, at equal cost.

    python benchmarks/quality/one_shot/use.py --out use.jsonl                  # 20 seeds, all landscapes
    python benchmarks/quality/one_shot/use.py --out use.jsonl --table          # the table of what is there
    python benchmarks/quality/one_shot/use.py --out use.jsonl --every          # and all networks trained

Each agent has the cost of 100 full trainings, counted in floating-point operations where it shares weights.
Its choice is trained alone with 3 seeds that the search did not see, others for each run, and scored on the
test part. A run is a line of the file, and an interrupted call goes on where it was. Networks that were
trained once are kept in a store beside the file. All runs of a seed come before those of the next.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from landscapes import LANDSCAPES
from nas_agents import RunSpec, make_env, run

from nas_gym.errors import ConfigError

sys.path.append(str(Path(__file__).parents[1]))  # what the folders of quality/ share
from run_records import append_record, read_records

BUDGET = 100
WARM = {"proxy": "nwot", "pool": 300}
LARGEST, EVERY, RANDOM = "the largest network", "every network trained", "random"
AGENTS: dict[str, Mapping[str, Any]] = {
    RANDOM: {"name": "random"},
    "evolution": {"name": "evolution"},
    "model-based": {"name": "model-based"},
    "evolution, from nwot": {"name": "evolution", "warm_start": WARM},
    "model-based, from nwot": {"name": "model-based", "warm_start": WARM},
    "random-sharing": {"name": "random-sharing"},
    "spos": {"name": "spos"},
    "enas": {"name": "enas"},
    "darts": {"name": "darts", "diagnosis": False},
    "gdas": {"name": "gdas", "diagnosis": False},
    "proxyless": {"name": "proxyless", "diagnosis": False},
    "drnas": {"name": "drnas", "diagnosis": False},
    "beta-darts": {"name": "beta-darts", "diagnosis": False},
    "pc-darts": {"name": "pc-darts", "diagnosis": False},
}
"""Watching a search changes nothing in it, and takes longer than it here."""
OF_EVALUATION = ("score", "status", "fidelity", "seconds")
LEFT_OUT = (
    *("hyperparameters", "versions", "on_new_examples", "policy", "shares", "charges", "constant_answer"),
    *("format", "note", "score_is", "metric", "steps", "repeatable", "agent"),
)
"""What a table does without, so that a run is a short line; of its evaluations the best is kept."""


def main() -> None:
    options = _options()
    if not options.table:
        _make(options)
    from report import tabulated  # SciPy is not needed before

    print(tabulated(read_records(options.out), [*AGENTS, LARGEST, EVERY]))


def _make(options: argparse.Namespace) -> None:
    there = read_records(options.out)
    known = {(each["landscape"], each["label"], each["seed"]) for each in there}
    refused = {(each["landscape"], each["label"]) for each in there if "refused" in each}
    labels = options.agent or [*AGENTS, LARGEST, *([EVERY] if options.every else [])]
    wanted = [
        (landscape, label, seed)
        for seed in range(options.seeds)
        for landscape in options.landscape or LANDSCAPES
        for label in labels
    ]
    missing = [each for each in wanted if each not in known and each[:2] not in refused]
    print(f"{len(missing):,} of {len(wanted):,} runs are to be made; {options.out} keeps them", flush=True)
    for landscape, label, seed in missing:
        if (landscape, label) in refused:
            continue
        began = time.process_time()
        made = _made(landscape, label, seed, str(options.out.with_suffix(".db")))
        if "refused" in made:
            refused.add((landscape, label))
        about = {"landscape": landscape, "label": label, "seed": seed}
        passed = round(time.process_time() - began, 3)
        append_record(options.out, made | about | {"process_seconds": passed})


def _made(landscape: str, label: str, seed: int, store: str) -> dict[str, Any]:
    """Return a run, or why it cannot be made."""
    environment = LANDSCAPES[landscape].options(store)
    if label in (LARGEST, EVERY):
        return _fixed(landscape, label, seed, environment)
    with tempfile.TemporaryDirectory() as folder:
        spec = RunSpec(AGENTS[label], BUDGET, f"{folder}/run", seed=seed, env=environment, trace=False)
        try:
            result = run(spec)
        except ConfigError as error:
            return {"refused": str(error)}
    best = max(result["evaluations"], key=lambda each: (each["status"] == "ok", each["score"]))
    final = [{name: each[name] for name in ("seed", "test_score", "error")} for each in result["final"]]
    kept = {name: value for name, value in result.items() if name not in LEFT_OUT}
    return kept | {"evaluations": [{name: best.get(name) for name in OF_EVALUATION}], "final": final}


def _fixed(landscape: str, label: str, seed: int, environment: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scores of a network that no search chose, in the form of a run."""
    unwrapped: Any = make_env("NAS-v0", environment).unwrapped
    space = unwrapped.search_space
    if label == EVERY:
        every = unwrapped.evaluate(list(space))
        chosen = max(every, key=lambda each: each.score)
    else:
        chosen = unwrapped.evaluate(space.parse(LANDSCAPES[landscape].largest))
    final = unwrapped.evaluator.test(space.parse(chosen.architecture), unwrapped.evaluator.final_seeds(seed))
    target = unwrapped.task.target
    return {
        "access": "query",
        "architecture": chosen.architecture,
        "metric_label": target.metric.label,
        "test_score": fmean(each.test_score for each in final),
        "validation_score": fmean(each.validation_score for each in final),
        "final": [{"seed": each.seed, "test_score": each.test_score, "error": each.error} for each in final],
        "evaluations": [{"score": chosen.score, "status": "ok", "fidelity": None, "seconds": chosen.seconds}],
        "stopped": "budget",
        "classes": target.outputs,
    }


def _options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="JSON lines of the runs, which are kept")
    parser.add_argument("--seeds", type=int, default=20, help="runs of an agent on a landscape")
    parser.add_argument("--landscape", action="append", choices=LANDSCAPES, help="all by default; repeatable")
    parser.add_argument("--agent", action="append", choices=[*AGENTS, LARGEST, EVERY], help="likewise")
    parser.add_argument("--every", action="store_true", help="train every network once, for a row of its own")
    parser.add_argument("--table", action="store_true", help="make no run")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
