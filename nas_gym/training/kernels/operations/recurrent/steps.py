"""What recurrent kernels share: memory of all steps, the way through them, and gradients of weights.

Of each step the gates are kept in one array (members, slots * size, length, batch), whose slots the
backward pass turns, one step after another, into gradients by what was added up there. The product of input
and weights is taken for all steps at once and lies in the slots before the first step; a step adds that of
the state.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor

from nas_gym.networks import Node
from nas_gym.training.kernels.base import Kernels
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.layout import grid, matrix
from nas_gym.training.kernels.matmul import gradient_product, product
from nas_gym.training.kernels.operations import activation
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.tape import Kernel, Rows, padded

aten = torch.ops.aten


class Steps(ABC):
    """The kernels of a group of recurrent layers, bound to memory.

    Args:
        context: the recording.
        group: the layers.
        x: the inputs.
        gates: memory of the slots.
        states: memory of the state after each step.
        mask: 1 where there is a token; None without padding.

    Attributes:
        slots: arrays of the size of a state that are kept of each step, of every layer of a kind.
    """

    slots: ClassVar[int]

    def __init__(
        self, context: Context, group: Group, x: Tensor, gates: Tensor, states: Tensor, mask: Tensor | None
    ) -> None:
        node, self.batch = group.node, context.batch
        self.context, self.group, self.members = context, group, len(group.values)
        self.channels, self.length = node.input_shape
        self.size = int(node.option("size"))
        self.x = matrix(x, self.channels, self.batch, self.length)
        rows = self.slots_of(node) * self.size
        self.gates = grid(gates, (rows, self.length), self.batch)
        self._pitch = padded(rows * self.length * self.batch)
        self._scratch: dict[str, Tensor] = {}
        self.states = grid(states, (self.size, self.length), self.batch)
        self.mask = None if mask is None else grid(mask, (1, self.length), self.batch)
        times = range(self.length)
        self.times = list(reversed(times)) if node.option("reverse") else list(times)
        self.weight_hh = context.parameters.weight(group, "weight_hh")

    @classmethod
    def slots_of(cls, node: Node) -> int:  # noqa: ARG003 (of a cell it depends on the node)
        """Return how many arrays of the size of a state are kept of each step of a layer."""
        return cls.slots

    @abstractmethod
    def begin(self) -> Iterator[Kernel]:
        """Fill the slots with what the inputs add."""

    @abstractmethod
    def step(self, time: int, before: int | None) -> Iterator[Kernel]:
        """Compute the state at a time from that before; there is none before the first step."""

    @abstractmethod
    def back(self, time: int, before: int | None) -> Iterator[Kernel]:
        """Turn the slots of a step into gradients, and `arrived` into the gradient of the state before."""

    @abstractmethod
    def end(self, dx: Tensor | None) -> Iterator[Kernel]:
        """Compute the gradients of weights and of the input from those in the slots."""

    def forward(self, result: Tensor | None) -> Iterator[Kernel]:
        """Go through all steps; `result` takes the last state."""
        yield from self.begin()
        before = None
        for time in self.times:
            yield from self.step(time, before)
            before = time
        if result is not None:
            yield partial(matrix(result, self.size, self.batch).copy_, self.states[:, :, self.times[-1]])

    def backward(self, dy: Tensor, last: bool, dx: Tensor | None) -> Iterator[Kernel]:
        """Go back through all steps."""
        arrived = self.arrived
        shape = (self.size,) if last else (self.size, self.length)
        given = grid(dy, shape, self.batch)
        times = self.times[::-1]
        yield partial(arrived.copy_, given if last else given[:, :, times[0]])
        for place, time in enumerate(times):
            if place and not last:
                yield partial(arrived.add_, given[:, :, time])
            yield from self.back(time, times[place + 1] if place + 1 < len(times) else None)
        yield from self.end(dx)

    @property
    def arrived(self) -> Tensor:
        """The gradient of the state that is at hand, (members, size, batch)."""
        return self.scratch("arrived")

    def scratch(self, purpose: str) -> Tensor:
        """Memory of the size of a state of every member, (members, size, batch), each in a row of its own."""
        if purpose not in self._scratch:
            floats = self.size * self.batch
            rows = self.context.scratch(f"recurrent {purpose}", (self.members, padded(floats)))
            self._scratch[purpose] = rows[:, :floats].unflatten(1, (self.size, self.batch))
        return self._scratch[purpose]

    def slot(self, first: int, last: int, time: int | None = None) -> Tensor:
        """Slots from one to before another, of a step (members, rows, batch), or a row for all times."""
        rows, over = (last - first) * self.size, self.length * self.batch
        start = self.gates.storage_offset() + first * self.size * over
        # Of one member torch would take its part of a row for all of it, and another way to a product.
        strides = (self._pitch, over, 1)
        if time is None:
            return self.gates.as_strided((self.members, rows, over), strides, start)
        return self.gates.as_strided((self.members, rows, self.batch), strides, start + time * self.batch)

    def tanh(self, x: Tensor) -> Iterator[Kernel]:
        """Compute tanh in place."""
        return activation.forward("tanh", x, x, whole=self.context.paths.whole_groups)

    def stay(self, time: int, before: int | None, state: Tensor, previous: Tensor | None) -> Iterator[Kernel]:
        """Let a state be the one before where there is no token; before the first it is zero."""
        if self.mask is None:
            return
        tokens = self.mask[:, :, time]
        if previous is None:
            yield partial(state.mul_, tokens)
            return
        yield partial(state.sub_, previous)
        yield partial(state.mul_, tokens)
        yield partial(state.add_, previous)

    def split(self, time: int, gradient: Tensor, purpose: str) -> tuple[Tensor, Tensor | None, list[Kernel]]:
        """Return the gradient of a new state, what of it goes to the state before, and the kernels."""
        if self.mask is None:
            return gradient, None, []
        new, rest = self.scratch(f"{purpose} new"), self.scratch(f"{purpose} rest")
        kernels: list[Kernel] = [
            partial(torch.mul, gradient, self.mask[:, :, time], out=new),
            partial(torch.sub, gradient, new, out=rest),
        ]
        return new, rest, kernels

    def biases(self, rows: slice) -> tuple[Tensor, Kernel]:
        """Return the sum of both biases, (members, rows, 1), and the kernel that computes it."""
        one, other = (
            self.context.parameters.weight(self.group, name)[:, rows] for name in ("bias_ih", "bias_hh")
        )
        total = self.context.scratch("recurrent bias", tuple(one.shape), rows.start)
        return total.unsqueeze(2), partial(torch.add, one, other, out=total)

    def weight_gradients(
        self, name: str, rows: slice, gradients: Tensor, *, input_side: bool
    ) -> Iterator[Kernel]:
        """Write the gradient of some rows of a weight, from the gradients (members, rows, length * batch)."""
        parameters = self.context.parameters
        out = parameters.gradient(self.group, name)[:, rows]
        if input_side:
            seen, given = self.x, gradients
        elif self.length == 1:
            yield out.zero_
            return
        else:  # the state before each step but the first
            states, moved = self.states.flatten(2), self.batch
            ahead = self.times[0] == 0
            seen = states[:, :, :-moved] if ahead else states[:, :, moved:]
            given = gradients[:, :, moved:] if ahead else gradients[:, :, :-moved]
        scratch = partial(self.context.scratch, f"recurrent {name} {rows.start}")
        yield from gradient_product(self.context.paths, given, seen, out, scratch)

    def bias_gradient(self, name: str, rows: slice, gradients: Tensor) -> Kernel:
        """Return the kernel that writes the gradient of some rows of a bias."""
        out = self.context.parameters.gradient(self.group, name)[:, rows]
        return partial(torch.sum, gradients, 2, out=out)

    def input_gradient(self, parts: Sequence[tuple[slice, Tensor]], dx: Tensor) -> Iterator[Kernel]:
        """Write the gradient of the input from those of some rows of the weights each."""
        out = matrix(dx, self.channels, self.batch, self.length)
        weight = self.context.parameters.weight(self.group, "weight_ih")
        (rows, gradients), *others = parts
        yield from product(self.context.paths, weight[:, rows].mT, gradients, out)
        for rows, gradients in others:  # not added within the product, whose small cases round otherwise
            part = self.context.scratch("recurrent input", (self.members, *out.shape[1:]))
            yield from product(self.context.paths, weight[:, rows].mT, gradients, part)
            yield partial(out.add_, part)


def kernels_of(steps: type[Steps]) -> Kernels:
    """Return the kernels of a kind of recurrent layer."""

    def record_forward(context: Context, group: Group, inputs: Sequence[Rows], owned: bool) -> Rows:
        node, tape, rows = group.node, context.tape, len(group.values)
        last, over = node.option("last"), node.option("size") * node.input_shape[1]
        gates, states = tape.new(steps.slots_of(node) * over, rows), tape.new(over, rows)
        kept = (inputs[0], gates, states, *inputs[1:])
        context.saved[group] = kept
        result = [tape.new(node.option("size"), rows)] if last else []

        def bind(x: Tensor, gates: Tensor, states: Tensor, *others: Tensor) -> list[Kernel]:
            mask = others[0] if len(inputs) > 1 else None
            bound = steps(context, group, x, gates, states, mask)
            return list(bound.forward(others[-1] if last else None))

        tape.add(bind, *kept, *result)
        return result[0] if last else states

    def record_backward(context: Context, group: Group, dy: Rows, needed: bool) -> Rows | None:
        kept, node = context.saved[group], group.node
        channels, length = node.input_shape
        dx = [context.tape.new(channels * length, len(group.values))] if needed else []

        def bind(dy: Tensor, x: Tensor, gates: Tensor, states: Tensor, *others: Tensor) -> list[Kernel]:
            mask = others[0] if len(kept) > 3 else None
            bound = steps(context, group, x, gates, states, mask)
            return list(bound.backward(dy, node.option("last"), others[-1] if needed else None))

        context.tape.add(bind, dy, *kept, *dx)
        return dx[0] if needed else None

    return Kernels(record_forward, record_backward)
