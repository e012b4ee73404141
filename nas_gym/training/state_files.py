"""Files with the state of a training under way: tensors, numbers and texts, read without running anything."""

from __future__ import annotations

import io
import pickle
import warnings
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch

from nas_gym._files import write_bytes, writing
from nas_gym.errors import DataWarning


def read_state(file: Path, fields: Collection[str], what: str) -> dict[str, Any] | None:
    """Return the state that a file holds; None where there is no file.

    One that cannot be read, or lacks a field, is none either, and a warning says so.

    Args:
        file: where `write_state` wrote it.
        fields: what it must have.
        what: what it is of, in words, for the warning.
    """
    if not file.exists():
        return None
    try:
        state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
        if isinstance(state, dict) and set(fields) <= set(state):
            return state
        reason = "it holds something else"
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        reason = str(error).partition("\n")[0] or "it is cut off"
    warnings.warn(
        DataWarning(f"{what} kept in {file} cannot be read and begins anew: {reason}"), stacklevel=2
    )
    return None


def write_state(file: Path, state: Mapping[str, Any]) -> None:
    """Write a state, whole or not at all.

    Raises:
        NASGymError: if it cannot be written.
    """
    content = io.BytesIO()
    torch.save(dict(state), content)
    with writing(file):
        file.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(file, content.getvalue())
