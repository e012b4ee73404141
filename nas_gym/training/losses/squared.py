"""Squared error, measured as R² with RMSE and MAE beside it; for values."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from nas_gym.training.kernels.layout import constant, matrix
from nas_gym.training.losses.base import Loss, padded_answers
from nas_gym.training.program.tape import Kernel

TINY = 1e-12  # of a sum of squares that is divided by
QUANTILES = 2**24  # examples that torch can take quantiles of; the lower median is as good for an error


class Squared(Loss):
    """Squared error, averaged over values and examples; the score is R², cut at 0.

    RMSE and MAE are in the units of the outputs. R² of several values is the mean of theirs. The skill of
    RMSE or MAE, see `nas_gym.tasks.targets.metrics`, may be the score in its place, and R² is then beside it.

    Args:
        metric: the score: ``"r2"``, ``"rmse"``, ``"mae"``, or ``"skill"`` against answering 0.
    """

    def __init__(self, metric: str = "r2") -> None:
        self.metric = metric
        self.name = "squared" if metric == "r2" else f"squared/{metric}"

    def targets(self, y: Tensor, outputs: int, smoothing: float) -> Tensor:
        return y

    def mean(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return F.mse_loss(outputs, targets)

    def kernels(
        self, rows: Tensor, gradient: Tensor, targets: Tensor, losses: Tensor, outputs: int, batch: int
    ) -> Iterator[Kernel]:
        x, d = matrix(rows, outputs, batch), matrix(gradient, outputs, batch)
        each = x.new_zeros(len(x), outputs * batch)
        numbers = outputs * batch
        yield partial(x.sub_, targets)
        yield partial(torch.mul, x, constant(2 / numbers, x), out=d)
        yield partial(torch.mul, x, x, out=each.view(len(x), outputs, batch))
        yield partial(torch.sum, each, 1, out=losses)
        yield partial(losses.mul_, constant(1 / numbers, x))

    def sums(self, outputs: int) -> int:
        return 2 * outputs

    def sum_up(self, outputs: Tensor, y: Tensor) -> Tensor:
        difference = outputs - y
        return torch.cat([difference.square().sum(0), difference.abs().sum(0)])

    def answers(self, y: Tensor, fill: int, outputs: int) -> tuple[Tensor, ...]:
        return padded_answers(y, fill, outputs)

    def sum_up_members(
        self, rows: Tensor, answers: tuple[Tensor, ...], sums: Tensor, outputs: int
    ) -> Iterator[Kernel]:
        values, counted = answers
        x = matrix(rows, outputs, values.shape[1])
        each = torch.empty_like(x)
        total = x.new_empty(len(x), outputs)
        yield partial(x.sub_, values)
        yield partial(x.mul_, counted)
        yield partial(torch.mul, x, x, out=each)
        yield partial(torch.sum, each, 2, out=total)
        yield partial(sums[:outputs].copy_, total.T)
        yield partial(torch.abs, x, out=each)
        yield partial(torch.sum, each, 2, out=total)
        yield partial(sums[outputs:].copy_, total.T)

    def measured(self, sums: Tensor, y: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        truth = y.cpu().double()
        spread = (truth - truth.mean(0)).square().sum(0)
        squares, absolutes = sums.chunk(2)
        r2 = (1 - squares / spread[:, None]).mean(0)
        count = truth.numel()
        beside = {"rmse": (squares.sum(0) / count).sqrt(), "mae": absolutes.sum(0) / count}
        found = r2
        if self.metric == "rmse":
            found, beside["r2"] = (1 - (squares / spread[:, None]).sqrt()).mean(0), r2
        elif self.metric == "mae":
            # The best constant answer by absolute error is the median, here that of NumPy.
            middle = truth.quantile(0.5, 0) if len(truth) < QUANTILES else truth.median(0).values
            constant_error = (truth - middle).abs().sum(0)
            found, beside["r2"] = (1 - absolutes / constant_error[:, None]).mean(0), r2
        elif self.metric == "skill":
            found, beside["r2"] = (
                1 - squares.sum(0) / truth.square().sum(),
                1 - squares.sum(0) / spread.sum().clamp_min(TINY),
            )
        # Not cut where it is not finite, since that tells a failed training.
        return torch.where(found.isfinite(), found.clamp_min(0.0), torch.nan), beside
