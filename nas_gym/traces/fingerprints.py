"""Fingerprints of what a run depends on and its folder does not hold: data, tables, the user's own code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from nas_gym._sources import UNKNOWN, sources_of
from nas_gym.errors import StoreError

if TYPE_CHECKING:
    from nas_gym.envs import Problem

SHOWN = 12
NAMED = 3
SEARCHER = "agent"
"""The part whose code only a search runs: who reads a run asks its agent nothing."""


def fingerprints_of(problem: Problem) -> dict[str, Any]:
    """Return the fingerprints of what is around a search, JSON-able.

    - ``"task"``: ``"contents"`` of its arrays (`Task.fingerprint`), and ``"names"`` of its classes or
      values and of its features, which change no score but are printed.
    - ``"table"``, in place of the task: fingerprint of the table that answers.
    - ``"engine"``: version of the training, where networks are trained.
    - ``"code"``: for each part that is the user's own, what `nas_gym._sources.sources_of` gives.

    Raises:
        NASGymError: as `sources_of`.
    """
    evaluator = problem.evaluator
    found: dict[str, Any] = {}
    if evaluator.table is not None:
        found["table"] = evaluator.table.fingerprint
    else:
        task = problem.task
        names = json.dumps([list(task.target.names), list(task.feature_names)])
        found["task"] = {
            "contents": task.fingerprint,
            "names": hashlib.sha256(names.encode()).hexdigest(),
        }
    if evaluator.engine is not None:
        found["engine"] = evaluator.engine
    parts: dict[str, object] = {
        "environment": problem,
        "search space": problem.search_space,
        **problem.reward.parts(),
        **evaluator.parts(),
    }
    found["code"] = {what: code for what, part in parts.items() if (code := sources_of(part))}
    return found


def changes(there: Mapping[str, Any], here: Mapping[str, Any], *, searching: bool = True) -> Iterator[str]:
    """Yield what is not as it was when a run was made, in words; nothing for what another option explains.

    Args:
        there: the run's config.
        here: the same of what is at hand now.
        searching: whether the agent runs, too.
    """
    old, new = there.get("fingerprints", {}), here.get("fingerprints", {})
    task = _spec(there)
    if task == _spec(here):
        yield from _changed_task(old.get("task"), new.get("task"), task)
        yield from _changed_table(old.get("table"), new.get("table"), there["env"])
    versions = old.get("engine"), new.get("engine")
    if versions[0] != versions[1] and None not in versions:
        yield f"networks were trained by engine version {versions[0]}, and are by version {versions[1]}"
    for what in dict.fromkeys([*old.get("code", {}), *new.get("code", {})]):
        # A reward that no name leads to is not at hand for who reads its run, and is not asked.
        at_hand = what != "reward" or what in new.get("code", {})
        if searching or (what != SEARCHER and at_hand):
            yield from _changed_code(what, old["code"].get(what, {}), new["code"].get(what, {}))


def check_unchanged(
    what: str, recorded: Mapping[str, Any], here: Mapping[str, Any], *, searching: bool = False
) -> None:
    """Check that what a run is about to be read with, or compared with, is what it was made with.

    Args:
        what: what was made, in words.
        recorded: the run's config.
        here: ``"env"`` and ``"fingerprints"`` of what is at hand, as a config has them.
        searching: see `changes`.

    Raises:
        NASGymError: if it is not, saying what has changed and what to do.
    """
    found = list(changes(recorded, here, searching=searching))
    if found:
        raise StoreError(
            f"{what} was made with something else: {', and '.join(found[:NAMED])}: put back what it was made "
            "with, or run again into another folder, since numbers of both would be mixed"
        )


def same_data(there: Mapping[str, Any], here: Mapping[str, Any]) -> bool:
    """Return whether two runs are on the same data, wherever it lay and whatever it was called."""
    old, new = there.get("fingerprints", {}), here.get("fingerprints", {})
    return all(old.get(name) == new.get(name) for name in ("task", "table"))


def fingerprint_of_data(config: Mapping[str, Any]) -> str:
    """Return the fingerprint of a run's data, or of the table in their place."""
    found = config.get("fingerprints", {})
    return str(found.get("table") or found.get("task", {}).get("contents", UNKNOWN))


def _spec(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a task is asked for by; the fingerprint of arrays in memory is what they are, no option."""
    task: Mapping[str, Any] = config["env"].get("task", {})
    return {name: each for name, each in task.items() if name != "fingerprint"}


def _changed_task(
    old: Mapping[str, str] | None, new: Mapping[str, str] | None, task: Mapping[str, Any]
) -> Iterator[str]:
    if old is None or new is None:
        return
    where = task.get("path") or f"the data of the task {task.get('name')!r}"
    if old["contents"] != new["contents"]:
        yield f"{where} has changed since{_digests(old['contents'], new['contents'])}"
    elif old["names"] != new["names"]:
        yield f"the names of classes or features in {where} have changed since"


def _changed_table(old: str | None, new: str | None, env: Mapping[str, Any]) -> Iterator[str]:
    if old is not None and new is not None and old != new:
        name = f"{env['evaluator'].get('benchmark')}-{env['task'].get('name')}"
        yield f"the table {name} has changed since{_digests(old, new)}"


def _changed_code(what: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    for module in dict.fromkeys([*old, *new]):
        one, other = old.get(module), new.get(module)
        if one != other:
            if one is None or other is None:
                yield f"the code of the {what} {'was' if other is None else 'is now'} in {module}, too"
                continue
            state = "cannot be compared with what it was" if UNKNOWN in (one, other) else "has changed since"
            yield f"the code of the {what} in {module} {state}{_digests(one, other)}"


def _digests(old: str, new: str) -> str:
    return f" (fingerprint {old[:SHOWN]} then, {new[:SHOWN]} now)"
