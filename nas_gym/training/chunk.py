"""Training the members of one chunk in fused kernels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from nas_gym.networks import initial_weights
from nas_gym.training.batches import BatchStream, evaluation_batches
from nas_gym.training.epochs import EpochTraining, InterruptedTraining, Keep, Part
from nas_gym.training.members import Member, TrainingData
from nas_gym.training.optimizer import learning_rate, optimizer_step
from nas_gym.training.program.grouping import Value, schedule
from nas_gym.training.program.initial import InitialWeights
from nas_gym.training.program.parameters import Parameters
from nas_gym.training.program.program import Chunk, Program
from nas_gym.training.program.tracing import WORTHWHILE_RUNS
from nas_gym.training.program.values import Values
from nas_gym.training.recipe import Recipe


class ChunkTraining(EpochTraining):
    """Members of one number of epochs whose operations all have kernels, trained side by side.

    Args:
        members: the members.
        data: on the device to train on.
        recipe: how to train.
        keep: what to keep of each member.
        limit: bytes that the chunk may take, None for no limit.

    Raises:
        MemoryError: if the chunk takes more than `limit`, before any large memory is taken.
    """

    def __init__(
        self,
        members: Sequence[Member],
        data: TrainingData,
        recipe: Recipe,
        keep: Keep,
        limit: int | None = None,
    ) -> None:
        super().__init__(members, data, recipe, keep)
        values = Values(member.network for member in members)
        groups = schedule(values)
        seeds = sorted({member.seed for member in members})
        self._streams = [BatchStream(data, recipe, seed, self._outputs) for seed in seeds]
        numbers = {seed: number for number, seed in enumerate(seeds)}
        streams = [numbers[member.seed] for member in members]
        self._parameters = Parameters(groups, self._device)
        chunk = Chunk(values, groups, streams, self._outputs, self._loss)
        validation = evaluation_batches(data.x_validation, data.y_validation, self._loss, self._outputs)
        size = validation[0].size
        self._evaluated = {"validation": validation}
        if data.x_test is not None and data.y_test is not None:
            self._evaluated["test"] = evaluation_batches(
                data.x_test, data.y_test, self._loss, self._outputs, size
            )
        self._train = {batch: Program(chunk, self._parameters, batch) for batch in self._batch_sizes()}
        self._evaluate = Program(chunk, self._parameters, size, validation[0])
        programs = (*self._train.values(), self._evaluate)
        floats = max(program.floats for program in programs)
        # Weights have a gradient and up to two moments.
        self.bytes = 4 * (floats + 4 * len(self._parameters.weights))
        if limit is not None and self.bytes > limit:
            raise MemoryError
        memory = torch.zeros(floats, dtype=torch.float32, device=self._device)
        for program in programs:
            program.bind(memory)
        InitialWeights(members, values).load(self._parameters)
        self._move = optimizer_step(self._parameters.weights, self._parameters.gradients, recipe)

    def _prepare(self) -> None:
        if self._device.type != "cpu":
            return
        full = len(self._data.y_train) // self._recipe.batch_size
        for size, program in self._train.items():
            runs = self._epochs * (full if size == self._recipe.batch_size else 1)
            if runs >= WORTHWHILE_RUNS:
                program.trace()
        if self._epochs * len(self._evaluated["validation"]) >= WORTHWHILE_RUNS:
            self._evaluate.prepare()
            self._evaluate.trace()

    def _batch_sizes(self) -> set[int]:
        examples, size = len(self._data.y_train), self._recipe.batch_size
        return {min(size, examples), examples % size or min(size, examples)}

    def _train_epoch(self, epoch: int, stop: Callable[[], bool]) -> Tensor:
        losses = torch.empty(self._steps, len(self._members), dtype=torch.float32, device=self._device)
        batches = zip(*(stream.epoch() for stream in self._streams), strict=True)
        for step, streams in enumerate(batches):
            if stop():
                raise InterruptedTraining
            program = self._train[streams[0][0].shape[1]]
            for number, (x, targets) in enumerate(streams):
                program.load(number, x, targets)
            program.run()
            losses[step] = program.losses
            self._parameters.update_statistics()
            done = epoch * self._steps + step
            self._move(learning_rate(self._recipe, done, self._recipe.epochs * self._steps))
        return losses

    def _sums(self, part: Part) -> Tensor:
        program = self._evaluate
        total = torch.zeros_like(program.sums)
        program.prepare()
        for batch in self._evaluated[part]:
            program.load_evaluation(batch)
            program.run()
            total += program.sums
        return total.cpu().double()

    def _states(self) -> list[dict[str, Tensor]]:
        trained = self._parameters.states()
        return [_state(member, m, trained) for m, member in enumerate(self._members)]


def _state(member: Member, m: int, trained: Mapping[Value, dict[str, Tensor]]) -> dict[str, Tensor]:
    """All arrays of a member; those that training does not touch at their first values."""
    nodes = member.network.nodes
    parts = {number: trained[m, number] for number in range(len(nodes)) if (m, number) in trained}
    first: dict[str, Tensor] = {}
    if any(node.parameter_shapes and number not in parts for number, node in enumerate(nodes)):
        first = dict(initial_weights(member.network, member.seed))
    state = {name: array for name, array in first.items() if int(name.partition("_")[0]) not in parts}
    for number, node in enumerate(nodes):
        arrays = parts.get(number)
        if arrays is None:
            buffers = node.operation.buffers(node)
            arrays = {
                name: torch.full(shape, value, dtype=torch.float32, device="cpu")
                for name, (shape, value) in buffers.items()
            }
        state |= {f"{number}_{name}": array for name, array in arrays.items()}
    return state
