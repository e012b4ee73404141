"""What the loaders of the user's files share."""

from __future__ import annotations

import re
from pathlib import Path

from nas_gym.errors import ConfigError, DataError

SHOWN = 100  # characters of what is no path


def existing(path: str | Path, suffix: str) -> Path:
    """Return the absolute path of a file; ``~`` stands for the home folder.

    Raises:
        NASGymError: if the file does not exist.
    """
    if not isinstance(path, str | Path):
        raise ConfigError(f"path must be the path of a {suffix} file, not {path!r}")
    try:
        full = Path(path).expanduser().resolve()
        is_folder, exists = full.is_dir(), full.exists()
    except (OSError, ValueError, RuntimeError) as error:  # too long a name, a NUL in it, no such home
        raise DataError(
            f"{str(path)[:SHOWN]!r} is no path ({error}): pass the path of a {suffix} file"
        ) from error
    if is_folder:
        raise DataError(f"{full} is a folder: pass the path of a {suffix} file in it")
    if not exists:
        raise DataError(f"there is no file {full}: pass the path of an existing {suffix} file")
    return full


def title(path: Path) -> str:
    """Return a task's name from that of its file, fit for folders."""
    return re.sub(r"[^\w.-]+", "-", path.stem).strip("-.") or path.suffix.lstrip(".")
