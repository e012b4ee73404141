"""Cells that are searched for: a step is a product for each node, in order, and a few sums."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from nas_gym.networks import Node, loose_ends
from nas_gym.training.kernels.layout import constant
from nas_gym.training.kernels.matmul import gradient_product, product
from nas_gym.training.kernels.operations import activation
from nas_gym.training.kernels.operations.recurrent.steps import Steps, aten, kernels_of
from nas_gym.training.program.tape import Kernel

GATE, NEW, VALUE, SLOTS = range(4)
"""The slots of a node: how much of its function is taken, its function, and its value."""


class CellSteps(Steps):
    """Each node a + sigmoid(c) (f(s) - a) of an earlier one a, and the mean of those that no node reads.

    Node 0 reads the state, with c, s = W x + U h + b; the others have c, s = V a.
    """

    @classmethod
    def slots_of(cls, node: Node) -> int:
        return SLOTS * (1 + len(node.option("previous")))

    def begin(self) -> Iterator[Kernel]:
        parameters, (first, last) = self.context.parameters, _pair(0)
        weight = parameters.weight(self.group, "weight_ih")
        bias = parameters.weight(self.group, "bias").unsqueeze(2)
        yield from product(self.context.paths, weight, self.x, self.slot(first, last), add=bias)

    def step(self, time: int, before: int | None) -> Iterator[Kernel]:
        paths, state = self.context.paths, self.states[:, :, time]
        previous = None if before is None else self.states[:, :, before]
        for node, (read, function) in enumerate(self._nodes):
            pair = self.slot(*_pair(node), time)
            if node:
                previous = self._slot(read, VALUE, time)
                yield from product(paths, self._weight(node), previous, pair)
            elif previous is not None:
                yield from product(paths, self.weight_hh, previous, pair, add=pair)
            gate, new, value = (self._slot(node, slot, time) for slot in range(SLOTS))
            yield gate.sigmoid_
            if function != "identity":
                yield from activation.forward(function, new, new, whole=paths.whole_groups)
            yield from _mixed(gate, new, value, previous)
        first, *others = (self._slot(end, VALUE, time) for end in self._ends)
        if not others:
            yield partial(state.copy_, first)
        else:
            yield partial(torch.add, first, others[0], out=state)
            for other in others[1:]:
                yield partial(state.add_, other)
            yield partial(state.mul_, constant(1 / len(self._ends), state))
        yield from self.stay(time, before, state, None if before is None else self.states[:, :, before])

    def back(self, time: int, before: int | None) -> Iterator[Kernel]:
        arrived, towards = self.arrived, self.scratch("towards")
        gradient, rest, kernels = self.split(time, arrived, "state")
        yield from kernels
        found = [self.scratch(f"gradient of node {node}") for node in range(len(self._nodes))]
        for node, target in enumerate(found):
            if node in self._ends:
                yield partial(torch.mul, gradient, constant(1 / len(self._ends), target), out=target)
            else:
                yield target.zero_
        for node in reversed(range(len(self._nodes))):
            read, function = self._nodes[node]
            gate, new = (self._slot(node, slot, time) for slot in (GATE, NEW))
            target = found[read] if node else arrived
            previous: Tensor | None = None
            if node:
                previous = self._slot(read, VALUE, time)
            elif before is not None:
                previous = self.states[:, :, before]
            # What is passed on as it is: the gradient less what the function takes.
            through = self.scratch("through")
            yield partial(torch.mul, found[node], gate, out=through)
            if previous is None:
                yield partial(torch.mul, found[node], new, out=towards)
            else:
                yield partial(torch.sub, new, previous, out=towards)
                yield partial(towards.mul_, found[node])
            yield partial(aten.sigmoid_backward.grad_input, towards, gate, grad_input=gate)
            if function == "identity":
                yield partial(new.copy_, through)
            else:
                yield from activation.backward(function, new, through, new)
            if previous is None:
                continue
            if node:
                yield partial(target.add_, found[node])
            elif rest is None:
                yield partial(target.copy_, found[node])
            else:
                yield partial(torch.add, found[node], rest, out=target)
            yield partial(target.sub_, through)
            weight = self._weight(node) if node else self.weight_hh
            pair = self.slot(*_pair(node), time)
            yield from product(self.context.paths, weight.mT, pair, target, add=target)

    def end(self, dx: Tensor | None) -> Iterator[Kernel]:
        every = self.slot(*_pair(0))
        yield from self.weight_gradients("weight_ih", slice(None), every, input_side=True)
        yield from self.weight_gradients("weight_hh", slice(None), every, input_side=False)
        yield self.bias_gradient("bias", slice(None), every)
        gradient = self.context.parameters.gradient(self.group, "weight_nodes")
        scratch = partial(self.context.scratch, "recurrent weight_nodes")
        for node in range(1, len(self._nodes)):
            place = SLOTS * self._nodes[node][0] + VALUE
            seen, given = self.slot(place, place + 1), self.slot(*_pair(node))
            yield from gradient_product(self.context.paths, given, seen, gradient[:, node - 1], scratch)
        if dx is not None:
            yield from self.input_gradient([(slice(None), every)], dx)

    @property
    def _nodes(self) -> list[tuple[int, str]]:
        """What each node reads, and its function; node 0 reads the state."""
        node = self.group.node
        return [(0, "tanh"), *zip(node.option("previous"), node.option("functions"), strict=True)]

    @property
    def _ends(self) -> list[int]:
        return loose_ends(self.group.node.option("previous"))

    def _weight(self, node: int) -> Tensor:
        return self.context.parameters.weight(self.group, "weight_nodes")[:, node - 1]

    def _slot(self, node: int, slot: int, time: int) -> Tensor:
        place = SLOTS * node + slot
        return self.slot(place, place + 1, time)


def _pair(node: int) -> tuple[int, int]:
    """Return where gate and function of a node lie."""
    return SLOTS * node + GATE, SLOTS * node + VALUE


def _mixed(gate: Tensor, new: Tensor, value: Tensor, previous: Tensor | None) -> Iterator[Kernel]:
    """Take as much of a function as its gate says; what was read is zero without it."""
    if previous is None:
        yield partial(torch.mul, gate, new, out=value)
        return
    yield partial(torch.sub, new, previous, out=value)
    yield partial(value.mul_, gate)
    yield partial(value.add_, previous)


KERNELS = kernels_of(CellSteps)
