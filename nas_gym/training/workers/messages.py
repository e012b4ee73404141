"""What a process that trains is told, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nas_gym.training.epochs import Keep
from nas_gym.training.members import Trained
from nas_gym.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Layout:
    """Where an array lies in a shared file: bytes from its start, NumPy's name of the type, and shape."""

    offset: int
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class UseData:
    """Map the data in a file that processes share.

    Attributes:
        key: name of the data.
        path: the file.
        arrays: the arrays of `TrainingData` in its order, None for one that is missing.
        loss: what members learn by.
    """

    key: str
    path: str
    arrays: tuple[Layout | None, ...]
    loss: str


@dataclass(frozen=True, slots=True)
class TrainChunk:
    """Train a chunk.

    Attributes:
        number: number of the task, rising.
        members: packed members, see `travel.py`.
        data: name of the data, which was given before.
        recipe, keep, limit: as in `Job`.
    """

    number: int
    members: bytes
    data: str
    recipe: Recipe
    keep: Keep
    limit: int


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop the task of this number, if it still runs."""

    number: int


@dataclass(frozen=True, slots=True)
class End:
    """Leave; shared files are removed by who made them."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The process can train: what its numbers depend on, to be compared."""

    numerics: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Epoch:
    """An epoch is done."""

    epoch: int
    loss: float


@dataclass(frozen=True, slots=True)
class Done:
    """The chunk is trained; results without their networks, which the asking side has."""

    results: list[Trained]


@dataclass(frozen=True, slots=True)
class Stopped:
    """The task was stopped."""


@dataclass(frozen=True, slots=True)
class Full:
    """The chunk does not fit into memory."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The members hold operations whose code this process does not have."""


@dataclass(frozen=True, slots=True)
class Raised:
    """Training raised an error."""

    error: BaseException


Answer = Ready | Epoch | Done | Stopped | Full | Unknown | Raised
