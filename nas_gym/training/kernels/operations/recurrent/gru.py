"""Gated recurrent units: a step is one product of all members' weights and states, and a few sums."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch

from nas_gym.training.kernels.matmul import product
from nas_gym.training.kernels.operations.recurrent.steps import Steps, aten, kernels_of
from nas_gym.training.program.tape import Kernel

NEW, RESET, UPDATE, KEPT, SLOTS = range(5)
"""The slots: n, r and z, and what the state adds to n before r weighs it, U_n h with its bias."""


class GRUSteps(Steps):
    """h <- n + z (h - n), with n = tanh(W_n x + r (U_n h))."""

    slots = SLOTS

    def begin(self) -> Iterator[Kernel]:
        parameters, paths, size = self.context.parameters, self.context.paths, self.size
        weight = parameters.weight(self.group, "weight_ih")
        own, other = (parameters.weight(self.group, name)[:, 2 * size :] for name in ("bias_ih", "bias_hh"))
        total, kernel = self.biases(slice(0, 2 * size))
        yield kernel
        yield from product(paths, weight[:, : 2 * size], self.x, self.slot(RESET, KEPT), add=total)
        yield from product(paths, weight[:, 2 * size :], self.x, self.slot(NEW, RESET), add=own.unsqueeze(2))
        yield partial(self.slot(KEPT, SLOTS).copy_, other.unsqueeze(2))

    def step(self, time: int, before: int | None) -> Iterator[Kernel]:
        previous = None if before is None else self.states[:, :, before]
        new, state = self.slot(NEW, RESET, time), self.states[:, :, time]
        if previous is not None:
            summed = self.slot(RESET, SLOTS, time)
            yield from product(self.context.paths, self.weight_hh, previous, summed, add=summed)
        yield self.slot(RESET, KEPT, time).sigmoid_
        yield partial(torch.mul, self.slot(RESET, UPDATE, time), self.slot(KEPT, SLOTS, time), out=state)
        yield partial(new.add_, state)
        yield from self.tanh(new)
        update = self.slot(UPDATE, KEPT, time)
        if previous is None:
            yield partial(torch.mul, new, update, out=state)
            yield partial(torch.sub, new, state, out=state)
        else:
            yield partial(torch.sub, previous, new, out=state)
            yield partial(state.mul_, update)
            yield partial(state.add_, new)
        yield from self.stay(time, before, state, previous)

    def back(self, time: int, before: int | None) -> Iterator[Kernel]:
        arrived, through, towards = self.arrived, self.scratch("through"), self.scratch("towards")
        new, reset, update, kept = (self.slot(slot, slot + 1, time) for slot in range(SLOTS))
        gradient, rest, kernels = self.split(time, arrived, "state")
        yield from kernels
        if before is None:
            yield partial(torch.neg, new, out=towards)
        else:
            yield partial(torch.sub, self.states[:, :, before], new, out=towards)
        yield partial(towards.mul_, gradient)
        yield partial(torch.mul, gradient, update, out=through)
        yield partial(aten.sigmoid_backward.grad_input, towards, update, grad_input=update)
        yield partial(torch.sub, gradient, through, out=towards)
        yield partial(aten.tanh_backward.grad_input, towards, new, grad_input=new)
        yield partial(torch.mul, new, kept, out=towards)
        yield partial(torch.mul, new, reset, out=kept)
        yield partial(aten.sigmoid_backward.grad_input, towards, reset, grad_input=reset)
        if before is None:
            return
        if rest is not None:
            yield partial(through.add_, rest)
        summed = self.slot(RESET, SLOTS, time)
        yield from product(self.context.paths, self.weight_hh.mT, summed, arrived, add=through)

    def end(self, dx: torch.Tensor | None) -> Iterator[Kernel]:
        gates, new = slice(0, 2 * self.size), slice(2 * self.size, 3 * self.size)
        parts = ((gates, self.slot(RESET, KEPT)), (new, self.slot(NEW, RESET)))
        for rows, gradients in parts:
            yield from self.weight_gradients("weight_ih", rows, gradients, input_side=True)
            yield self.bias_gradient("bias_ih", rows, gradients)
        every = self.slot(RESET, SLOTS)
        yield from self.weight_gradients("weight_hh", slice(None), every, input_side=False)
        yield self.bias_gradient("bias_hh", slice(None), every)
        if dx is not None:
            yield from self.input_gradient(parts, dx)


KERNELS = kernels_of(GRUSteps)
