"""Supernets that were trained, or are half trained, in the cache folder of the user."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import platformdirs
import torch

from nas_gym._files import write_bytes, writing


def folder() -> Path:
    """Return the folder of all supernets."""
    return platformdirs.user_cache_path("nas-gym", appauthor=False) / "supernets"


def kept(name: Path) -> dict[str, Any] | None:
    """Return the state that was kept under a name; None where there is none, or none that can be read."""
    file = folder() / name.with_suffix(".pt")
    try:
        state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError):
        return None
    return state if isinstance(state, dict) and set(FIELDS) <= set(state) else None


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
