"""Supernets that were trained, or are half trained, in the cache folder of the user."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import platformdirs

from nas_gym.training import read_state, write_state

FIELDS = ("arrays", "moments", "step", "epochs", "flops", "losses")


def folder() -> Path:
    """Return the folder of all supernets."""
    return platformdirs.user_cache_path("nas-gym", appauthor=False) / "supernets"


def kept(name: Path) -> dict[str, Any] | None:
    """Return the state that was kept under a name; None where there is none.

    One that cannot be read is none either, and a warning says so.
    """
    return read_state(folder() / name.with_suffix(".pt"), FIELDS, "the training of the supernet")


def keep(name: Path, state: dict[str, Any]) -> None:
    """Keep a state under a name, whole or not at all.

    Raises:
        NASGymError: if it cannot be written.
    """
    write_state(folder() / name.with_suffix(".pt"), state)
