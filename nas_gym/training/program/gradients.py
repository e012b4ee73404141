"""Gradients on their way from the readers of a value to what computed it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import partial

import torch

from nas_gym.training.program.grouping import Group, Value
from nas_gym.training.program.tape import Rows, Tape


class Gradients:
    """For each value the gradients that arrived, one from each reader, on a tape.

    Args:
        tape: where their sums are recorded.
    """

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self._arrived: dict[Value, list[tuple[int, int, Rows]]] = defaultdict(list)

    def arrive(self, value: Value, reader: int, row: Rows) -> None:
        """Note the gradient of a value that one of its readers, by node number, gives."""
        arrived = self._arrived[value]
        arrived.append((reader, len(arrived), row))

    def of(self, values: Sequence[Value]) -> Rows:
        """The gradients of values as consecutive rows, to be only read."""
        parts = [self._parts(value) for value in values]
        if all(len(rows) == 1 for rows in parts):
            return self._tape.gather([rows for (rows,) in parts])
        return self._sum(parts)

    def pass_on(self, group: Group) -> None:
        """Give the inputs of a sum its gradient, without copying what arrived once."""
        parts = [self._parts(value) for value in group.values]
        several = [number for number, rows in enumerate(parts) if len(rows) > 1]
        if several:
            total = self._sum([parts[number] for number in several])
            for place, number in enumerate(several):
                parts[number] = [total[place : place + 1]]
        for sources in group.inputs:
            for source, (_, reader), (row,) in zip(sources, group.values, parts, strict=True):
                self.arrive(source, reader, row)

    def _parts(self, value: Value) -> list[Rows]:
        """What arrived for a value, in the order of its readers.

        The order is the member's own, whatever else is computed, since sums of three round by it.
        """
        return [row for _, _, row in sorted(self._arrived.pop(value), key=lambda part: part[:2])]

    def _sum(self, parts: Sequence[Sequence[Rows]]) -> Rows:
        tape = self._tape
        total = tape.floats(parts[0][0].block.size, len(parts))
        first = tape.gather([rows[0] for rows in parts])
        begun = 1
        if all(len(rows) > 1 for rows in parts):
            second = tape.gather([rows[1] for rows in parts])
            tape.add(lambda t, a, b: [partial(torch.add, a, b, out=t)], total, first, second)
            begun = 2
        else:
            tape.add(lambda t, a: [partial(t.copy_, a)], total, first)
        for place in range(begun, max(map(len, parts))):
            numbers = [number for number, rows in enumerate(parts) if len(rows) > place]
            source = tape.gather([parts[number][place] for number in numbers])
            tape.scatter_add(total, numbers, source)
        return total
