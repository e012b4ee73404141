"""Cross-entropy with label smoothing over members, and accuracy."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from nas_gym.evaluators.engine.operations.views import matrix
from nas_gym.evaluators.engine.tape import Kernel


def cross_entropy(
    logits: Tensor, gradient: Tensor, targets: Tensor, losses: Tensor, classes: int, batch: int
) -> Iterator[Kernel]:
    """Mean losses of a batch and the gradient of the logits.

    Args:
        logits: rows of members; overwritten.
        gradient: rows for the gradient.
        targets: smoothed one-hot targets, (members or 1, classes, batch).
        losses: (members,).
        classes: number of classes.
        batch: examples of the batch.
    """
    x, d = matrix(logits, classes, batch), matrix(gradient, classes, batch)
    top = torch.zeros(len(x), 1, batch, device=x.device)
    total = torch.zeros_like(top)
    each = torch.zeros(len(x), classes * batch, device=x.device)
    yield partial(torch.amax, x, 1, keepdim=True, out=top)
    yield partial(x.sub_, top)
    yield partial(torch.exp, x, out=d)
    yield partial(torch.sum, d, 1, keepdim=True, out=total)
    yield partial(d.div_, total)
    yield partial(d.sub_, targets)
    yield partial(d.mul_, 1 / batch)
    yield total.log_
    yield partial(x.sub_, total)
    yield partial(torch.mul, x, targets, out=each.view(len(x), classes, batch))
    yield partial(torch.sum, each, 1, out=losses)
    yield partial(losses.mul_, -1 / batch)


def correct_predictions(logits: Tensor, labels: Tensor, counts: Tensor, classes: int) -> Iterator[Kernel]:
    """Add to `counts` (members,) how many of `labels` (batch,) have the largest logit.

    Labels of -1 stand for examples that are only there to fill the batch.
    """
    x = matrix(logits, classes, len(labels))

    def count() -> None:
        counts.add_((x.argmax(1) == labels).sum(1))

    yield count
