"""Rows of memory seen as values: (members, channels, *sides, batch), the batch innermost."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from nas_gym.networks import Shape


def matrix(rows: Tensor, channels: int, batch: int, positions: int = 1) -> Tensor:
    """Rows as (members, channels, positions * batch)."""
    floats = channels * positions * batch
    result: Tensor = rows[:, :floats].unflatten(1, (channels, positions * batch))
    return result


def grid(rows: Tensor, shape: Shape, batch: int) -> Tensor:
    """Rows as (members, *shape, batch)."""
    result: Tensor = rows[:, : math.prod(shape) * batch].unflatten(1, (*shape, batch))
    return result


def constant(value: float, like: Tensor) -> Tensor:
    """A number as a tensor without dimensions: kernels start a microsecond sooner than with a float."""
    return torch.tensor(value, dtype=like.dtype, device=like.device)
