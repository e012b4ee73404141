"""The data of a task in memory that processes share: a file that all of them map."""

from __future__ import annotations

import hashlib
import mmap
import os
import tempfile
import weakref
from contextlib import suppress
from dataclasses import fields
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from nas_gym.training.members import TrainingData
from nas_gym.training.workers.messages import Layout, UseData

# A file there is memory and never touches a disk. In containers it may hold 64 MiB alone.
MEMORY = Path("/dev/shm")  # noqa: S108 (a name of its own there, readable by this user alone)
ALIGNMENT = 64  # as torch aligns arrays
ARRAYS = tuple(field.name for field in fields(TrainingData) if field.name != "loss")


class SharedData:
    """Data in a file, which is removed when nobody uses this object any more.

    Attributes:
        message: what tells another process to map it.
    """

    def __init__(self, data: TrainingData, key: str) -> None:
        arrays = _arrays(data)
        layouts: list[Layout | None] = []
        size = 0
        for array in arrays:
            layouts.append(None if array is None else Layout(size, str(array.dtype), array.shape))
            size += 0 if array is None else -(-array.nbytes // ALIGNMENT) * ALIGNMENT
        path = _written(arrays, layouts, size)
        self.message = UseData(key, path, tuple(layouts), data.loss)
        weakref.finalize(self, _remove, path, os.getpid())


def key_of(data: TrainingData) -> str:
    """Return a name of what the data is, which equal data has, too."""
    digest = hashlib.blake2b(data.loss.encode(), digest_size=16)
    for array in _arrays(data):
        digest.update(repr(None if array is None else (array.dtype, array.shape)).encode())
        digest.update(b"" if array is None else _bytes(array))
    return digest.hexdigest()


def mapped(message: UseData) -> TrainingData:
    """Return the data of a file, in the memory that all processes share."""
    with open(message.path, "rb") as file:
        # Of a copy only what is written to is copied, and nothing writes. Torch warns of one to read.
        memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    arrays = [None if layout is None else _view(memory, layout) for layout in message.arrays]
    return TrainingData(**dict(zip(ARRAYS, arrays, strict=True)), loss=message.loss)  # type: ignore[arg-type]


def _view(memory: mmap.mmap, layout: Layout) -> Tensor:
    array = np.ndarray(layout.shape, np.dtype(layout.dtype), memory, layout.offset)
    return torch.from_numpy(array)


def _arrays(data: TrainingData) -> list[np.ndarray | None]:
    tensors = [getattr(data, name) for name in ARRAYS]
    return [None if tensor is None else tensor.detach().contiguous().numpy() for tensor in tensors]


def _bytes(array: np.ndarray) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def _written(arrays: list[np.ndarray | None], layouts: list[Layout | None], size: int) -> str:
    """Write arrays into a new file in memory, or on disk where memory has no room; return its path."""
    for folder in (MEMORY, Path(tempfile.gettempdir())):
        if not folder.is_dir():
            continue
        try:
            descriptor, path = tempfile.mkstemp(prefix=f"nas-gym-{os.getpid()}-", dir=folder)
        except OSError:
            continue
        try:
            with open(descriptor, "wb") as file:
                for array, layout in zip(arrays, layouts, strict=True):
                    if array is not None and layout is not None:
                        file.seek(layout.offset)
                        file.write(_bytes(array))
                file.truncate(size)
        except OSError:
            _remove(path, os.getpid())
            continue
        return path
    raise OSError("no folder has room for the data")


def _remove(path: str, process: int) -> None:
    # A forked copy of the process has a copy of the object, too.
    if os.getpid() == process:
        with suppress(OSError):
            os.unlink(path)
