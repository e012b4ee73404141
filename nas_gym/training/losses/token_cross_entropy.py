"""Cross-entropy of a token at each of several positions, measured by the uncertainty that it removes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from nas_gym.training.kernels.layout import constant, matrix
from nas_gym.training.losses.base import Loss
from nas_gym.training.program.tape import Kernel

METRICS = ("uncertainty_removed", "token_accuracy", "exact_match")
FAMILY = "token_cross_entropy"
SUMS = 4


class TokenCrossEntropy(Loss):
    """Cross-entropy of logits (names, positions), the mean over the asked positions of a batch.

    A position where nothing is asked has targets of zeros. The sums of a member are its right tokens, the
    sum of the log loss, its examples with a wrong token, and 0 if all logits are finite, else NaN. What the
    metrics are is told in `nas_gym.tasks.targets.token_metrics`.

    Args:
        metric: the score, one of `METRICS`.
        positions: answers of an example.
    """

    smooths_labels = True

    def __init__(self, metric: str, positions: int) -> None:
        self.metric, self.positions = metric, positions
        self.name = f"{FAMILY}/{metric}/{positions}"

    def targets(self, y: Tensor, outputs: int, smoothing: float) -> Tensor:
        names = outputs // self.positions
        asked = (y >= 0).to(torch.float32)[:, None]
        return ((_one_hot(y, names) * (1 - smoothing) + smoothing / names) * asked).flatten(1)

    def mean(self, outputs: Tensor, targets: Tensor) -> Tensor:
        logits, wanted = (each.unflatten(1, (-1, self.positions)) for each in (outputs, targets))
        mean: Tensor = -(logits.log_softmax(1) * wanted).sum() / wanted.sum()
        return mean

    def kernels(
        self, rows: Tensor, gradient: Tensor, targets: Tensor, losses: Tensor, outputs: int, batch: int
    ) -> Iterator[Kernel]:
        """Compute the loss as `CrossEntropy` does, over names at every position of every example.

        The probabilities count as often as something is asked, and the mean is over what is asked.
        """
        names, places = outputs // self.positions, self.positions * batch
        x, d = matrix(rows, names, places), matrix(gradient, names, places)
        wanted = targets.view(len(targets), names, places)
        top = x.new_zeros(len(x), 1, places)
        total = torch.zeros_like(top)
        each = x.new_zeros(len(x), names * places)
        asked = wanted.new_zeros(len(wanted), 1, places)
        share = wanted.new_zeros(len(wanted), 1, 1)
        bits = constant(1 / math.log(2), x)
        yield partial(torch.sum, wanted, 1, keepdim=True, out=asked)
        yield partial(torch.sum, asked, 2, keepdim=True, out=share)
        yield share.reciprocal_
        yield partial(torch.amax, x, 1, keepdim=True, out=top)
        yield partial(x.sub_, top)
        # exp as a power of 2, which is vectorised on every CPU.
        yield partial(torch.mul, x, bits, out=d)
        yield d.exp2_
        yield partial(torch.sum, d, 1, keepdim=True, out=total)
        yield partial(d.div_, total)
        yield partial(d.mul_, asked)
        yield partial(d.sub_, wanted)
        yield partial(d.mul_, share)
        yield total.log_
        yield partial(x.sub_, total)
        yield partial(torch.mul, x, wanted, out=each.view(len(x), names, places))
        yield partial(torch.sum, each, 1, out=losses)
        yield partial(losses.mul_, share.view(-1))
        yield losses.neg_

    def sums(self, outputs: int) -> int:
        return SUMS

    def sum_up(self, outputs: Tensor, y: Tensor) -> Tensor:
        logits, asked = outputs.unflatten(1, (-1, self.positions)), y >= 0
        right = (logits.argmax(1) == y) & asked
        loss = -(logits.log_softmax(1) * _one_hot(y, logits.shape[1])).sum()
        wrong = (asked & ~right).any(1).sum()
        return torch.stack([right.sum().to(loss.dtype), loss, wrong.to(loss.dtype), (outputs * 0).sum()])

    def answers(self, y: Tensor, fill: int, outputs: int) -> tuple[Tensor, ...]:
        """Return the right tokens, 0 or 1 (names, positions, n + fill); zeros where none is asked."""
        truth = _one_hot(y, outputs // self.positions).permute(1, 2, 0)
        return (torch.cat([truth, truth.new_zeros(*truth.shape[:2], fill)], 2).contiguous(),)

    def sum_up_members(
        self, rows: Tensor, answers: tuple[Tensor, ...], sums: Tensor, outputs: int
    ) -> Iterator[Kernel]:
        """Sum up each member; the token of a position is its first largest logit."""
        (truth,) = answers
        names, places = truth.shape[0], truth.shape[1] * truth.shape[2]
        x, wanted = matrix(rows, names, places), truth.view(names, places)
        top = x.new_empty(len(x), 1, places)
        norm, asked = torch.empty_like(top), x.new_empty(1, places)
        taken, other = torch.empty_like(x), torch.empty_like(x)
        wrong = x.new_empty(len(x), truth.shape[2])
        yield partial(torch.sum, wanted, 0, keepdim=True, out=asked)
        yield partial(torch.mul, x, constant(0.0, x), out=other)
        yield partial(torch.sum, other, (1, 2), out=sums[3])
        yield partial(torch.amax, x, 1, keepdim=True, out=top)
        yield partial(torch.eq, x, top, out=taken)
        yield partial(torch.cumsum, taken, 1, out=other)
        yield partial(torch.eq, other, constant(1.0, x), out=other)
        yield partial(taken.mul_, other)  # the first of equal ones
        yield partial(taken.mul_, wanted)
        yield partial(torch.sum, taken, (1, 2), out=sums[0])
        yield partial(torch.sum, taken, 1, keepdim=True, out=norm)
        yield partial(torch.sub, asked, norm, out=norm)
        yield partial(torch.amax, norm.view(len(x), *truth.shape[1:]), 1, out=wrong)
        yield partial(torch.sum, wrong, 1, out=sums[2])
        yield partial(x.sub_, top)
        yield partial(torch.mul, x, constant(1 / math.log(2), x), out=other)
        yield other.exp2_
        yield partial(torch.sum, other, 1, keepdim=True, out=norm)
        yield norm.log_
        yield partial(norm.mul_, asked)
        yield partial(torch.mul, x, wanted, out=other)
        yield partial(torch.sum, other, 1, keepdim=True, out=top)
        yield partial(norm.sub_, top)
        yield partial(torch.sum, norm, (1, 2), out=sums[1])

    def measured(self, sums: Tensor, y: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        asked = y.cpu()[y.cpu() >= 0]
        shares = torch.bincount(asked).double() / len(asked)
        shares = shares[shares > 0]
        mean = sums[1] / len(asked)
        found = {
            "uncertainty_removed": 1 + mean / (shares * shares.log()).sum(),
            "token_accuracy": sums[0] / len(asked),
            "exact_match": 1 - sums[2] / len(y),
            "bits_per_token": mean / math.log(2),
        }
        score = found.pop(self.metric)
        finite = (sums[3] == 0) & score.isfinite()
        return torch.where(finite, score.clamp_min(0.0), torch.nan), found


def _one_hot(y: Tensor, names: int) -> Tensor:
    """Return tokens (n, positions) as zeros and ones, float32 (n, names, positions); -1 is all zeros."""
    return F.one_hot(y + 1, names + 1)[..., 1:].to(torch.float32).transpose(1, 2)
