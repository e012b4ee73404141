"""A run's folder: what it holds, whose run it is, and whether that run is finished."""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from nas_gym._checks import from_json
from nas_gym._files import write_text, writing
from nas_gym._lock import held
from nas_gym._trust import trust_config
from nas_gym.errors import ConfigError, StoreError
from nas_gym.traces.entries import FINISHED, flaw
from nas_gym.traces.file import TraceWriter
from nas_gym.traces.fingerprints import changes, same_data
from nas_gym.traces.migrations import CONFIG, RESULT

FORMAT, RESULT_FORMAT = CONFIG.newest, RESULT.newest
PACKAGES = ("nas-gym", "gymnasium", "numpy", "torch", "stable-baselines3", "sb3-contrib", "optuna")
# What a config has in dicts of their own: the arguments of the environment, and what else tells a run from
# others.
NEEDED = ("env", "config")
# All that a run writes beside config.json; wiping a folder removes these and nothing else.
CONTENTS = (
    "trace.jsonl",
    "one_shot.jsonl",
    "result.json",
    "best.pt",
    "network.pt",
    "task.npz",
    "policy",
    "projector",
    "projector_config.pbtxt",
    "events.out.tfevents.*",
    "outcome",
    "front_*.png",
    "report.*",
    "report_figures",
    "explanation.json",
    "explanation",
    "adopted.*",
    "*.unfinished",
)
NAMED_DIFFERENCES = 3
EXPLAINING_SECONDS = 60.0


class RunFolder:
    """The folder of one run.

    Args:
        path: the folder; it need not exist.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    @property
    def config_file(self) -> Path:
        """What the run is: environment, agent, hyperparameters, budget, numerics, versions."""
        return self.path / "config.json"

    @property
    def trace_file(self) -> Path:
        """Every decision of the run, one a line."""
        return self.path / "trace.jsonl"

    @property
    def readings_file(self) -> Path:
        """Readings of a search on shared weights, one a line."""
        return self.path / "one_shot.jsonl"

    @property
    def state_file(self) -> Path:
        """The state of an unfinished search that can go on from it; gone once the run is finished."""
        return self.path / "search_state.pt"

    @property
    def policy_folder(self) -> Path:
        """Snapshots of the policy, named by the distinct evaluations made before them."""
        return self.path / "policy"

    @property
    def result_file(self) -> Path:
        """The outcome; written last, so that its presence means that the run is finished."""
        return self.path / "result.json"

    @property
    def best_file(self) -> Path:
        """Weights and architecture of the chosen network."""
        return self.path / "best.pt"

    @property
    def task_file(self) -> Path:
        """The data of the run, where they were in memory and kept (see `nas_gym.tasks.kept_task`)."""
        return self.path / "task.npz"

    @property
    def is_finished(self) -> bool:
        """Whether the run came to its end."""
        return self.config_file.is_file() and self.result_file.is_file()

    def snapshots(self) -> dict[int, Path]:
        """Return the policy snapshots by the number of distinct evaluations, in order."""
        files = [path for path in self.policy_folder.glob("*") if path.stem.isdecimal()]
        return {int(path.stem): path for path in sorted(files, key=lambda path: int(path.stem))}

    def config(self) -> dict[str, Any]:
        """Return the config of the run that the folder holds, in the newest format.

        Raises:
            NASGymError: if the folder holds no run, or the file is damaged or of a format that is not read.
        """
        config = CONFIG.migrated(self._read(self.config_file), self.config_file)
        if lacking := [name for name in NEEDED if not isinstance(config.get(name), Mapping)]:
            raise StoreError(
                f"{self.config_file} is damaged (it has no {lacking[0]!r}): delete the folder and run again"
            )
        return config

    def result(self) -> dict[str, Any]:
        """Return the outcome of the finished run, in the newest format.

        Raises:
            NASGymError: if the folder holds no finished run, or the file is damaged or of a format that is
                not read.
        """
        result = RESULT.migrated(self._read(self.result_file), self.result_file)
        # Of a search by an agent; what a user gave to `Trace.finish` may be anything.
        of_agent = "hyperparameters" in result and {"label", "access", "final"} & set(result)
        found = flaw(result, FINISHED) if of_agent else ""
        if found:
            raise StoreError(
                f"{self.result_file} is damaged (it has {found}): delete the folder and run again"
            )
        return result

    def check(self, config: Mapping[str, Any]) -> None:
        """Check that a run of this config may be in this folder.

        A run is known by what its data are and not by where they lie, so a path alone is not a difference.

        Raises:
            NASGymError: if the folder holds a run of another config, or one whose data or code have
                changed since, naming what differs; or files of something else.
        """
        trust_config(config)
        if not self.config_file.exists():
            self.check_free()
            return
        there, here = self.config(), as_json(config)
        found = [*changes(there, here), *differences(there, here)]
        if found:
            named = ", ".join(found[:NAMED_DIFFERENCES])
            more = len(found) - NAMED_DIFFERENCES
            others = f" and {more} more" if more > 0 else ""
            raise StoreError(
                f"folder {self.path} holds a run of another config ({named}{others}): "
                "choose another folder or name, or delete it"
            )

    def check_free(self) -> None:
        """Check that a run may begin in this folder, which has no config.json.

        Raises:
            NASGymError: if it holds files that a run would replace, or cannot be made.
        """
        # An empty trace is of a run that was ended before it began, as is a config that is not whole.
        unfinished = self.config_file.name + ".unfinished"
        strangers = sorted(
            path.name
            for path in (*self._contents(), *self.path.glob(self.state_file.name))
            if path.name != unfinished and (path != self.trace_file or path.stat().st_size)
        )
        if strangers:
            raise StoreError(
                f"folder {self.path} holds {strangers[0]} but no config.json, so it is no run: "
                "choose another folder"
            )
        self._check_place()

    def _check_place(self) -> None:
        there = next(path for path in (self.path.absolute(), *self.path.absolute().parents) if path.exists())
        if not there.is_dir():
            raise StoreError(f"folder {self.path} cannot be made in the file {there}: choose another folder")

    def prepare(self, config: Mapping[str, Any]) -> None:
        """Create the folder with its config.json, if it is not there yet.

        Raises:
            NASGymError: as `check`, or if it cannot be written.
        """
        self.check(config)
        with writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        if not self.config_file.exists():
            write_json(self.config_file, as_json(config))

    def take(self, config: Mapping[str, Any], *, overwrite: bool = False) -> TraceWriter:
        """Take the folder for a run that begins now, and remove what an earlier one left.

        From here on no other run may have it, in any process, until the writer that is returned is closed
        or its process ends. Whoever is refused has touched nothing.

        Args:
            config: config of the run.
            overwrite: take it from a finished run, too.

        Raises:
            NASGymError: if another run has it or has just finished, it holds a run of another config, or
                it cannot be written.
        """
        writer = self._hold(config, overwrite=overwrite)
        try:
            self.prepare(config)
            self.wipe()
        except BaseException:
            self._let_go(writer)
            raise
        return writer

    @contextmanager
    def kept_for(self, config: Mapping[str, Any]) -> Iterator[None]:
        """Keep the folder for a run that records nothing, and changes nothing before it has ended.

        Raises:
            NASGymError: as `take`.
        """
        writer = self._hold(config, overwrite=False)
        try:
            yield
        finally:
            self._let_go(writer)

    def _hold(self, config: Mapping[str, Any], *, overwrite: bool) -> TraceWriter:
        with writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        writer = TraceWriter(self.trace_file)
        try:
            self.check(config)
            if self.is_finished and not overwrite:
                raise StoreError(
                    f"folder {self.path} holds a finished run, which another process made meanwhile: give "
                    "the command again to see it, or choose another folder"
                )
        except BaseException:
            self._let_go(writer)
            raise
        return writer

    def _let_go(self, writer: TraceWriter) -> None:
        """Let another have the folder, without the empty trace that said that it was taken."""
        with suppress(FileNotFoundError):
            if self.trace_file.stat().st_size == 0:
                writer.drop()
        writer.close()
        with suppress(OSError):
            self.path.rmdir()  # unless it holds something

    def wipe(self) -> None:
        """Remove what an earlier run left, its result first, so that a rerun starts clean.

        The state of a search that was interrupted stays.

        The trace stays: it is held by whoever writes it, who empties it.
        """
        with writing(self.path), self.explained_by_one():
            if self.is_finished:  # else the next search goes on from it
                self.state_file.unlink(missing_ok=True)
            self.result_file.unlink(missing_ok=True)
            for path in self._contents():
                if path != self.trace_file:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()

    @contextmanager
    def explained_by_one(self) -> Iterator[None]:
        """Keep others from writing an explanation into the folder, or removing one, meanwhile.

        Raises:
            NASGymError: if another does for too long.
        """
        busy = f"an explanation is being written into {self.path}: wait for it, or write another with --out"
        with held(self.path / "explanation.lock", busy, EXPLAINING_SECONDS):
            yield

    def _contents(self) -> list[Path]:
        return [path for pattern in CONTENTS for path in self.path.glob(pattern)]

    def _read(self, file: Path) -> dict[str, Any]:
        try:
            values = from_json(file.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            raise StoreError(
                f"folder {self.path} holds no {'finished ' if file == self.result_file else ''}run "
                f"({file.name} is missing): pass the folder of a run, "
                "like tensorboard_logs/NAS-v0-mlp-mnist1d/q-learning/seed0"
            ) from None
        except ValueError as error:
            raise StoreError(f"{file} is no JSON ({error}): delete the folder and run again") from error
        if not isinstance(values, dict):
            raise StoreError(f"{file} holds no JSON object: delete the folder and run again")
        return values


def versions() -> dict[str, str]:
    """Return the versions that a run's numbers may depend on, of the installed packages only."""
    return dict(_versions())


@cache
def _versions() -> dict[str, str]:
    found = {"python": ".".join(platform.python_version_tuple()[:2])}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def as_json(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as JSON gives them back: tuples as lists, NumPy numbers as numbers, paths as text.

    Raises:
        NASGymError: for a value that JSON cannot hold.
    """
    return dict(json.loads(json.dumps(values, default=_plain)))


def write_json(file: Path, values: Mapping[str, Any]) -> None:
    """Write a JSON file as `nas_gym._files.write_text` does."""
    write_text(file, json.dumps(values, indent=2) + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise ConfigError(
        f"a run's config cannot hold {value!r} of type {type(value).__name__}: "
        "pass numbers, texts, lists or dicts"
    )


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a nested dict as one level, with names like ``env.reward.name``."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found


def differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Return what differs between two configs, in words: ``env.horizon is 20 there and 10 here``.

    Fingerprints are left out, for which `changes` has better words, and where data lie that are the same.
    """
    old = {name: json.dumps(value) for name, value in flat(_with_words(there)).items()}
    new = {name: json.dumps(value) for name, value in flat(_with_words(here)).items()}
    left_out = ["env.task.fingerprint"]
    if same_data(there, here):
        left_out.append("env.task.path")
    return [
        f"{name} is {old.get(name, 'absent')} there and {new.get(name, 'absent')} here"
        for name in dict.fromkeys([*old, *new])
        if old.get(name) != new.get(name) and name not in left_out and not name.startswith("fingerprints.")
    ]


def _with_words(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config with its budget first and in words, which are the same whatever limits it has."""
    from nas_gym.envs import budget_words

    run = config.get("config")
    if not isinstance(run, Mapping) or "budget" not in run:
        return dict(config)
    budget = run["budget"]
    words = budget_words(dict(budget)) if isinstance(budget, Mapping) else budget
    others = {name: value for name, value in run.items() if name != "budget"}
    return {"budget": words, **config, "config": others}
