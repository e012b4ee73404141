"""The kernels of one training step, or of one evaluated batch, for the members of a chunk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nas_gym.evaluators.engine.graph import Graph
from nas_gym.evaluators.engine.operations.context import Context
from nas_gym.evaluators.engine.operations.loss import correct_predictions, cross_entropy
from nas_gym.evaluators.engine.operations.recording import record_backward, record_forward
from nas_gym.evaluators.engine.parameters import Parameters
from nas_gym.evaluators.engine.schedule import Group, Value
from nas_gym.evaluators.engine.tape import Kernel, Rows, Tape

REUSABLE = ("linear", "conv", "batch_norm", "add", "avg_pool", "global_avg_pool")
"""Operations whose result their backward pass does not need, so that a sole reader may overwrite it."""
READ_ONLY = ("linear", "conv", "add")
"""Operations that read the same row for several members where they share it."""


@dataclass(frozen=True)
class Chunk:
    """Members that are trained together.

    Attributes:
        graphs: of each member.
        groups: their nodes in the order of computation.
        seeds: for each member the number of its batch stream (members of one seed share it).
        classes: number of classes.
    """

    graphs: Sequence[Graph]
    groups: Sequence[Group]
    seeds: Sequence[int]
    classes: int


class Program:
    """Records the computation of a batch for a chunk; `bind` makes it runnable.

    Args:
        chunk: what to compute.
        parameters: the weights of the chunk.
        batch: examples of a batch.
        training: whether to record loss and backward pass, or accuracy.
    """

    def __init__(self, chunk: Chunk, parameters: Parameters, batch: int, *, training: bool) -> None:
        self._chunk, self._batch, self._training = chunk, batch, training
        self._tape = Tape(batch)
        self._context = Context(self._tape, parameters, training, parameters.weights.device)
        self._values: dict[Value, Rows] = {}
        members, device = len(chunk.graphs), parameters.weights.device
        streams = max(chunk.seeds) + 1
        self.targets = torch.zeros(streams, chunk.classes, batch, device=device)
        self.losses = torch.zeros(members, device=device)
        self.labels = torch.zeros(batch, dtype=torch.int64, device=device)
        self.correct = torch.zeros(members, dtype=torch.int64, device=device)
        self._record_forward()
        logits = self._tape.gather([self._values[m, graph.output] for m, graph in enumerate(chunk.graphs)])
        if training:
            self._record_backward(self._record_loss(logits))
        else:
            counted = (self.labels, self.correct, chunk.classes)
            self._tape.add(lambda x: list(correct_predictions(x, *counted)), logits)
        self.floats = self._tape.layout()

    def bind(self, memory: Tensor) -> None:
        """Make the program runnable on memory of at least `floats` floats, shared with others."""
        self.kernels = [kernel for kernels in self._tape.bind(memory) for kernel in kernels]
        self.preparations = self._context.preparations
        features = self._input_features
        rows = self._tape.tensor(self._inputs)
        self.inputs = rows[:, : features * self._batch].unflatten(1, (features, self._batch))

    def run(self) -> None:
        """Compute the batch that `inputs` and `targets` or `labels` hold."""
        for kernel in self.kernels:
            kernel()

    def prepare(self) -> None:
        """Take up new weights, before a round of evaluation."""
        for kernel in self.preparations:
            kernel()

    def _record_forward(self) -> None:
        for group in self._chunk.groups:
            if group.node.operation == "input":
                self._record_input(group)
                continue
            shared = group.node.operation in READ_ONLY
            inputs = [self._fetch([self._values[v] for v in values], shared) for values in group.inputs]
            owned = bool(inputs) and self._owns(group, inputs[0])
            rows = record_forward(self._context, group, inputs, owned)
            for number, value in enumerate(group.values):
                self._values[value] = rows[number : number + 1]

    def _record_input(self, group: Group) -> None:
        features = 1
        for side in group.node.shape:
            features *= side
        self._input_features = features
        self._inputs = self._tape.new(features, max(self._chunk.seeds) + 1)
        # Written between runs, so it must not share memory with what a run computes.
        self._tape.keep(self._inputs)
        for m, number in group.values:
            seed = self._chunk.seeds[m]
            self._values[m, number] = self._inputs[seed : seed + 1]

    def _fetch(self, sources: Sequence[Rows], shared: bool) -> Rows:
        return self._tape.gather(sources, shared=shared)

    def _owns(self, group: Group, rows: Rows) -> bool:
        """Whether a group may overwrite the rows of its first input."""
        copied = rows.block is not self._values[group.inputs[0][0]].block
        graphs = self._chunk.graphs
        return copied or all(
            len(graphs[m].consumers[number]) == 1 and graphs[m].nodes[number].node.operation in REUSABLE
            for m, number in group.inputs[0]
        )

    def _record_loss(self, logits: Rows) -> Rows:
        chunk = self._chunk
        gradient = self._tape.new(chunk.classes, len(chunk.graphs))
        streams = torch.tensor(chunk.seeds, device=self.targets.device)
        several = len(set(chunk.seeds)) > 1

        def bind(logits: Tensor, gradient: Tensor) -> list[Kernel]:
            targets = torch.empty(len(streams), *self.targets.shape[1:], device=self.targets.device)
            spread: list[Kernel] = [lambda: torch.index_select(self.targets, 0, streams, out=targets)]
            used = targets if several else self.targets
            kernels = cross_entropy(logits, gradient, used, self.losses, chunk.classes, self._batch)
            return (spread if several else []) + list(kernels)

        self._tape.add(bind, logits, gradient)
        return gradient

    def _record_backward(self, gradient: Rows) -> None:
        graphs = self._chunk.graphs
        arrived: dict[Value, list[tuple[int, int, Rows]]] = defaultdict(list)
        for m, graph in enumerate(graphs):
            arrived[m, graph.output].append((0, 0, gradient[m : m + 1]))
        for group in reversed(self._chunk.groups):
            if not any(number in graphs[m].trainable for m, number in group.values):
                continue
            dy = self._sum([[rows for _, _, rows in sorted(arrived.pop(v), key=_order)] for v in group.values])
            needed = any(n in graphs[m].trainable for values in group.inputs for m, n in values)
            gradients = record_backward(self._context, group, dy, needed)
            for position, (sources, rows) in enumerate(zip(group.inputs, gradients, strict=True)):
                for number, (source, (_, reader)) in enumerate(zip(sources, group.values, strict=True)):
                    if rows is not None:
                        arrived[source].append((reader, position, rows[number : number + 1]))

    def _sum(self, parts: Sequence[Sequence[Rows]]) -> Rows:
        """The sum of the gradients that arrived for each value, in the order of their readers.

        The order is the member's own, whatever else is computed, since sums of three round by it.
        """
        most = max(map(len, parts))
        if most == 1:
            return self._tape.gather([rows for (rows,) in parts])
        total = self._tape.floats(parts[0][0].block.size, len(parts))
        first = self._tape.gather([rows[0] for rows in parts])
        if all(len(rows) > 1 for rows in parts):
            second = self._tape.gather([rows[1] for rows in parts])
            self._tape.add(lambda t, a, b: [lambda: torch.add(a, b, out=t)], total, first, second)
            begun = 2
        else:
            self._tape.add(lambda t, a: [lambda: t.copy_(a)], total, first)
            begun = 1
        for place in range(begun, most):
            numbers = [number for number, rows in enumerate(parts) if len(rows) > place]
            source = self._tape.gather([parts[number][place] for number in numbers])
            self._tape.scatter_add(total, numbers, source)
        return total


def _order(part: tuple[int, int, Rows]) -> tuple[int, int]:
    return part[:2]
