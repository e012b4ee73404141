"""Building a table: every architecture trained with every seed, kept as it is finished, resumed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from nas_gym._checks import from_json
from nas_gym._files import write_whole, writing
from nas_gym._lock import hold, release
from nas_gym.errors import StoreError
from nas_gym.tables.building.tabulation import Recorded, Tabulation
from nas_gym.tables.file import write_table
from nas_gym.tables.table import Table

AT_ONCE = 1024
"""Trainings handed to the engine together; it takes like ones out of them for its chunks."""


def build_table(
    tabulation: Tabulation,
    benchmark: str,
    label: str,
    path: Path,
    on_progress: Callable[[int, int], None] | None = None,
) -> Table:
    """Train all that a table is made of and write it to a file.

    Finished trainings are kept beside the file in ``<path>.partial``, one JSON line each, so that an
    interrupted build goes on where it was when it is called again.

    Args:
        tabulation: what to train, and how.
        benchmark: name of the table's family.
        label: label of the task.
        path: path of the table.
        on_progress: called with the trainings that are done and all of them, at first and after each.

    Raises:
        NASGymError: if the trainings kept beside the file are of another recipe, task or machine.
    """
    size = tabulation.search_space.size
    pairs = [(index, seed) for seed in tabulation.seeds for index in range(size)]
    with closing(Partial(path.with_name(path.name + ".partial"), tabulation)) as partial:
        waiting = [pair for pair in pairs if pair not in partial.results]
        if on_progress is not None:
            on_progress(len(partial.results), len(pairs))
        at_once = AT_ONCE * (1 if tabulation.executor is None else tabulation.executor.size())
        for start in range(0, len(waiting), at_once):
            for recorded in tabulation.record(waiting[start : start + at_once]):
                partial.add(recorded)
                if on_progress is not None:
                    on_progress(len(partial.results), len(pairs))
        table = tabulation.table(benchmark, label, partial.results)
        write_table(table, path)
        partial.remove()
    return table


class Partial:
    """The finished trainings of a table that is being built, which no other process may add to.

    Args:
        path: path of the file; the first line says what the rest are results of.
        tabulation: what is being trained.

    Raises:
        NASGymError: if the file holds results of something else, or is being or cannot be written.
    """

    def __init__(self, path: Path, tabulation: Tabulation) -> None:
        self.path = path
        self.results: dict[tuple[int, int], Recorded] = {}
        self._header = as_plain(tabulation.config())
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        self._file = hold(path, f"{path} is being written by another 'nas-gym benchmark build': wait for it")
        try:
            self._read()
        except BaseException:
            self._file.close()
            raise

    def _read(self) -> None:
        try:
            header, *lines = self.path.read_bytes().decode().split("\n")
            there = from_json(header) if lines else {}
            # What follows the last line's end was cut off by an interruption.
            results = [_recorded(from_json(line)) for line in lines[:-1]]
            found = _differences(there, self._header) if lines else []
        except (ValueError, TypeError, AttributeError) as error:
            raise StoreError(
                f"{self.path} is damaged ({error}): remove it, and every training is made again"
            ) from error
        if not lines:  # new, or ended within its first line
            self._file.truncate(0)
            self._write(json.dumps(self._header, sort_keys=True))
            return
        if found:
            raise StoreError(
                f"{self.path} holds trainings of another table ({', '.join(found)}): give another file, or "
                "remove it"
            )
        self.results = {(each.number, each.seed): each for each in results}
        self._file.truncate(len("".join(f"{line}\n" for line in [header, *lines[:-1]]).encode()))

    def close(self) -> None:
        """Close the file, and keep it for who goes on."""
        self._file.close()

    def remove(self) -> None:
        """Remove the file of a table that is built."""
        release(self._file, self.path)

    def add(self, recorded: Recorded) -> None:
        """Keep a result."""
        self.results[recorded.number, recorded.seed] = recorded
        self._write(json.dumps(recorded))

    def _write(self, line: str) -> None:
        with writing(self.path):
            write_whole(self._file, f"{line}\n".encode())


def _recorded(values: Any) -> Recorded:
    """Return the result of a line.

    Raises:
        ValueError: if it is none.
    """
    number, seed, validation, test, error = values
    whole = type(number) is int and type(seed) is int and isinstance(error, str)
    if not whole or not all(type(each) in (int, float) for each in (*validation, test)):
        raise ValueError(f"{values} is no result of a training")
    return Recorded(number, seed, tuple(validation), test, error)


def as_plain(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config as JSON gives it back."""
    return dict(json.loads(json.dumps(config)))


def _differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Return what trainings that are there are not of, in words."""
    same_task = there.get("task") == here["task"]
    found = []
    for name in dict.fromkeys([*there, *here]):
        old, new = there.get(name), here.get(name)
        if old == new:
            continue
        if name == "task_fingerprint":
            found += ["the data of the task have changed since"] if same_task else []
        elif name == "code":
            modules = {module for module, _ in set((old or {}).items()) ^ set((new or {}).items())}
            found.append(f"the code in {', '.join(sorted(modules))} has changed since")
        else:
            found.append(f"{name} is {json.dumps(old)} there and {json.dumps(new)} here")
    return found
