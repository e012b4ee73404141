"""Arrays that take long to make, kept in the platform's cache folder."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

Arrays = dict[str, np.ndarray]
CHECKSUM = "sha256"


def cached(name: str, key: dict[str, Any], make: Callable[[], Arrays]) -> Arrays:
    """Return the arrays that `make` gives, from a file where there is one.

    A broken or foreign file is made again. Where the folder cannot be written, a warning says so
    and the arrays are made anew each time.

    Args:
        name: start of the file's name.
        key: JSON-able, all that the arrays depend on.
        make: makes the arrays.
    """
    text = json.dumps(key, sort_keys=True)
    folder = platformdirs.user_cache_path("nas-gym", appauthor=False) / "tasks"
    path = folder / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.npz"
    arrays = _read(path)
    if arrays is None:
        arrays = make()
        try:
            _write(path, arrays)
        except OSError as error:
            warnings.warn(
                f"{name} is made anew each time, since {folder} cannot be written: {error}", stacklevel=2
            )
    return arrays


def _read(path: Path) -> Arrays | None:
    """Return the arrays of a file; None where it is missing or its content is not what was written."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, EOFError, ValueError, KeyError, NotImplementedError, zipfile.BadZipFile, zlib.error):
        return None
    checksum = arrays.pop(CHECKSUM, None)
    return arrays if checksum is not None and str(checksum) == _checksum(arrays) else None


def _write(path: Path, arrays: Arrays) -> None:
    # Whoever reads meanwhile sees the old file or the whole new one.
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            contents: dict[str, Any] = {**arrays, CHECKSUM: np.array(_checksum(arrays))}
            np.savez(file, **contents)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _checksum(arrays: Arrays) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape};".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
