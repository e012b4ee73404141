"""Rows of memory seen as values: (members, channels, *sides, batch), the batch innermost.

A row lies densely. Each view is made by one call, since a network takes hundreds of them.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

from nas_gym.networks import Shape


def matrix(rows: Tensor, channels: int, batch: int, positions: int = 1) -> Tensor:
    """Rows as (members, channels, positions * batch)."""
    columns = positions * batch
    return rows.as_strided((rows.shape[0], channels, columns), (rows.stride(0), columns, 1))


def grid(rows: Tensor, shape: Shape, batch: int) -> Tensor:
    """Rows as (members, *shape, batch)."""
    sizes = (*shape, batch)
    strides = [math.prod(sizes[place + 1 :]) for place in range(len(sizes))]
    return rows.as_strided((rows.shape[0], *sizes), (rows.stride(0), *strides))


def constant(value: float, like: Tensor) -> Tensor:
    """A number as a tensor without dimensions: kernels start a microsecond sooner than with a float.

    On a CPU it is kept, since making hundreds of them for a network takes as long as a training step.
    """
    if like.device.type == "cpu":
        return _kept(value, like.dtype)
    return torch.tensor(value, dtype=like.dtype, device=like.device)


@lru_cache(maxsize=4096)
def _kept(value: float, dtype: torch.dtype) -> Tensor:
    return torch.tensor(value, dtype=dtype, device="cpu")
