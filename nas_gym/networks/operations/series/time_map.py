"""What operations share that multiply each channel by one matrix that is not trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from nas_gym.networks.operations.base import Node, Operation, Source

if TYPE_CHECKING:
    from torch import Tensor


class TimeMap(Operation):
    """A map of each channel by `matrix`, the same for all; nothing of it is trained."""

    name: ClassVar[str] = "time_map"
    keeps_result = False
    shares_rows = True
    mergeable = True

    def matrix(self, node: Node) -> np.ndarray:
        """Return the matrix, float32 (numbers of a result, numbers of a channel); not to be overwritten."""
        raise NotImplementedError

    def channels(self, node: Node) -> int:
        """Return the number of channels, which lie one after another in input and result."""
        return node.input_shape[0]

    def flops(self, node: Node) -> int:
        return 2 * self.matrix(node).size * self.channels(node)

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        import torch

        matrix = torch.as_tensor(self.matrix(node).T.copy()).to(inputs[0])
        x = inputs[0].reshape(-1, self.channels(node), len(matrix))
        found: Tensor = (x @ matrix).reshape(-1, *node.shape)
        return found

    def source(self, node: Node) -> Source:
        rows = [[float(f"{value:.9g}") for value in row] for row in self.matrix(node).T.tolist()]
        shape = ", ".join(map(str, node.shape))
        call = f"({{0}}.reshape(-1, {self.channels(node)}, {len(rows)}) @ torch.tensor({rows}).to({{0}}))"
        return Source(f"{call}.reshape(-1, {shape})")


@lru_cache(maxsize=256)
def averaging(length: int, kernel: int, remainder: bool) -> np.ndarray:
    """Return the matrix of a moving average over a window that repeats the ends, float32 (length, length).

    Args:
        length: steps.
        kernel: steps of the window around each, an odd number.
        remainder: whether it is what the average leaves.
    """
    reach = kernel // 2
    found = np.zeros((length, length))
    for step in range(length):
        places = np.clip(np.arange(step - reach, step + reach + 1), 0, length - 1)
        np.add.at(found[step], places, 1 / kernel)
    matrix = (np.eye(length) - found if remainder else found).astype(np.float32)
    matrix.flags.writeable = False
    return matrix


@lru_cache(maxsize=256)
def basis(kind: str, length: int, size: int, period: int) -> np.ndarray:
    """Return functions of time, float32 (length, size): powers, or waves of a period and its parts.

    Args:
        kind: ``"trend"`` or ``"season"``.
        length: steps.
        size: functions.
        period: steps of a season.
    """
    time = np.arange(length)
    if kind == "trend":
        columns = [(time / length) ** power for power in range(size)]
    else:
        turns = [2 * np.pi * (1 + number // 2) * time / period for number in range(size)]
        columns = [np.sin(turn) if number % 2 else np.cos(turn) for number, turn in enumerate(turns)]
    matrix = np.stack(columns, axis=1).astype(np.float32)
    matrix.flags.writeable = False
    return matrix
