"""Cross-entropy measured in other ways than by accuracy, and with classes of equal weight."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from nas_gym.training.kernels.layout import constant, matrix
from nas_gym.training.losses.cross_entropy import CrossEntropy
from nas_gym.training.program.tape import Kernel

WEIGHTS = "weights="
METRICS = ("accuracy", "balanced_accuracy", "macro_f1", "log_loss")


class MeasuredCrossEntropy(CrossEntropy):
    """Cross-entropy whose score is any of `METRICS`, with the others beside it.

    The sums of a member are, for each class, its right examples and the examples taken for it, then the sum
    of the log loss, and 0 if all logits are finite, else NaN. What the metrics are is told in
    `nas_gym.tasks.targets.metrics`.

    Args:
        metric: the score.
        balanced: whether each class has the same weight in training, whatever its number of examples.
        weights: the weight of an example of each class, above 0, in place of `balanced`; () for none. They
            are scaled so that the mean of the training examples is 1.
    """

    def __init__(self, metric: str, *, balanced: bool = False, weights: tuple[float, ...] = ()) -> None:
        self.metric, self.balanced, self.weights = metric, balanced, weights
        way = "/balanced" if balanced else f"/{WEIGHTS}{','.join(map(repr, weights))}" if weights else ""
        self.name = f"cross_entropy/{metric}{way}"

    def targets(self, y: Tensor, outputs: int, smoothing: float) -> Tensor:
        """Return smoothed labels, times the weight of the class of each example."""
        targets = super().targets(y, outputs, smoothing)
        if not (self.balanced or self.weights):
            return targets
        counts = torch.bincount(y, minlength=outputs)
        if self.balanced:
            weights = len(y) / (outputs * counts.clamp_min(1))
        else:
            weights = torch.tensor(self.weights, dtype=torch.float64, device=y.device)
            weights = weights * len(y) / (weights * counts).sum()
        return targets * weights.to(torch.float32)[y][:, None]

    def weighted(self, gradient: Tensor, targets: Tensor) -> Iterator[Kernel]:
        if self.balanced or self.weights:
            weights = targets.new_zeros(len(targets), 1, targets.shape[2])
            yield partial(torch.sum, targets, 1, keepdim=True, out=weights)
            yield partial(gradient.mul_, weights)

    def sums(self, outputs: int) -> int:
        return 2 * outputs + 2

    def sum_up(self, outputs: Tensor, y: Tensor) -> Tensor:
        count = outputs.shape[1]
        taken = F.one_hot(outputs.argmax(1), count).to(outputs.dtype)
        right = taken * F.one_hot(y, count)
        loss = F.cross_entropy(outputs, y, reduction="sum")
        return torch.cat([right.sum(0), taken.sum(0), loss[None], (outputs * 0).sum()[None]])

    def answers(self, y: Tensor, fill: int, outputs: int) -> tuple[Tensor, ...]:
        """Return the labels as zeros and ones (outputs, n + fill), and which examples count (n + fill,)."""
        truth = F.one_hot(y, outputs).to(torch.float32).T
        counted = torch.cat([truth.new_ones(len(y)), truth.new_zeros(fill)])
        return torch.cat([truth, truth.new_zeros(outputs, fill)], 1).contiguous(), counted

    def sum_up_members(
        self, rows: Tensor, answers: tuple[Tensor, ...], sums: Tensor, outputs: int
    ) -> Iterator[Kernel]:
        """Count for each member and class; an example is taken for the class of its first largest logit."""
        truth, counted = answers
        x = matrix(rows, outputs, truth.shape[1])
        top = x.new_empty(len(x), 1, x.shape[2])
        norm = torch.empty_like(top)
        taken, other = torch.empty_like(x), torch.empty_like(x)
        total = x.new_empty(len(x), outputs)
        zero, one = constant(0.0, x), constant(1.0, x)
        yield partial(torch.mul, x, zero, out=other)
        yield partial(torch.sum, other, (1, 2), out=sums[-1])
        yield partial(torch.amax, x, 1, keepdim=True, out=top)
        yield partial(torch.eq, x, top, out=taken)
        yield partial(torch.cumsum, taken, 1, out=other)
        yield partial(torch.eq, other, one, out=other)
        yield partial(taken.mul_, other)  # the first of equal ones
        yield partial(taken.mul_, counted)
        yield partial(torch.sum, taken, 2, out=total)
        yield partial(sums[outputs : 2 * outputs].copy_, total.T)
        yield partial(taken.mul_, truth)
        yield partial(torch.sum, taken, 2, out=total)
        yield partial(sums[:outputs].copy_, total.T)
        yield partial(x.sub_, top)
        yield partial(torch.mul, x, constant(1 / math.log(2), x), out=other)
        yield other.exp2_
        yield partial(torch.sum, other, 1, keepdim=True, out=norm)
        yield norm.log_
        yield partial(norm.mul_, counted)
        yield partial(torch.mul, x, truth, out=other)
        yield partial(torch.sum, other, 1, keepdim=True, out=top)
        yield partial(norm.sub_, top)
        yield partial(torch.sum, norm, (1, 2), out=sums[-2])

    def measured(self, sums: Tensor, y: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        return self.chosen(self.confusion(sums, y), sums)

    def confusion(self, sums: Tensor, y: Tensor) -> dict[str, Tensor]:
        """Return all `METRICS` of each member, float64 (members,)."""
        count = (len(sums) - 2) // 2
        right, taken, loss = sums[:count], sums[count : 2 * count], sums[-2]
        examples = torch.bincount(y.cpu(), minlength=count).double()[:, None]
        return {
            "accuracy": right.sum(0) / len(y),
            "balanced_accuracy": _mean_of(right / examples, examples > 0),
            "macro_f1": _mean_of(2 * right / (taken + examples), taken + examples > 0),
            "log_loss": 1 - loss / len(y) / _entropy(examples / len(y)),
        }

    def chosen(self, found: dict[str, Tensor], sums: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the score and the other metrics.

        Args:
            found: all metrics.
            sums: the last of them is 0 if all logits are finite.
        """
        score = found.pop(self.metric)
        finite = (sums[-1] == 0) & score.isfinite()
        # Not cut where it is not finite, since that tells a failed training.
        return torch.where(finite, score.clamp_min(0.0), torch.nan), found


def _mean_of(shares: Tensor, counted: Tensor) -> Tensor:
    """Return the mean over classes, (classes, members) to (members,), of those that count."""
    counted = counted.expand_as(shares)
    return torch.where(counted, shares, 0.0).sum(0) / counted.sum(0)


def _entropy(shares: Tensor) -> Tensor:
    present = shares[shares > 0]
    return -(present * present.log()).sum()
