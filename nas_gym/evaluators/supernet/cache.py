"""Supernets that were trained, or are half trained, in the cache folder of the user."""

from __future__ import annotations

import io
import pickle
import warnings
from pathlib import Path
from typing import Any

import platformdirs
import torch

from nas_gym._files import write_bytes, writing
from nas_gym.errors import DataWarning


def folder() -> Path:
    """Return the folder of all supernets."""
    return platformdirs.user_cache_path("nas-gym", appauthor=False) / "supernets"


def kept(name: Path) -> dict[str, Any] | None:
    """Return the state that was kept under a name; None where there is none.

    One that cannot be read is none either, and a warning says so.
    """
    file = folder() / name.with_suffix(".pt")
    if not file.exists():
        return None
    try:
        state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
        if isinstance(state, dict) and set(FIELDS) <= set(state):
            return state
        reason = "it holds something else"
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        reason = str(error).partition("\n")[0] or "it is cut off"
    what = f"the supernet kept in {file} cannot be read and is trained again: {reason}"
    warnings.warn(DataWarning(what), stacklevel=2)
    return None


def keep(name: Path, state: dict[str, Any]) -> None:
    """Keep a state under a name, whole or not at all.

    Raises:
        NASGymError: if it cannot be written.
    """
    file = folder() / name.with_suffix(".pt")
    content = io.BytesIO()
    torch.save(state, content)
    with writing(file):
        file.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(file, content.getvalue())


FIELDS = ("arrays", "moments", "step", "epochs", "flops", "losses")
