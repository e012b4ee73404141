"""Tasks of arrays or data frames in memory as files, so that what was made of them can be looked at later.

A file holds the arrays of the prepared task and a description in JSON; it is an ordinary ``.npz`` without
Python objects, and nothing in it is executed.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from nas_gym._files import write_bytes
from nas_gym.errors import DataError, NASGymError
from nas_gym.tasks.base import ARRAYS, Sample, Task
from nas_gym.tasks.reading.columns import TableEncoder
from nas_gym.tasks.reading.origins import Origins
from nas_gym.tasks.targets.kinds import target_of

FORMAT = 1
IN_MEMORY = "arrays"
"""The name in the spec of a task that was made of what was in memory."""


def is_in_memory(task: Task) -> bool:
    """Return whether a task is of arrays or a data frame in memory, which its spec cannot be built from."""
    return task.spec.get("name") == IN_MEMORY


def save_task(path: Path, task: Task) -> None:
    """Write a task in memory, whole or not at all.

    Of a table with texts or gaps the file has no sample, whose cells are no numbers.

    Args:
        path: file to write, ``.npz``.
        task: a task of which `is_in_memory` holds.

    Raises:
        NASGymError: if it cannot be written.
    """
    about = {
        "format": FORMAT,
        "name": task.name,
        "target": task.target.config(),
        "feature_names": list(task.feature_names),
        "encoder": None if task.encoder is None else task.encoder.config(),
        "spec": task.spec,
        "notes": list(task.notes),
        "split": task.split,
        "folds": len(task.folds),
    }
    if (origins := task.origins) is not None:
        about["origins"] = {"word": origins.word, "about": origins.about}
    arrays = {part: getattr(task, part) for part in ARRAYS}
    arrays |= {f"fold_{number}": fold for number, fold in enumerate(task.folds)}
    if task.origins is not None:
        arrays["origins"] = np.asarray(task.origins.names)
    if task.sample is not None and task.encoder is None:
        arrays |= {"sample_raw": task.sample.raw, "sample_x": task.sample.x}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, about=np.array(json.dumps(about)), **arrays)
    write_bytes(path, buffer.getvalue())


def load_task(path: Path) -> Task:
    """Return the task that `save_task` wrote.

    Raises:
        NASGymError: if there is no such file, or it is damaged or of another version.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays: dict[str, Any] = {name: file[name] for name in file.files}
        task = _task(json.loads(str(arrays.pop("about"))), arrays)
    except NASGymError:
        raise
    except Exception as error:
        raise DataError(
            f"{path} is no task that nas-gym kept, or it is damaged ({type(error).__name__}): make the run "
            "again"
        ) from error
    if task.fingerprint != task.spec.get("fingerprint"):
        raise DataError(f"{path} holds other data than it says: make the run again")
    return task


def _task(about: dict[str, Any], arrays: dict[str, Any]) -> Task:
    if about["format"] != FORMAT:
        raise DataError(
            f"a kept task of format {about['format']!r} is of another version of nas-gym, this one reads "
            f"{FORMAT}: use the version that wrote it"
        )
    sample = Sample(arrays["sample_raw"], arrays["sample_x"]) if "sample_raw" in arrays else None
    return Task(
        name=about["name"],
        **{part: arrays[part] for part in ARRAYS},
        target=target_of(about["target"]),
        feature_names=tuple(about["feature_names"]),
        spec=about["spec"],
        encoder=None if about["encoder"] is None else TableEncoder.from_config(about["encoder"]),
        sample=sample,
        notes=tuple(about["notes"]),
        split=about["split"],
        folds=tuple(arrays[f"fold_{number}"] for number in range(about["folds"])),
        origins=_origins(about, arrays),
    )


def _origins(about: dict[str, Any], arrays: dict[str, Any]) -> Origins | None:
    """Return what the validation examples are called; None in a file that does not say it."""
    if "origins" not in about:
        return None
    names = arrays["origins"]
    return Origins(
        **about["origins"], names=names if names.dtype.kind == "i" else tuple(map(str, names.tolist()))
    )
