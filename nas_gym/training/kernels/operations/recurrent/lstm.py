"""Long short-term memory: a step is one product of all members' weights and states, and a few sums."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch

from nas_gym.training.kernels.matmul import product
from nas_gym.training.kernels.operations.recurrent.steps import Steps, aten, kernels_of
from nas_gym.training.program.tape import Kernel

INPUT, FORGET, NEW, OUTPUT, CELL, SHOWN, SLOTS = range(7)
"""The slots: i, f, g and o, the cell c, and tanh(c) of the cell before a mask lets it stay."""


class LSTMSteps(Steps):
    """c <- f c + i g and h <- o tanh(c)."""

    slots = SLOTS

    def begin(self) -> Iterator[Kernel]:
        total, kernel = self.biases(slice(0, 4 * self.size))
        yield kernel
        weight = self.context.parameters.weight(self.group, "weight_ih")
        yield from product(self.context.paths, weight, self.x, self.slot(INPUT, CELL), add=total)

    def step(self, time: int, before: int | None) -> Iterator[Kernel]:
        state, summed = self.states[:, :, time], self.slot(INPUT, CELL, time)
        previous = None if before is None else self.states[:, :, before]
        if previous is not None:
            yield from product(self.context.paths, self.weight_hh, previous, summed, add=summed)
        gate, forget, new, output, cell, shown = (self.slot(slot, slot + 1, time) for slot in range(SLOTS))
        yield self.slot(INPUT, NEW, time).sigmoid_
        yield output.sigmoid_
        yield from self.tanh(new)
        yield partial(torch.mul, gate, new, out=cell)
        earlier = None if before is None else self.slot(CELL, SHOWN, before)
        if earlier is not None:
            yield partial(torch.mul, forget, earlier, out=shown)
            yield partial(cell.add_, shown)
        yield partial(shown.copy_, cell)
        yield from self.tanh(shown)
        yield partial(torch.mul, output, shown, out=state)
        yield from self.stay(time, before, state, previous)
        yield from self.stay(time, before, cell, earlier)

    def back(self, time: int, before: int | None) -> Iterator[Kernel]:
        arrived, cells, towards = self.arrived, self.scratch("cells"), self.scratch("towards")
        gate, forget, new, output, _, shown = (self.slot(slot, slot + 1, time) for slot in range(SLOTS))
        if time == self.times[-1]:
            yield cells.zero_
        gradient, rest, kernels = self.split(time, arrived, "state")
        yield from kernels
        cell, cell_rest, kernels = self.split(time, cells, "cell")
        yield from kernels
        yield partial(torch.mul, gradient, output, out=towards)
        yield partial(aten.tanh_backward.grad_input, towards, shown, grad_input=towards)
        yield partial(cell.add_, towards)
        yield partial(torch.mul, gradient, shown, out=towards)
        yield partial(aten.sigmoid_backward.grad_input, towards, output, grad_input=output)
        yield partial(torch.mul, cell, new, out=towards)
        yield partial(torch.mul, cell, gate, out=shown)  # which nothing reads any more
        yield partial(aten.sigmoid_backward.grad_input, towards, gate, grad_input=gate)
        yield partial(aten.tanh_backward.grad_input, shown, new, grad_input=new)
        if before is None:
            yield forget.zero_
            return
        yield partial(torch.mul, cell, self.slot(CELL, SHOWN, before), out=towards)
        yield partial(torch.mul, cell, forget, out=cells)
        yield partial(aten.sigmoid_backward.grad_input, towards, forget, grad_input=forget)
        if cell_rest is not None:
            yield partial(cells.add_, cell_rest)
        summed = self.slot(INPUT, CELL, time)
        yield from product(self.context.paths, self.weight_hh.mT, summed, arrived, add=rest)

    def end(self, dx: torch.Tensor | None) -> Iterator[Kernel]:
        every, rows = self.slot(INPUT, CELL), slice(None)
        yield from self.weight_gradients("weight_ih", rows, every, input_side=True)
        yield from self.weight_gradients("weight_hh", rows, every, input_side=False)
        for name in ("bias_ih", "bias_hh"):
            yield self.bias_gradient(name, rows, every)
        if dx is not None:
            yield from self.input_gradient([(rows, every)], dx)


KERNELS = kernels_of(LSTMSteps)
