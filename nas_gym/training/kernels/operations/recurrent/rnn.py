"""Plain recurrent layers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch

from nas_gym.training.kernels.matmul import product
from nas_gym.training.kernels.operations.recurrent.steps import Steps, aten, kernels_of
from nas_gym.training.program.tape import Kernel


class PlainSteps(Steps):
    """h <- tanh(W x + U h); the slot holds the new state before a mask lets it stay."""

    slots = 1

    def begin(self) -> Iterator[Kernel]:
        total, kernel = self.biases(slice(0, self.size))
        yield kernel
        weight = self.context.parameters.weight(self.group, "weight_ih")
        yield from product(self.context.paths, weight, self.x, self.slot(0, 1), add=total)

    def step(self, time: int, before: int | None) -> Iterator[Kernel]:
        state, new = self.states[:, :, time], self.slot(0, 1, time)
        previous = None if before is None else self.states[:, :, before]
        if previous is not None:
            yield from product(self.context.paths, self.weight_hh, previous, new, add=new)
        yield from self.tanh(new)
        yield partial(state.copy_, new)
        yield from self.stay(time, before, state, previous)

    def back(self, time: int, before: int | None) -> Iterator[Kernel]:
        new = self.slot(0, 1, time)
        gradient, rest, kernels = self.split(time, self.arrived, "state")
        yield from kernels
        yield partial(aten.tanh_backward.grad_input, gradient, new, grad_input=new)
        if before is not None:
            yield from product(self.context.paths, self.weight_hh.mT, new, self.arrived, add=rest)

    def end(self, dx: torch.Tensor | None) -> Iterator[Kernel]:
        every, rows = self.slot(0, 1), slice(None)
        yield from self.weight_gradients("weight_ih", rows, every, input_side=True)
        yield from self.weight_gradients("weight_hh", rows, every, input_side=False)
        for name in ("bias_ih", "bias_hh"):
            yield self.bias_gradient(name, rows, every)
        if dx is not None:
            yield from self.input_gradient([(rows, every)], dx)


KERNELS = kernels_of(PlainSteps)
