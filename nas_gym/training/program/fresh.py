"""Results in memory that a library takes for them, handed to their readers without a copy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nas_gym.training._torch import copy_each
from nas_gym.training.program.launches import composed

TENSORS_AT_ONCE = 64
"""Pairs of tensors that a kernel of torch copies at once (`depth_to_max_tensors`), each of them short."""


class Fresh:
    """A result in memory that its library took, let go once it has been read for the last time in a run.

    It is written once in a run of a list of calls, then read as often as `reader` was called.
    """

    def __init__(self) -> None:
        self._readers = self._left = 0
        self._value: Tensor | None = None

    def reader(self) -> None:
        """Note that each run reads it once more."""
        self._readers += 1

    def put(self, value: Tensor) -> None:
        """Hold a value for its readers."""
        self._left = self._readers
        self._value = value if self._readers else None

    def take(self) -> Tensor:
        """Return the value to one of its readers."""
        value = self._value
        assert value is not None
        self._left -= 1
        if not self._left:
            self._value = None
        return value


@dataclass(frozen=True, slots=True)
class Part:
    """Consecutive rows of a fresh result, to be read once in a run.

    Attributes:
        fresh: the result, (rows, floats).
        start, stop: the rows.
    """

    fresh: Fresh
    start: int
    stop: int

    def take(self) -> Tensor:
        """Return the rows."""
        return self.fresh.take()[self.start : self.stop]


Source = Tensor | Part
"""What a kernel reads: rows of memory that stays where it is, or of a fresh result."""


def taken(source: Source) -> Tensor:
    """Return the rows that a kernel reads now."""
    return source.take() if isinstance(source, Part) else source


def copy_rows(fresh: Fresh, rows: Tensor) -> None:
    """Copy a fresh result to memory that stays where it is."""
    rows.copy_(fresh.take())


def join(sources: Sequence[Source], rows: Tensor) -> None:
    """Copy rows that lie apart, and those of fresh results, side by side."""
    torch.cat([taken(source) for source in sources], out=rows)


def _copies(targets: Sequence[Tensor], _: Sequence[Fresh]) -> int:
    return -(-len(targets) // TENSORS_AT_ONCE)


@composed(_copies)
def copy_all(targets: Sequence[Tensor], results: Sequence[Fresh]) -> None:
    """Copy fresh results to their targets, all in as few kernels as torch has for it."""
    found = [result.take().view(target.shape) for target, result in zip(targets, results, strict=True)]
    copy_each(targets, found)
