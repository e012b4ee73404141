"""Binary cross-entropy of several labels, measured by F1 or by the share of right answers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from nas_gym.training.kernels.layout import constant, matrix
from nas_gym.training.losses.base import Loss, padded_answers
from nas_gym.training.program.tape import Kernel

LABEL_METRICS = ("macro_f1", "micro_f1", "hamming", "subset_accuracy")


class BinaryCrossEntropy(Loss):
    """Cross-entropy of the log-odds of each label, averaged over labels and examples.

    The sums of a member are, for each label, how often it is answered rightly and how often at all, then the
    examples with a wrong label, and 0 if all outputs are finite, else NaN. What the metrics are is told in
    `nas_gym.tasks.targets.label_metrics`.

    Args:
        metric: the score, one of `LABEL_METRICS`.
    """

    smooths_labels = True

    def __init__(self, metric: str) -> None:
        self.metric = metric
        self.name = f"binary_cross_entropy/{metric}"

    def targets(self, y: Tensor, outputs: int, smoothing: float) -> Tensor:
        return y * (1 - smoothing) + smoothing / 2

    def mean(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(outputs, targets)

    def kernels(
        self, rows: Tensor, gradient: Tensor, targets: Tensor, losses: Tensor, outputs: int, batch: int
    ) -> Iterator[Kernel]:
        """Compute max(x, 0) - x t + log(1 + exp(-|x|)) and sigmoid(x) - t, neither of which overflows."""
        x, d = matrix(rows, outputs, batch), matrix(gradient, outputs, batch)
        numbers = outputs * batch
        each = x.new_zeros(len(x), numbers)
        loss = each.view(len(x), outputs, batch)
        total = torch.zeros_like(loss)
        zero, one = constant(0.0, x), constant(1.0, x)
        yield partial(torch.abs, x, out=d)
        yield partial(d.mul_, constant(-1 / math.log(2), x))
        # exp as a power of 2, which is vectorised on every CPU. Its last bits are others where the numbers of
        # a row do not fill a vector: the rows of a gradient are as long as vectors in any company.
        yield d.exp2_
        yield partial(torch.add, d, one, out=total)
        yield partial(torch.ge, x, zero, out=loss)
        yield partial(torch.maximum, d, loss, out=d)  # 1 at the right of 0, where exp would overflow
        yield partial(d.div_, total)
        yield partial(d.sub_, targets)
        yield partial(d.mul_, constant(1 / numbers, x))
        yield total.log_
        yield partial(torch.maximum, x, zero, out=loss)
        yield partial(loss.add_, total)
        yield partial(x.mul_, targets)
        yield partial(loss.sub_, x)
        yield partial(torch.sum, each, 1, out=losses)
        yield partial(losses.mul_, constant(1 / numbers, x))

    def sums(self, outputs: int) -> int:
        return 2 * outputs + 2

    def sum_up(self, outputs: Tensor, y: Tensor) -> Tensor:
        answered = (outputs > 0).to(outputs.dtype)
        wrong = (answered != y).any(1).sum().to(outputs.dtype)
        return torch.cat([(answered * y).sum(0), answered.sum(0), wrong[None], (outputs * 0).sum()[None]])

    def answers(self, y: Tensor, fill: int, outputs: int) -> tuple[Tensor, ...]:
        return padded_answers(y, fill, outputs)

    def sum_up_members(
        self, rows: Tensor, answers: tuple[Tensor, ...], sums: Tensor, outputs: int
    ) -> Iterator[Kernel]:
        truth, counted = answers
        x = matrix(rows, outputs, truth.shape[1])
        answered, other = torch.empty_like(x), torch.empty_like(x)
        wrong = x.new_empty(len(x), 1, x.shape[2])
        total = x.new_empty(len(x), outputs)
        zero = constant(0.0, x)
        yield partial(torch.mul, x, zero, out=other)
        yield partial(torch.sum, other, (1, 2), out=sums[-1])
        yield partial(torch.gt, x, zero, out=answered)
        yield partial(answered.mul_, counted)
        yield partial(torch.sum, answered, 2, out=total)
        yield partial(sums[outputs : 2 * outputs].copy_, total.T)
        yield partial(torch.ne, answered, truth, out=other)
        yield partial(torch.amax, other, 1, keepdim=True, out=wrong)
        yield partial(torch.sum, wrong, (1, 2), out=sums[-2])
        yield partial(answered.mul_, truth)
        yield partial(torch.sum, answered, 2, out=total)
        yield partial(sums[:outputs].copy_, total.T)

    def measured(self, sums: Tensor, y: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        count = (len(sums) - 2) // 2
        right, answered, wrong = sums[:count], sums[count : 2 * count], sums[-2]
        there = y.cpu().double().sum(0)[:, None]
        both = answered + there
        counted = both > 0
        f1 = torch.where(counted, 2 * right / both.clamp_min(1), 0.0)
        found = {
            "macro_f1": f1.sum(0) / counted.sum(0),
            "micro_f1": 2 * right.sum(0) / both.sum(0),
            "hamming": 1 - (both - 2 * right).sum(0) / y.numel(),
            "subset_accuracy": 1 - wrong / len(y),
        }
        score = found.pop(self.metric)
        return torch.where((sums[-1] == 0) & score.isfinite(), score, torch.nan), found
