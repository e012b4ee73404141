"""The kernels of one training step, or of one evaluated batch, for the members of a chunk."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from nas_gym.training.batches import EvaluationBatch
from nas_gym.training.hardware.memory import Memory
from nas_gym.training.kernels.context import Context
from nas_gym.training.kernels.paths import paths_of
from nas_gym.training.kernels.registry import kernels_of
from nas_gym.training.losses.base import Loss
from nas_gym.training.program.gradients import Gradients
from nas_gym.training.program.grouping import Group
from nas_gym.training.program.parameters import Parameters
from nas_gym.training.program.places import Places
from nas_gym.training.program.tape import Kernel, Rows, Tape
from nas_gym.training.program.values import Values


@dataclass(frozen=True)
class Chunk:
    """Members that are trained together.

    Attributes:
        values: what the members compute.
        groups: the same in the order of computation.
        seeds: for each member the number of its batch stream (members of one seed share it).
        outputs: numbers that a network gives for one example.
        loss: what members learn by.
        precision: of products, as in the recipe.
    """

    values: Values
    groups: Sequence[Group]
    seeds: Sequence[int]
    outputs: int
    loss: Loss
    precision: str = "float32"


class Program:
    """Records the computation of a batch for a chunk; `bind` makes it runnable.

    Args:
        chunk: what to compute.
        parameters: the weights of the chunk.
        memory: where scratch memory comes from.
        batch: examples of a batch.
        evaluated: a batch like those to be evaluated; None to record loss and backward pass.

    Attributes:
        floats: that a batch takes in the memory that `bind` gets.
        fresh_floats: most that results of libraries take beside it at a time.
        kernels: the computation of a batch, once bound.
        preparations: kernels that take up new weights, before a round of evaluation.
        inputs: where the examples of each stream are read from, a row (features, batch) each, padded;
            None if no member reads its input.
        targets: where the targets of each stream are read from, (streams, outputs, batch).
        answers: where the answers of an evaluated batch are read from.
        losses: of a training batch, (members,).
        sums: of an evaluated batch, (sums, members).
    """

    def __init__(
        self,
        chunk: Chunk,
        parameters: Parameters,
        memory: Memory,
        batch: int,
        evaluated: EvaluationBatch | None = None,
    ) -> None:
        self._chunk, self._batch = chunk, batch
        training = evaluated is None
        self._tape = Tape(batch)
        device = parameters.weights.device
        paths = paths_of(device, chunk.precision)
        self._context = Context(self._tape, parameters, memory, training, device, paths)
        self._places = Places(self._tape, len(chunk.values))
        self._inputs: Rows | None = None  # stays so if no member reads its input
        members = len(chunk.seeds)
        streams = max(chunk.seeds) + 1
        self.targets = torch.zeros(streams, chunk.outputs, batch, dtype=torch.float32, device=device)
        self.losses = torch.zeros(members, dtype=torch.float32, device=device)
        self.sums = torch.zeros(chunk.loss.sums(chunk.outputs), members, dtype=torch.float32, device=device)
        self._record_forward()
        outputs = self._places.gather(chunk.values.outputs)
        if evaluated is None:
            self.answers: tuple[Tensor, ...] = ()
            self._record_backward(self._record_loss(outputs))
        else:
            self.answers = tuple(torch.zeros_like(each) for each in evaluated.answers)
            summed = (self.answers, self.sums, chunk.outputs)
            self._tape.add(lambda x: list(chunk.loss.sum_up_members(x, *summed)), outputs)
        self.floats = self._tape.layout()
        self.fresh_floats = self._tape.fresh_floats

    def bind(self, memory: Tensor) -> None:
        """Make the program runnable on memory of at least `floats` floats, shared with others."""
        self.kernels = [kernel for kernels in self._tape.bind(memory) for kernel in kernels]
        self.kernels += self._context.endings()
        self.preparations = self._context.preparations
        self.inputs = None if self._inputs is None else self._tape.tensor(self._inputs)

    def _record_forward(self) -> None:
        for group in self._chunk.groups:
            if not group.node.inputs:
                self._record_input(group)
                continue
            inputs = self._inputs_of(group)
            owned = group.overwrites and not inputs[0].block.copied
            self._places.put(group.ids, kernels_of(group.node).forward(self._context, group, inputs, owned))
            self._on_result(group)

    def _on_result(self, group: Group) -> None:
        """Follow the record of a group's forward pass, before anything overwrites its results."""

    def _on_gradient(self, group: Group, gradient: Rows) -> None:
        """Follow the record of what gives the gradients by a group's results."""

    def _inputs_of(self, group: Group) -> list[Rows]:
        shared = group.node.operation.shares_rows
        if len(group.sources) == 1:
            return [self._places.gather(group.sources[0][0], shared=shared)]
        by_size: dict[int, list[int]] = {}
        for position, (ids, _) in enumerate(group.sources):
            by_size.setdefault(self._places.size(ids), []).append(position)
        found: dict[int, Rows] = {}
        for positions in by_size.values():
            wanted = [(group.sources[position][0], 0) for position in positions]
            found |= zip(positions, self._places.gather_all(wanted, shared=shared), strict=True)
        return [found[position] for position in range(len(group.sources))]

    def _record_input(self, group: Group) -> None:
        self._inputs = self._tape.new(math.prod(group.node.shape), max(self._chunk.seeds) + 1)
        # Written between runs, so it must not share memory with what a run computes.
        self._tape.keep(self._inputs)
        streams = np.array(self._chunk.seeds)[self._chunk.values.members[group.ids]]
        self._places.put_at(group.ids, self._inputs.block.number, streams)

    def _record_loss(self, outputs: Rows) -> Rows:
        chunk = self._chunk
        gradient = self._tape.new(chunk.outputs, len(chunk.seeds))
        streams = torch.tensor(chunk.seeds, device=self.targets.device)
        several = len(set(chunk.seeds)) > 1

        def bind(outputs: Tensor, gradient: Tensor) -> list[Kernel]:
            targets = self.targets.new_empty(len(streams), *self.targets.shape[1:])
            spread: list[Kernel] = [partial(torch.index_select, self.targets, 0, streams, out=targets)]
            used = targets if several else self.targets
            made = (outputs, gradient, used, self.losses, chunk.outputs, self._batch)
            kernels = chunk.loss.kernels(*made)
            return (spread if several else []) + list(kernels)

        self._tape.add(bind, outputs, gradient)
        return gradient

    def _record_backward(self, gradient: Rows) -> None:
        gradients = Gradients(self._tape, self._chunk.values)
        gradients.start(gradient)
        for group in reversed(self._chunk.groups):
            if not group.trainable:
                continue
            if group.node.operation.sums:
                gradients.pass_on(group)
                continue
            arrived = gradients.of(group.ids)
            self._on_gradient(group, arrived)
            if not group.node.inputs:
                continue
            backward = kernels_of(group.node).backward
            assert backward is not None
            found = backward(self._context, group, arrived, group.passes)
            gradients.arrive(group, found if isinstance(found, tuple) else (found,))
