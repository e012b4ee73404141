"""Training the members of one chunk in fused kernels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from nas_gym.networks import initial_weights
from nas_gym.training.batches import EpochBatches, EqualBatches, EvaluationRound, evaluation_batches
from nas_gym.training.epochs import EpochTraining, InterruptedTraining, Keep, Part
from nas_gym.training.hardware.memory import Memory
from nas_gym.training.hardware.streams import alone, fetched
from nas_gym.training.members import Member, Trained, TrainingData
from nas_gym.training.optimizer import Rates, optimizer_of
from nas_gym.training.program.grouping import Value, schedule
from nas_gym.training.program.initial import InitialWeights
from nas_gym.training.program.launches import launches
from nas_gym.training.program.parameters import Parameters
from nas_gym.training.program.program import Chunk, Program
from nas_gym.training.program.recording import one_by_one, recorder_for
from nas_gym.training.program.tape import Kernel
from nas_gym.training.program.tracing import WORTHWHILE_RUNS
from nas_gym.training.program.values import Values
from nas_gym.training.recipe import Recipe
from nas_gym.training.steps import evaluation_step, training_step


class ChunkTraining(EpochTraining):
    """Members of one number of epochs whose operations all have kernels, trained side by side.

    Args:
        members: the members.
        data: on the device to train on.
        recipe: how to train.
        keep: what to keep of each member.
        limit: bytes that the chunk may take, None for no limit.

    Attributes:
        bytes: what the chunk takes, libraries aside.
        failures: why lists of calls could not be recorded, once it has run; they are called one by one.

    Raises:
        MemoryError: if the chunk takes more than `limit`, mostly before any large memory is taken.
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
        self._memory = Memory(self._device)
        self._batches = EpochBatches(data, recipe, seeds, self._outputs, self._memory)
        numbers = {seed: number for number, seed in enumerate(seeds)}
        streams = [numbers[member.seed] for member in members]
        self._parameters = Parameters(groups, self._device, [member.seed for member in members])
        chunk = Chunk(values, groups, streams, self._outputs, self._loss, recipe.precision)
        validation = evaluation_batches(data.x_validation, data.y_validation, self._loss, self._outputs)
        size = validation[0].size
        self._evaluated: dict[Part, EvaluationRound] = {"validation": EvaluationRound.of(validation)}
        if data.x_test is not None and data.y_test is not None:
            test = evaluation_batches(data.x_test, data.y_test, self._loss, self._outputs, size)
            self._evaluated["test"] = EvaluationRound.of(test)
        given = (chunk, self._parameters, self._memory)
        self._train = {part.size: Program(*given, part.size) for part in self._batches.parts}
        self._evaluate = Program(*given, size, validation[0])
        programs = (*self._train.values(), self._evaluate)
        floats = max(program.floats for program in programs)
        fresh = max(program.fresh_floats for program in programs)
        # Weights have a gradient and up to two moments, and a library takes memory of its own for a gradient.
        copies = 5 if fresh else 4
        self.bytes = 4 * (floats + fresh + copies * len(self._parameters.weights))
        if limit is not None and self.bytes > limit:
            raise MemoryError
        memory = self._memory.zeros(floats)
        taken = self._memory.floats
        for program in programs:
            program.bind(memory)
        self.bytes += 4 * (self._memory.floats - taken)  # scratch memory of operations
        if limit is not None and self.bytes > limit:
            self._memory.release()
            raise MemoryError
        InitialWeights(members, values).load(self._parameters)
        self._optimizer = optimizer_of(self._parameters.weights, self._parameters.gradients, recipe)
        self._rates = Rates(recipe, self._steps, self._optimizer.rate)
        self._losses = torch.zeros(self._steps, len(members), dtype=torch.float32, device=self._device)
        self._total = torch.zeros_like(self._evaluate.sums)
        self._positions = torch.zeros(len(seeds), dtype=torch.int64, device=self._device)

    def run(self, progress: Callable[[int, float], None], stop: Callable[[], bool]) -> list[Trained]:
        """Train, once, see `EpochTraining.run`; the memory is then given back."""
        try:
            return super().run(progress, stop)
        finally:
            self._memory.release()

    def _prepare(self) -> None:
        """Make one call of each list of calls that runs often."""
        recorder = recorder_for(self._device, WORTHWHILE_RUNS)
        changed = self._changed()
        self.failures = recorder.failures

        def call_of(calls: Sequence[Kernel], runs: int) -> Kernel:
            return recorder.record(calls, changed) if runs >= recorder.worthwhile else one_by_one(calls)

        self._step: list[Kernel] = []  # of an epoch, in order
        for part in self._batches.parts:
            batches = len(part.x)
            self._step += [call_of(self._training_calls(part), self._epochs * batches)] * batches
        self._begin_round = call_of(self._round_calls(), self._epochs)
        self._evaluate_batch: dict[Part, Kernel] = {}
        for name, evaluated in self._evaluated.items():
            calls = evaluation_step(self._evaluate, evaluated, self._total, self._positions)
            rounds = self._epochs if name == "validation" else 1
            self._evaluate_batch[name] = call_of(calls, rounds * len(evaluated.x))

    def _changed(self) -> list[Tensor]:
        """What a step changes and the next one reads."""
        parameters = self._parameters
        state = (parameters.weights, parameters.means, parameters.variances, *self._optimizer.state)
        return [*state, parameters.step, self._positions]

    @property
    def launches(self) -> int:
        """Kernels of a GPU that a step of a full batch starts, by its list of calls."""
        return launches(self._training_calls(self._batches.parts[0]))

    def _training_calls(self, part: EqualBatches) -> list[Kernel]:
        return training_step(
            self._train[part.size],
            self._parameters,
            self._optimizer,
            batches=part,
            rates=self._rates.values,
            losses=self._losses,
            position=self._positions[:1],
        )

    def _round_calls(self) -> list[Kernel]:
        return [self._total.zero_, self._positions.zero_, *self._evaluate.preparations]

    def _train_epoch(self, epoch: int, stop: Callable[[], bool]) -> Tensor:
        with alone(self._device):
            self._batches.draw()
            self._rates.set(epoch)
            self._positions.zero_()
        for step in self._step:
            if stop():
                raise InterruptedTraining
            step()
        return fetched(self._losses)

    def _sums(self, part: Part) -> Tensor:
        self._begin_round()
        for _ in range(len(self._evaluated[part].x)):
            self._evaluate_batch[part]()
        return fetched(self._total).double()

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
