"""Huber's loss of values: squared for small errors, absolute for large ones."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from nas_gym.training.kernels.layout import constant, matrix
from nas_gym.training.losses.squared import Squared
from nas_gym.training.program.tape import Kernel


class Huber(Squared):
    """Huber's loss with its bend at 1, averaged over values and examples (Huber 1964).

    An error e, in standard deviations of the training part, costs e² / 2 up to 1 and |e| - 1/2 beyond, so
    that a few wild values do not decide what is learned. What is measured is that of `Squared`.

    Args:
        metric: the score, as of `Squared`.
    """

    def __init__(self, metric: str = "r2") -> None:
        super().__init__(metric)
        self.name = "huber" if metric == "r2" else f"huber/{metric}"

    def mean(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return F.huber_loss(outputs, targets)

    def kernels(
        self, rows: Tensor, gradient: Tensor, targets: Tensor, losses: Tensor, outputs: int, batch: int
    ) -> Iterator[Kernel]:
        x, d = matrix(rows, outputs, batch), matrix(gradient, outputs, batch)
        each = x.new_zeros(len(x), outputs * batch)
        cut, numbers = each.view(len(x), outputs, batch), outputs * batch
        yield partial(x.sub_, targets)
        yield partial(torch.clamp, x, -1.0, 1.0, out=cut)
        yield partial(torch.mul, cut, constant(1 / numbers, x), out=d)
        # With c the error cut to [-1, 1] the loss of an error e is c (e - c / 2).
        yield partial(x.sub_, cut, alpha=0.5)
        yield partial(cut.mul_, x)
        yield partial(torch.sum, each, 1, out=losses)
        yield partial(losses.mul_, constant(1 / numbers, x))
