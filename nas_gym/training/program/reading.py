"""A program whose results and gradients are copied out, instead of training by them."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from nas_gym.training.hardware.memory import Memory
from nas_gym.training.kernels.layout import grid
from nas_gym.training.program.grouping import Group, Value
from nas_gym.training.program.parameters import Parameters
from nas_gym.training.program.program import Chunk, Program
from nas_gym.training.program.tape import Kernel, Rows

Copies = dict[Value, tuple[Rows, Group]]
"""Where the copy of a value lies, and of which group it is."""


@dataclass(frozen=True)
class ReadingRequest:
    """What is kept of a batch.

    Attributes:
        results: values whose results are kept.
        result_gradients: values by whose results the gradient is kept.
        by_sum: whether gradients are of the sum of the outputs, in place of the loss.
        backward: whether gradients are computed, those of all weights among them.
    """

    results: Collection[Value] = ()
    result_gradients: Collection[Value] = ()
    by_sum: bool = False
    backward: bool = True


class ReadingProgram(Program):
    """A batch forward and, where gradients are asked for, backward, of which some values are kept.

    What a step needs no more shares memory with what it computes next, so values are copied as soon as they
    are there.

    Args:
        chunk: what to compute.
        parameters: the weights of the chunk.
        memory: where scratch memory comes from.
        batch: examples of a batch.
        request: what to keep.
    """

    def __init__(
        self, chunk: Chunk, parameters: Parameters, memory: Memory, batch: int, request: ReadingRequest
    ) -> None:
        # The constructor of the base class records the program and calls the hooks below.
        self._request = request
        self._results: Copies = {}
        self._gradients: Copies = {}
        super().__init__(chunk, parameters, memory, batch)

    def result(self, value: Value) -> Tensor:
        """Return a result that is kept, (batch, *shape)."""
        return self._read(self._results[value])

    def result_gradient(self, value: Value) -> Tensor:
        """Return the gradient by a result that is kept, (batch, *shape)."""
        return self._read(self._gradients[value])

    def _read(self, copy: tuple[Rows, Group]) -> Tensor:
        rows, group = copy
        lying = grid(self._tape.tensor(rows), group.node.shape, self._batch)[0]
        return lying.movedim(-1, 0).clone(memory_format=torch.contiguous_format)

    def _on_result(self, group: Group) -> None:
        positions = _positions(group, self._request.results)
        if positions:
            self._copy(group, positions, self._places.gather(group.ids[positions]), self._results)

    def _on_gradient(self, group: Group, gradient: Rows) -> None:
        positions = _positions(group, self._request.result_gradients)
        if not positions:
            return
        if len(positions) < len(group.values):
            # One row may stand for all.
            steps = np.zeros(len(positions), dtype=np.int64) if gradient.repeat else np.array(positions)
            blocks = np.full(len(positions), gradient.block.number)
            gradient = self._tape.gather(blocks, gradient.start + steps)
        self._copy(group, positions, gradient, self._gradients)

    def _copy(self, group: Group, positions: list[int], rows: Rows, copies: Copies) -> None:
        """Copy rows, of the values of a group at these positions, to where nothing overwrites them."""
        copy = self._tape.new(math.prod(group.node.shape), len(positions))
        self._tape.keep(copy)
        self._tape.add(lambda copy, rows: [partial(copy.copy_, rows)], copy, rows)
        for row, position in enumerate(positions):
            copies[group.values[position]] = (copy[row : row + 1], group)

    def _record_loss(self, outputs: Rows) -> Rows:
        if not self._request.by_sum:
            return super()._record_loss(outputs)
        gradient = self._tape.new(self._chunk.outputs, len(self._chunk.seeds))

        def bind(gradient: Tensor) -> list[Kernel]:
            return [partial(gradient.fill_, 1.0)]

        self._tape.add(bind, gradient)
        return gradient

    def _record_backward(self, gradient: Rows) -> None:
        if self._request.backward:
            super()._record_backward(gradient)


def _positions(group: Group, asked: Collection[Value]) -> list[int]:
    """Return which values of a group are asked for."""
    return [position for position, value in enumerate(group.values) if value in asked]
