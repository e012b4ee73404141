"""Which of the networks of a run is the one to use: the same for every command, export and report."""

from __future__ import annotations

from pathlib import Path

REFITTED, KEPT = "network.pt", "best.pt"
"""The network that `nas-gym fit` trains on all but the test examples, and the one that the search kept."""


def network_file(path: str | Path) -> Path:
    """Return the file of the network to use: of a folder the refitted one, else the one that it kept.

    A path that is no folder is returned as it is. Of a folder without either it is that of the one that a
    search keeps, so that a message names it.

    Args:
        path: a saved network, or the folder of a run.
    """
    path = Path(path)
    if not path.is_dir():
        return path
    return next((path / name for name in (REFITTED, KEPT) if (path / name).is_file()), path / KEPT)
