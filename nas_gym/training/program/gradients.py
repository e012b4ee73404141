"""Gradients on their way from the readers of a value to what computed it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch

from nas_gym.training.program.grouping import Group
from nas_gym.training.program.places import Places
from nas_gym.training.program.tape import Rows, Tape
from nas_gym.training.program.values import Ids, Values


class Gradients:
    """For each value the gradients that arrived, one from each reader, on a tape.

    They are kept in the order of the member's own nodes, whatever else is computed and in whatever
    order they arrive, since sums of three round by it.

    Args:
        tape: where their sums are recorded.
        values: the values of all members.
    """

    def __init__(self, tape: Tape, values: Values) -> None:
        self._tape, self._outputs = tape, values.outputs
        self._counts = np.maximum(values.readers, 1)  # that of an output comes from the loss
        self._arrived = Places(tape, len(values), int(self._counts.max()))

    def start(self, rows: Rows) -> None:
        """Note the gradients of all members' outputs, which the loss gives."""
        self._arrived.put(self._outputs, rows)

    def arrive(self, group: Group, found: Sequence[Rows | None]) -> None:
        """Note the gradients that a group gives of its inputs, in their order; None of what needs none."""
        for (sources, order), rows in zip(group.sources, found, strict=False):
            if rows is not None:
                self._arrived.put(sources, rows, order)

    def of(self, ids: Ids) -> Rows:
        """The gradients of values as consecutive rows, to be only read."""
        if not (self._counts[ids] > 1).any():
            return self._arrived.gather(ids)
        return self._sum(ids)

    def pass_on(self, group: Group) -> None:
        """Give the inputs of a sum its gradient, without copying what arrived once."""
        ids = group.ids
        blocks, rows = self._arrived.of(ids)
        several = np.flatnonzero(self._counts[ids] > 1)
        if len(several):
            total = self._sum(ids[several], read_on=True)
            blocks[several] = total.block.number
            rows[several] = np.arange(total.start, total.start + len(several))
        for sources, order in group.sources:
            self._arrived.put_at(sources, blocks, rows, order)

    def _sum(self, ids: Ids, *, read_on: bool = False) -> Rows:
        """Add up the gradients of values; with `read_on` what they add up to may be gathered from."""
        tape, counts = self._tape, self._counts[ids]
        having = [np.flatnonzero(counts > copy) for copy in range(int(counts.max()))]
        wanted = [(ids[numbers], copy) for copy, numbers in enumerate(having)]
        first, *others = self._arrived.gather_all(wanted)
        begun = 1
        if (counts > 1).all():
            total = tape.floats(first.block.size, len(ids))
            tape.add(lambda t, a, b: [partial(torch.add, a, b, out=t)], total, first, others[0])
            begun = 2
        elif first.block.copied and not read_on:
            total = first
        else:
            total = tape.floats(first.block.size, len(ids))
            tape.add(lambda t, a: [partial(t.copy_, a)], total, first)
        for numbers, other in zip(having[begun:], others[begun - 1 :], strict=True):
            tape.scatter_add(total, numbers, other)
        return total
