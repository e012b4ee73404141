"""What several runs of one search space and task know together."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from nas_gym.errors import ConfigError, StoreError
from nas_gym.evaluators import Evaluation
from nas_gym.explain.evidence.run import Evidence, SeenEvaluation, seen_in
from nas_gym.search_spaces import Architecture, SearchSpace
from nas_gym.traces import (
    Header,
    Recording,
    RunFolder,
    check_surroundings,
    flat,
    read_trace,
    rebuild,
)

MOST_NAMED = 4
NO_LINE = -1


@dataclass(frozen=True, eq=False)
class OneRun:
    """One of several runs.

    Attributes:
        folder: folder of the run.
        agent: name of its agent; agents of other hyperparameters have other names.
        seed: seed of the agent; 0 where its config names none.
        seen: the distinct evaluations in order of first request, including failed ones.
        result: its outcome; None where it has not come to its end.
    """

    folder: RunFolder
    agent: str
    seed: int
    seen: tuple[SeenEvaluation, ...]
    result: Mapping[str, Any] | None

    @cached_property
    def architectures(self) -> dict[str, Architecture]:
        """The distinct architectures that the run evaluated, at any fidelity, by their texts."""
        return {str(one.architecture): one.architecture for one in self.seen}

    @property
    def chosen(self) -> str | None:
        """Text of the network that the run chose, or would choose now; None if every training failed."""
        if self.result is not None and isinstance(self.result.get("architecture"), str):
            return str(self.result["architecture"])
        good = [one for one in self.seen if not one.failed]
        if not good:
            return None
        best = max(good, key=lambda one: (one.fidelity is None, one.fidelity or 0, one.score))
        return str(best.architecture)


@dataclass(frozen=True, eq=False)
class Together:
    """Several runs of one search space, task and way of evaluating.

    Attributes:
        folder: the folder that holds them.
        evidence: all runs as one, each architecture and fidelity once, with the mean of what the runs saw.
        runs: the runs in which something was evaluated.
        empty: folders of runs in which nothing was evaluated yet.
    """

    folder: Path
    evidence: Evidence
    runs: tuple[OneRun, ...]
    empty: tuple[Path, ...]

    @property
    def agents(self) -> tuple[str, ...]:
        """The agents in order of their folders."""
        return tuple(dict.fromkeys(run.agent for run in self.runs))

    @property
    def unfinished(self) -> tuple[OneRun, ...]:
        """The runs that have not come to their end."""
        return tuple(run for run in self.runs if run.result is None)

    @property
    def evaluations(self) -> int:
        """The evaluations of all runs, each run's distinct ones."""
        return sum(len(run.seen) for run in self.runs)

    def of(self, agent: str) -> tuple[OneRun, ...]:
        """Return the runs of an agent."""
        return tuple(run for run in self.runs if run.agent == agent)


def run_folders(place: Path) -> list[RunFolder]:
    """Return the folders of runs in a folder, at any depth, in order; a run that has not begun is none.

    A run inside the folder of another one that has begun is a part of that one, as the search of the kind of
    network that `nas_gym.fit` did not choose.
    """
    found = [RunFolder(file.parent) for file in place.rglob("config.json")]
    begun = [one for one in found if one.trace_file.is_file() or one.result_file.is_file()]
    outer = {one.path for one in begun} - {place}
    runs = [one for one in begun if outer.isdisjoint(one.path.parents)]
    return sorted(runs, key=lambda one: _natural(str(one.path)))


def read_together(place: str | os.PathLike[str], store: Any = "memory") -> Together:
    """Read all runs in a folder.

    A finished run is read from its result, which has its evaluations whether or not it was recorded; one
    that is not finished from its trace.

    Args:
        place: folder that holds runs, at any depth.
        store: store of the evaluator that answers further questions.

    Raises:
        NASGymError: if the folder holds no run, damaged ones, or some that cannot be explained together,
            their data or code have changed since, or nothing was evaluated in any of them.
    """
    place = Path(place)
    folders = run_folders(place)
    if not folders:
        raise StoreError(f"{place} holds no run: pass the folder of a run, or a folder that holds several")
    configs = [folder.config() for folder in folders]
    _check_alike(place, folders, configs)
    problem: Any = rebuild(configs[0], store, folder=folders[0]).unwrapped
    check_surroundings(folders[0], configs[0], problem)
    space = problem.search_space
    read = [_read(folder, space) for folder in folders]
    names = _names(folders, configs, [result for _, result in read])
    runs = tuple(
        OneRun(folder, name, _seed(config), seen, result)
        for folder, name, config, (seen, result) in zip(folders, names, configs, read, strict=True)
        if seen
    )
    if not runs:
        raise StoreError(f"nothing was evaluated in the runs of {place} so far: let them go on first")
    recording = Recording(Header("several agents", None, [], None), [], None, cut=False)
    evidence = Evidence(RunFolder(place), configs[0], problem, recording, tuple(_pooled(runs)))
    empty = tuple(folder.path for folder, (seen, _) in zip(folders, read, strict=True) if not seen)
    return Together(place, evidence, runs, empty)


def _read(
    folder: RunFolder, space: SearchSpace[Any]
) -> tuple[tuple[SeenEvaluation, ...], Mapping[str, Any] | None]:
    """Return the distinct evaluations of a run and its result, None for an unfinished one."""
    result = folder.result() if folder.is_finished else None
    if result is not None and "evaluations" in result:
        return tuple(_evaluated(folder, result, space)), result
    if not folder.trace_file.is_file() or folder.trace_file.stat().st_size == 0:
        return (), result
    return tuple(seen_in(read_trace(folder.trace_file), space)), result


def _evaluated(
    folder: RunFolder, result: Mapping[str, Any], space: SearchSpace[Any]
) -> Iterator[SeenEvaluation]:
    """Yield the evaluations that a result holds.

    Raises:
        NASGymError: if the result is damaged.
    """
    try:
        for order, values in enumerate(result["evaluations"]):
            one = Evaluation.from_dict(values)
            yield SeenEvaluation(
                space.parse(one.architecture), float(one.score), one.failed, order, NO_LINE, one.fidelity
            )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreError(
            f"{folder.result_file} is damaged ({error}): delete the folder and run again"
        ) from error


def _pooled(runs: Sequence[OneRun]) -> Iterator[SeenEvaluation]:
    """Yield every architecture and fidelity once; it has failed where it failed in every run."""
    found: dict[tuple[str, int | None], list[SeenEvaluation]] = {}
    for run in runs:
        for one in run.seen:
            found.setdefault((str(one.architecture), one.fidelity), []).append(one)
    for order, same in enumerate(found.values()):
        good = [one.score for one in same if not one.failed]
        score = float(np.mean(good)) if good else 0.0
        yield SeenEvaluation(same[0].architecture, score, not good, order, NO_LINE, same[0].fidelity)


def _seed(config: Mapping[str, Any]) -> int:
    seed = config["config"].get("seed", 0)
    return seed if isinstance(seed, int) and seed >= 0 else 0


def _names(
    folders: Sequence[RunFolder],
    configs: Sequence[Mapping[str, Any]],
    results: Sequence[Mapping[str, Any] | None],
) -> list[str]:
    """Return the name of each run's agent, by its hyperparameters where they tell it from others."""
    kinds = [
        json.dumps([config.get("agent"), config["config"].get("hyperparameters")], sort_keys=True)
        for config in configs
    ]
    named = {kind: str(config.get("agent", "agent")) for kind, config in zip(kinds, configs, strict=True)}
    counts = Counter(named.values())
    for kind, folder, result in zip(kinds, folders, results, strict=True):
        if counts[str(named[kind])] > 1:
            named[kind] = str((result or {}).get("label") or f"{named[kind]} ({folder.path.parent.name})")
    return [named[kind] for kind in kinds]


def _check_alike(place: Path, folders: Sequence[RunFolder], configs: Sequence[Mapping[str, Any]]) -> None:
    """Refuse runs whose scores mean different things.

    Raises:
        NASGymError: naming which to explain together.
    """
    groups: dict[str, list[int]] = {}
    for number, config in enumerate(configs):
        groups.setdefault(json.dumps(_meaning(config), sort_keys=True), []).append(number)
    if len(groups) == 1:
        return
    kinds = list(groups.values())
    words = _told_apart([configs[numbers[0]] for numbers in kinds])
    told = [
        f"{len(numbers)} of {what} (in {_where(numbers, folders)})"
        for what, numbers in zip(words, kinds, strict=True)
    ]
    raise ConfigError(
        f"{place} holds runs that cannot be explained together, {'; '.join(told)}: explain runs of one "
        "space, task and way of evaluating, in a folder of their own"
    )


def _meaning(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the scores of a run depend on beside the network."""
    env, found = config["env"], config.get("fingerprints", {})
    task = {name: value for name, value in env.get("task", {}).items() if name not in ("path", "fingerprint")}
    return {
        "search_space": env.get("search_space"),
        "task": task,
        "evaluator": env.get("evaluator"),
        "data": [found.get("task"), found.get("table")],
        "engine": found.get("engine"),
    }


def _told_apart(configs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return kinds of runs in words, with what differs between those of one space and task."""
    names = [
        f"{config['env'].get('search_space', {}).get('name')} on {config['env'].get('task', {}).get('name')}"
        for config in configs
    ]
    options = [flat(_meaning(config)) for config in configs]
    words = []
    for name, own in zip(names, options, strict=True):
        alike = [other for n, other in zip(names, options, strict=True) if n == name]
        keys = [key for key in own if any(other.get(key) != own[key] for other in alike)]
        told = [f"{key} {own[key]}" for key in keys if key not in ("data", "engine")] or ["other data"]
        words.append(name if len(alike) == 1 else f"{name} with {', '.join(told[:2])}")
    return words


def _where(numbers: Sequence[int], folders: Sequence[RunFolder]) -> str:
    """Return the folder that holds these runs alone, else the folders of a few of them."""
    paths = [folders[number].path for number in numbers]
    common = Path(os.path.commonpath([path.parent for path in paths]))
    others = [folder.path for number, folder in enumerate(folders) if number not in numbers]
    if not any(other.is_relative_to(common) for other in others):
        return str(common)
    more = f" and {len(paths) - MOST_NAMED} more" if len(paths) > MOST_NAMED else ""
    return f"{', '.join(map(str, paths[:MOST_NAMED]))}{more}"


def _natural(text: str) -> list[tuple[int, str]]:
    """Return a key that sorts seed2 before seed10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", text)]
