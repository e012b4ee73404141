"""A step of training and of evaluation as a list of calls over memory that stays where it is.

No call holds a number that changes from step to step: the batch, the learning rate and the place of the
loss are read at `position`, which the list moves on by itself. So a list that is run once can be recorded
and replayed, as a CUDA graph or as one call, with the same bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from nas_gym.training._torch import Optimizer
from nas_gym.training.batches import EqualBatches, EvaluationRound
from nas_gym.training.program.parameters import Parameters
from nas_gym.training.program.program import Program
from nas_gym.training.program.tape import Kernel


def training_step(
    program: Program,
    parameters: Parameters,
    optimizer: Optimizer,
    *,
    batches: EqualBatches,
    rates: Tensor,
    losses: Tensor,
    position: Tensor,
) -> list[Kernel]:
    """Return a step: load the batch, compute it, note the loss, move statistics and weights.

    Args:
        program: of batches of this size.
        parameters: what is trained.
        optimizer: of the parameters.
        batches: those of the program's size; a single one is read whatever the position.
        rates: learning rates of an epoch, (steps,).
        losses: of an epoch, (steps, members); a row is written.
        position: the number of the step in its epoch, int64 (1,); moved on.
    """
    return [
        *_load(program, batches, position),
        *program.kernels,
        *parameters.statistics_kernels(batches.size),
        *parameters.step_kernels(),
        partial(losses.index_copy_, 0, position, program.losses.unsqueeze(0)),
        partial(torch.index_select, rates, 0, position, out=optimizer.rate),
        partial(position.add_, 1),
        *optimizer.calls,
    ]


def evaluation_step(
    program: Program, batches: EvaluationRound, total: Tensor, positions: Tensor
) -> list[Kernel]:
    """Return the evaluation of a batch: load it, compute it, add up.

    Args:
        program: of evaluated batches.
        batches: those of a part.
        total: (sums, members), added to.
        positions: the number of the batch, int64, once for each stream; moved on.
    """
    calls: list[Kernel] = []
    if program.inputs is not None:
        calls.append(partial(torch.index_select, batches.x, 0, positions, out=program.inputs))
    for held, answers in zip(program.answers, batches.answers, strict=True):
        calls.append(partial(torch.index_select, answers, 0, positions[:1], out=held.unsqueeze(0)))
    return [
        *calls,
        *program.kernels,
        partial(total.add_, program.sums),
        partial(positions.add_, 1),
    ]


def _load(program: Program, batches: EqualBatches, position: Tensor) -> Iterator[Kernel]:
    pairs = [(batches.targets, program.targets)]
    if program.inputs is not None:
        pairs.append((batches.x, program.inputs))
    for source, held in pairs:
        if len(source) == 1:
            yield partial(held.copy_, source[0])
        else:
            yield partial(torch.index_select, source, 0, position, out=held.unsqueeze(0))
