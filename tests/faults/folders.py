"""What is in the folders of runs, without what differs between any two runs: the clock."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from nas_gym.evaluators import Store
from nas_gym.evaluators.store.schema import EVALUATIONS, FINAL_SCORES
from nas_gym.tables import read_table
from nas_gym.traces import RunFolder, read_trace

CLOCK = ("seconds", "charges", "command", "logdir", "created", "log", "path")


def timeless(values: Any) -> Any:
    """Return JSON values without times and places."""
    if isinstance(values, dict):
        return {name: timeless(value) for name, value in values.items() if name not in CLOCK}
    return [timeless(value) for value in values] if isinstance(values, list) else values


def contents(logdir: Path) -> dict[str, Any]:
    """Return what a folder of runs says, by file."""
    found: dict[str, Any] = {}
    for path in sorted(logdir.rglob("*")):
        name = str(path.relative_to(logdir))
        if path.suffix == ".json":
            # Where a run lies is in its explanation.
            found[name] = timeless(json.loads(path.read_text().replace(str(logdir), "LOGS")))
        elif path.name == "trace.jsonl":
            found[name] = path.read_text()
        elif path.suffix == ".npz" and path.parent.name == "policy":
            with np.load(path, allow_pickle=False) as arrays:
                found[name] = {key: arrays[key].tolist() for key in arrays.files}
        elif path.name in ("comparison.md", "report.html", "best.pt"):
            found[name] = path.stat().st_size > 0
    return found


def table(path: Path) -> dict[str, Any]:
    """Return the numbers of a table."""
    read = read_table(path)
    return {
        name: getattr(read, name).tolist()
        for name in ("validation", "test", "failed", "seconds", "parameters", "flops")
    }


def stored(place: Path | str) -> dict[str, Any]:
    """Return the rows of a store by key, without when they were made; {} where there is no file yet."""
    if isinstance(place, Path) and not place.exists():
        return {}
    store = Store(place)
    found = {}
    try:
        with store._engine.connect() as connection:
            for records in (EVALUATIONS, FINAL_SCORES):
                for row in connection.execute(records.table.select()):
                    values = {
                        name: value for name, value in row._mapping.items() if name not in ("created", "key")
                    }
                    found[f"{records.kind} {row.key}"] = values
    finally:
        store.close()
    return found


def check_believable(logdir: Path) -> None:
    """Check that what readers would believe of a folder that was killed is whole."""
    for path in sorted(logdir.rglob("config.json")):
        folder = RunFolder(path.parent)
        assert folder.config()["format"]
        if folder.is_finished:
            assert folder.result()["stopped"]
            for file in folder.snapshots().values():
                with np.load(file, allow_pickle=False) as arrays:
                    assert arrays.files
        if folder.trace_file.is_file() and b"\n" in folder.trace_file.read_bytes():
            assert read_trace(folder.trace_file).header.agent
    for path in logdir.rglob("*.json"):
        json.loads(path.read_text())
