"""Training the members of one chunk from first to last epoch."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from nas_gym.networks import Network, initial_weights
from nas_gym.training.batches import BatchStream, EvaluationBatch, evaluation_batches
from nas_gym.training.members import Member, Trained, TrainingData
from nas_gym.training.optimizer import Optimizer, learning_rate
from nas_gym.training.program.grouping import schedule
from nas_gym.training.program.parameters import Parameters
from nas_gym.training.program.program import Chunk, Program
from nas_gym.training.program.reduced_graph import Graph, graph_of
from nas_gym.training.program.tracing import WORTHWHILE_RUNS
from nas_gym.training.recipe import Recipe


class InterruptedTraining(Exception):  # noqa: N818 (a request, not an error)
    """Training was asked to stop; nothing of the chunk is kept."""


@dataclass(frozen=True, slots=True)
class Keep:
    """What to keep of a member beside its curve: final weights, the loss of every step."""

    weights: bool = False
    step_losses: bool = False


class ChunkTraining:
    """Members of one number of epochs, trained side by side.

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
        self._members, self._data, self._recipe, self._keep = members, data, recipe, keep
        self._device = data.x_train.device
        self._classes = members[0].network.output_shape[0]
        self._epochs = members[0].epochs or recipe.epochs
        graphs = _graphs(members)
        seeds = sorted({member.seed for member in members})
        self._streams = [BatchStream(data, recipe, seed, self._classes) for seed in seeds]
        streams = [seeds.index(member.seed) for member in members]
        groups = schedule(graphs)
        self._parameters = Parameters(groups, self._device)
        chunk = Chunk(graphs, groups, streams, self._classes)
        self._validation = evaluation_batches(data.x_validation, data.y_validation, self._classes)
        size = len(self._validation[0].labels)
        self._test: list[EvaluationBatch] = []
        if data.x_test is not None and data.y_test is not None:
            self._test = evaluation_batches(data.x_test, data.y_test, self._classes, size)
        self._train = {
            size: Program(chunk, self._parameters, size, training=True) for size in self._batch_sizes()
        }
        self._evaluate = Program(chunk, self._parameters, size, training=False)
        programs = (*self._train.values(), self._evaluate)
        floats = max(program.floats for program in programs)
        # Weights have a gradient and up to two moments.
        self.bytes = 4 * (floats + 4 * len(self._parameters.weights))
        if limit is not None and self.bytes > limit:
            raise MemoryError
        memory = torch.zeros(floats, dtype=torch.float32, device=self._device)
        for program in programs:
            program.bind(memory)
        self._dead = self._load_weights()
        self._optimizer = Optimizer(self._parameters, recipe)

    def run(self, progress: Callable[[int, float], None], stop: Callable[[], bool]) -> list[Trained]:
        """Train; `progress` gets the epochs done and the mean loss after each epoch.

        Raises:
            InterruptedTraining: once `stop` returns True.
        """
        start = time.perf_counter()
        self._trace_programs()
        curves: list[Tensor] = []
        losses: list[Tensor] = []
        for epoch in range(self._epochs):
            losses.append(self._train_epoch(epoch, stop))
            curves.append(self._accuracies(self._validation, len(self._data.y_validation)))
            progress(epoch + 1, float(losses[-1].mean()))
            if not bool(torch.isfinite(losses[-1]).all(0).any()):
                break
        test = None
        if self._data.y_test is not None:
            test = self._accuracies(self._test, len(self._data.y_test))
        seconds = time.perf_counter() - start
        return self._results(torch.stack(curves), torch.stack(losses), test, seconds)

    def _trace_programs(self) -> None:
        if self._device.type != "cpu":
            return
        full = len(self._data.y_train) // self._recipe.batch_size
        for size, program in self._train.items():
            runs = self._epochs * (full if size == self._recipe.batch_size else 1)
            if runs >= WORTHWHILE_RUNS:
                program.trace()
        if self._epochs * len(self._validation) >= WORTHWHILE_RUNS:
            self._evaluate.prepare()
            self._evaluate.trace()

    def _batch_sizes(self) -> set[int]:
        examples, size = len(self._data.y_train), self._recipe.batch_size
        return {min(size, examples), examples % size or min(size, examples)}

    def _train_epoch(self, epoch: int, stop: Callable[[], bool]) -> Tensor:
        """One pass over the training part; the losses (steps, members)."""
        steps = -(-len(self._data.y_train) // self._recipe.batch_size)
        losses = torch.empty(steps, len(self._members), dtype=torch.float32, device=self._device)
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
            done = epoch * steps + step
            self._optimizer.step(learning_rate(self._recipe, done, self._recipe.epochs * steps))
        return losses

    def _accuracies(self, batches: Sequence[EvaluationBatch], examples: int) -> Tensor:
        """Accuracy of each member on a part, float64 (members,); NaN where an output is not finite."""
        program = self._evaluate
        correct = torch.zeros(len(self._members), dtype=torch.float32, device=self._device)
        program.prepare()
        for batch in batches:
            program.load_evaluation(batch)
            program.run()
            correct += program.right + program.finite
        return correct.cpu().double() / examples

    def _load_weights(self) -> list[dict[str, Tensor]]:
        """Draw the initial weights; returns those of each member that training does not touch."""
        dead: list[dict[str, Tensor]] = []
        for m, member in enumerate(self._members):
            dead.append({})
            for full_name, array in initial_weights(member.network, member.seed):
                number, _, name = full_name.partition("_")
                if (m, int(number)) in self._parameters:
                    self._parameters.load((m, int(number)), name, array)
                else:
                    dead[m][full_name] = array
        return dead

    def _results(self, curves: Tensor, losses: Tensor, test: Tensor | None, seconds: float) -> list[Trained]:
        trained = torch.isfinite(losses).all(1)  # (epochs, members)
        usable = torch.isfinite(curves).to(trained.device)
        costs = [max(1, member.network.flops) for member in self._members]
        results = []
        for m, member in enumerate(self._members):
            diverged = (~(trained & usable)[:, m]).nonzero()
            good = int(diverged[0]) if len(diverged) else len(curves)
            what = "loss was" if len(diverged) and not trained[good, m] else "network's outputs were"
            error = f"training diverged: the {what} not finite in epoch {good + 1}" if len(diverged) else ""
            results.append(
                Trained(
                    network=member.network,
                    curve=tuple(curves[:good, m].tolist()),
                    losses=tuple(losses[:good, :, m].mean(1).tolist()),
                    error=error,
                    seconds=seconds * costs[m] / sum(costs),
                    test=None if error or test is None else float(test[m]),
                    state=self._state(m) if self._keep.weights else {},
                    step_losses=tuple(losses[..., m].flatten().tolist()) if self._keep.step_losses else (),
                )
            )
        return results

    def _state(self, m: int) -> dict[str, Tensor]:
        state = dict(self._dead[m])
        for number, node in enumerate(self._members[m].network.nodes):
            names = tuple(node.parameter_shapes)
            if names and (m, number) in self._parameters:
                arrays = self._parameters.state((m, number), names)
                state |= {f"{number}_{name}": array for name, array in arrays.items()}
            else:
                for name, (shape, value) in node.operation.buffers(node).items():
                    state[f"{number}_{name}"] = torch.full(shape, value, dtype=torch.float32)
        return state


def _graphs(members: Sequence[Member]) -> list[Graph]:
    found: dict[Network, Graph] = {}
    graphs = []
    for member in members:
        if member.network not in found:
            found[member.network] = graph_of(member.network)
        graphs.append(found[member.network])
    return graphs
