"""A program that nothing trains by: results and gradients of a batch, kept to be read."""

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


@dataclass(frozen=True)
class Wanted:
    """What a reading keeps.

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


class Reading(Program):
    """A batch forward and, where gradients are wanted, backward, that copies out what is wanted.

    What training needs no more shares memory with what it computes next, so that it is copied as soon as it
    is there.

    Args:
        chunk: what to compute.
        parameters: the weights of the chunk.
        memory: where scratch memory comes from.
        batch: examples of a batch.
        wanted: what to keep.
    """

    def __init__(
        self, chunk: Chunk, parameters: Parameters, memory: Memory, batch: int, wanted: Wanted
    ) -> None:
        self._wanted = wanted
        self._results: dict[Value, tuple[Rows, Group]] = {}
        self._gradients: dict[Value, tuple[Rows, Group]] = {}
        super().__init__(chunk, parameters, memory, batch)

    def result(self, value: Value) -> Tensor:
        """Return a wanted result, (batch, *shape)."""
        return self._read(self._results[value])

    def result_gradient(self, value: Value) -> Tensor:
        """Return the gradient by a wanted result, (batch, *shape)."""
        return self._read(self._gradients[value])

    def _read(self, place: tuple[Rows, Group]) -> Tensor:
        rows, group = place
        lying = grid(self._tape.tensor(rows), group.node.shape, self._batch)[0]
        return lying.movedim(-1, 0).clone(memory_format=torch.contiguous_format)

    def _has_result(self, group: Group) -> None:
        kept = [place for place, value in enumerate(group.values) if value in self._wanted.results]
        if kept:
            self._keep(group, self._places.gather(group.ids[kept]), kept, self._results)

    def _has_gradient(self, group: Group, gradient: Rows) -> None:
        kept = [place for place, value in enumerate(group.values) if value in self._wanted.result_gradients]
        if not kept:
            return
        if len(kept) == len(group.values):
            self._keep(group, gradient, kept, self._gradients)
            return
        blocks = np.full(len(kept), gradient.block.number)
        rows = gradient.start + (np.zeros(len(kept), dtype=np.int64) if gradient.repeat else np.array(kept))
        self._keep(group, self._tape.gather(blocks, rows), kept, self._gradients)

    def _keep(self, group: Group, rows: Rows, kept: list[int], held: dict[Value, tuple[Rows, Group]]) -> None:
        copy = self._tape.new(math.prod(group.node.shape), len(kept))
        self._tape.keep(copy)
        self._tape.add(lambda copy, rows: [partial(copy.copy_, rows)], copy, rows)
        for row, place in enumerate(kept):
            held[group.values[place]] = (copy[row : row + 1], group)

    def _record_loss(self, outputs: Rows) -> Rows:
        if not self._wanted.by_sum:
            return super()._record_loss(outputs)
        gradient = self._tape.new(self._chunk.outputs, len(self._chunk.seeds))

        def bind(gradient: Tensor) -> list[Kernel]:
            return [partial(gradient.fill_, 1.0)]

        self._tape.add(bind, gradient)
        return gradient

    def _record_backward(self, gradient: Rows) -> None:
        if self._wanted.backward:
            super()._record_backward(gradient)
