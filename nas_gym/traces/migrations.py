"""Files of earlier formats, read as if they had been written today; nothing on the disk is changed.

What an evaluation is searched by was called ``accuracy`` before tasks had targets; it is now the ``score``.
Each function takes the values of a file of the format in its name and returns those of the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Migration = Callable[[Mapping[str, Any]], dict[str, Any]]

class UnknownFormat(Exception):  # noqa: N818 - the reader says it in a sentence of its own
    """A file is of a format that nothing reads."""


SCORES = {
    "accuracy": "score",
    "validation_accuracy": "validation_score",
    "test_accuracy": "test_score",
    "accuracy_is": "score_is",
}


def config_2(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config that names the reward and the kind of inputs as they are named now."""
    env = dict(config["env"])
    reward = env.get("reward")
    if reward == "accuracy":
        env["reward"] = "score"
    elif isinstance(reward, Mapping) and reward.get("name") == "accuracy":
        env["reward"] = {**reward, "name": "score"}
    task = env.get("task")
    if isinstance(task, Mapping) and "kind" in task:
        inputs = "features" if task["kind"] == "table" else task["kind"]
        env["task"] = {**{name: value for name, value in task.items() if name != "kind"}, "inputs": inputs}
    return {**config, "env": env, "format": 3}


def result_1(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return a result with scores in place of accuracies."""
    found = _renamed(result)
    found["evaluations"] = [_renamed(one) for one in result.get("evaluations", ())]
    for name in ("final", "incumbents"):
        if found.get(name) is not None:
            found[name] = [_renamed(one) for one in found[name]]
    if found.get("on_new_examples") is not None:
        found["on_new_examples"] = _renamed(found["on_new_examples"])
    if found.get("constant_answer") is not None:
        answer = dict(found["constant_answer"])
        found["constant_answer"] = {"answer": answer.pop("class_name"), **answer}
    return {**found, "metric": "accuracy", "format": 2}


def trace_1(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return a line of a trace with a score in place of the accuracy."""
    found = _renamed(line)
    return {**found, "version": 2} if "version" in found else found


CONFIGS: dict[int, Migration] = {2: config_2}
RESULTS: dict[int, Migration] = {1: result_1}
TRACES: dict[int, Migration] = {1: trace_1}


def migrated(values: Mapping[str, Any], migrations: Mapping[int, Migration], newest: int) -> dict[str, Any]:
    """Return the values of a file in the newest format.

    Args:
        values: of the file; ``"format"`` says which it is of.
        migrations: by the format they start from.
        newest: the format to reach.

    Raises:
        UnknownFormat: if no migration starts from its format.
    """
    found = dict(values)
    while (version := found.get("format")) != newest:
        if not isinstance(version, int) or version not in migrations:
            raise UnknownFormat("of no format" if version is None else f"of format {version!r}")
        found = migrations[version](found)
    return found


def _renamed(values: Mapping[str, Any]) -> dict[str, Any]:
    return {SCORES.get(name, name): value for name, value in values.items()}
