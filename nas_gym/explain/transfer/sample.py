"""Tasks that can be compared, and architectures that all of them have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from nas_gym.errors import ConfigError, NASGymError
from nas_gym.search_spaces import SearchSpace
from nas_gym.tasks import Task

LEAST_ARCHITECTURES = 10
TRIES = 50
"""Draws for each architecture that is needed, of which some fit no other task."""


def check_tasks(tasks: Sequence[Task]) -> None:
    """Check that there are at least two different tasks, of one kind of input.

    Raises:
        NASGymError: if not.
    """
    if len(tasks) < 2:
        raise ConfigError(
            f"transfer is measured between at least two tasks, not {len(tasks)}: pass --task twice or more"
        )
    first = tasks[0]
    for task in tasks[1:]:
        if task.inputs != first.inputs:
            raise ConfigError(
                f"transfer is measured between tasks of one kind of input, and {first.name!r} has "
                f"{first.inputs} where {task.name!r} has {task.inputs}: leave one of them out"
            )
    seen: dict[str, str] = {}
    for task in tasks:
        if task.fingerprint in seen:
            raise ConfigError(f"the task {task.name!r} is given twice: pass different tasks")
        seen[task.fingerprint] = task.name


def labels_of(tasks: Sequence[Task]) -> tuple[str, ...]:
    """Return a name for each task, with the options in which those of one name differ."""
    seen, labels = Counter[str](), []
    for task in tasks:
        alike = [other.spec for other in tasks if other.name == task.name]
        options = ", ".join(
            f"{name} {value}"
            for name, value in task.spec.items()
            if any(spec.get(name) != value for spec in alike)
        )
        label = f"{task.name} ({options})" if options else task.name
        seen[label] += 1
        labels.append(label if seen[label] == 1 else f"{label} {seen[label]}")
    return tuple(labels)


def shared_architectures(spaces: Sequence[SearchSpace[Any]], count: int, draw: int) -> list[str]:
    """Return architectures that every one of the spaces has, drawn uniformly without replacement.

    Args:
        spaces: the same space, built for several tasks.
        count: how many; all of them where there are no more.
        draw: seed of the draw.

    Raises:
        NASGymError: if there are hardly any.
    """
    smallest = min(spaces, key=lambda space: space.size)
    others = [space for space in spaces if space is not smallest]
    if smallest.size <= count:
        found = [text for text in map(str, smallest) if _fits(text, others)]
    else:
        rng, drawn = np.random.default_rng(draw), dict[str, bool]()
        for _ in range(TRIES * count):
            text = str(smallest.sample(rng))
            if text not in drawn:
                drawn[text] = _fits(text, others)
            if sum(drawn.values()) == count:
                break
        found = [text for text, fits in drawn.items() if fits]
    if len(found) < min(LEAST_ARCHITECTURES, smallest.size):
        raise ConfigError(
            f"the {smallest.name} spaces of these tasks have hardly any architecture in common, {len(found)} "
            f"of those drawn: choose another space, or tasks of more alike inputs than "
            f"{' and '.join(str(space.input_shape) for space in spaces)}"
        )
    return found


def _fits(text: str, spaces: Sequence[SearchSpace[Any]]) -> bool:
    try:
        return all(str(space.parse(text)) == text for space in spaces)
    except NASGymError:
        return False
