"""What happens to a command from within, before it begins; see `tests.faults.launcher.Launcher.start`."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Any

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
CHANGES = ("os.rename", "os.mkdir", "os.remove", "os.rmdir")


def limit_file_size(limit: int) -> None:
    """Let no file grow beyond a size, which is a disk that fills, without a disk."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))


def wait_for_locks(seconds: float) -> None:
    """Set how long a store waits for a file that another process locks."""
    from nas_gym.evaluators.store import database

    database.BUSY_SECONDS = seconds


def read_only_after(folder: str, changes: int) -> None:
    """Let the system refuse what would change a folder after so many changes; files that are open stay so.

    Permissions do not bind who runs tests as root, so Python's audit events do.
    """
    place, count = Path(folder).resolve(), 0

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal count
        opens = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING
        if not opens and event not in CHANGES:
            return
        path = arguments[1] if event == "os.rename" else arguments[0]
        if not isinstance(path, str | os.PathLike):
            return
        if Path(os.path.abspath(path)).is_relative_to(place):
            count += 1
            if count > changes:
                raise OSError(errno.EROFS, os.strerror(errno.EROFS), os.fspath(path))

    sys.addaudithook(watch)


def keep_supernets_after_each_epoch(anew: bool) -> None:
    """Have a supernet in training kept after each epoch; the first epoch is refused unless `anew`."""
    from nas_gym.evaluators.supernet import evaluator
    from nas_gym.training import PathTraining

    evaluator.KEPT_EVERY = 0.0
    trained = PathTraining.train_epoch

    def train_epoch(self: PathTraining, *arguments: Any) -> float:
        if not anew and self.trace.epochs == 0:
            raise AssertionError("the training of a supernet began anew")
        return trained(self, *arguments)

    PathTraining.train_epoch = train_epoch  # type: ignore[method-assign]
