"""The readings of a search on shared weights, and those of the same search from other seeds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from nas_gym.errors import ConfigError, NASGymError
from nas_gym.traces import RunFolder

Reading = Mapping[str, Any]


def read(folder: RunFolder) -> list[Reading]:
    """Return the readings of a run, in order.

    Raises:
        NASGymError: if the file holds none, or is damaged.
    """
    lines = folder.readings_file.read_text(encoding="utf-8").splitlines()
    try:
        found = [json.loads(line) for line in lines]
    except json.JSONDecodeError as error:
        raise ConfigError(f"{folder.readings_file} is damaged ({error}): run the search again") from error
    if not found:
        raise ConfigError(f"{folder.readings_file} holds no reading: run the search again")
    return found


def leading(reading: Reading) -> dict[str, int]:
    """Return the number of the heaviest candidate of each place."""
    return {name: max(range(len(row)), key=row.__getitem__) for name, row in reading["weights"].items()}


def of_other_seeds(folder: RunFolder) -> tuple[list[Reading], int]:
    """Return the last reading of each finished run beside this one that differs in its seed alone.

    Returns:
        The readings, and how many runs beside this one could not be read.
    """
    own, found, unread = _told_apart_by(folder), list[Reading](), 0
    for path in sorted(folder.path.parent.iterdir()):
        other = RunFolder(path)
        if path == folder.path or not (other.readings_file.is_file() and other.is_finished):
            continue
        try:
            if _told_apart_by(other) == own:
                found.append(read(other)[-1])
        except NASGymError:
            unread += 1
    return found, unread


def _told_apart_by(folder: RunFolder) -> Sequence[Any]:
    config = folder.config()
    options = {name: value for name, value in config["config"].items() if name != "seed"}
    return config["env"], config.get("agent"), options
