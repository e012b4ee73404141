"""The user's own arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nas_gym.errors import NASGymError
from nas_gym.tasks.data import Data
from nas_gym.tasks.task import Kind


def arrays(
    x: Any = None,
    y: Any = None,
    title: str = "arrays",
    class_names: Sequence[str] | None = None,
    feature_names: Sequence[str] = (),
    kind: Kind | None = None,
    fingerprint: str | None = None,
) -> Data:
    """A task of arrays in memory.

    Args:
        x: as in `Task.from_arrays`.
        y: as in `Task.from_arrays`.
        title: name of the task.
        class_names: as in `Task.from_arrays`.
        feature_names: as in `Task.from_arrays`.
        kind: ``"table"``, ``"signal"`` or ``"image"``, to read x of an ambiguous shape; a signal or
            an image without a channel gains one.
        fingerprint: of the task that the arrays must make, as a recorded spec names it.
    """
    if x is None or y is None:
        known = f" (the spec of task {title!r} names their fingerprint only)" if fingerprint else ""
        raise NASGymError(
            f"the task 'arrays' needs x and y{known}: pass both, or save them and use an .npz file"
        )
    return Data(
        x,
        y,
        class_names=class_names,
        feature_names=feature_names,
        kind=kind,
        title=title,
        in_memory=True,
    )
