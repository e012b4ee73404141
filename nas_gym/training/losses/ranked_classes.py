"""Cross-entropy measured by how well classes are ranked: ROC AUC and average precision."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from nas_gym.training.kernels.layout import constant, matrix
from nas_gym.training.losses.measured_classes import MeasuredCrossEntropy
from nas_gym.training.program.tape import Kernel

RANKED = ("roc_auc", "average_precision")
BINS = 1024
CUT = 12.0
"""Log-odds are counted in bins from -CUT to CUT, so that sums over batches hold all that a ranking needs."""

LEAST = 1e-30


class RankedCrossEntropy(MeasuredCrossEntropy):
    """Cross-entropy whose score is ``"roc_auc"`` or ``"average_precision"``, the other metrics beside it.

    The sums of a member are, for each ranked class, how many examples of other classes and how many of its
    own have their log-odds in each bin; then those of `MeasuredCrossEntropy`. Of two classes the second is
    ranked.
    """

    def sums(self, outputs: int) -> int:
        return 2 * BINS * _ranked(outputs) + super().sums(outputs)

    def sum_up(self, outputs: Tensor, y: Tensor) -> Tensor:
        count = outputs.shape[1]
        others = torch.stack(
            [outputs[:, [o for o in range(count) if o != each]].logsumexp(1) for each in _classes(count)]
        )
        odds = outputs.T[_classes(count)] - others
        places = _binned(odds).long() + BINS * (y == torch.tensor(_classes(count), device=y.device)[:, None])
        counts = outputs.new_zeros(len(places), 2 * BINS).scatter_add_(1, places, torch.ones_like(odds))
        return torch.cat([counts.flatten(), super().sum_up(outputs, y)])

    def answers(self, y: Tensor, fill: int, outputs: int) -> tuple[Tensor, ...]:
        """Return those of `MeasuredCrossEntropy`, and the first bin of each example (ranked, n + fill)."""
        truth, counted = super().answers(y, fill, outputs)
        return truth, counted, BINS * truth[_classes(outputs)].long()

    def sum_up_members(
        self, rows: Tensor, answers: tuple[Tensor, ...], sums: Tensor, outputs: int
    ) -> Iterator[Kernel]:
        """Count the bins of log-odds, then what `MeasuredCrossEntropy` counts."""
        truth, counted, first = answers
        x = matrix(rows, outputs, truth.shape[1])
        ranked = _ranked(outputs)
        odds = x.new_empty(len(x), ranked, x.shape[2])
        places = torch.empty(odds.shape, dtype=torch.int64, device=x.device)
        counts = x.new_zeros(len(x), ranked, 2 * BINS)
        used = 2 * BINS * ranked
        if outputs == 2:
            yield partial(torch.sub, x[:, 1:], x[:, :1], out=odds)
        else:
            yield from _log_odds(x, odds)
        yield partial(torch.nan_to_num, odds, nan=0.0, out=odds)  # told by the sum that is then no number
        yield partial(odds.mul_, constant(BINS / (2 * CUT), x))
        yield partial(odds.add_, constant(BINS / 2, x))
        yield partial(odds.clamp_, 0, BINS - 1)
        yield partial(places.copy_, odds)
        yield partial(places.add_, first)
        yield counts.zero_
        yield partial(counts.scatter_add_, 2, places, counted.expand(odds.shape))
        yield partial(sums[:used].copy_, counts.flatten(1).T)
        yield from super().sum_up_members(rows, (truth, counted), sums[used:], outputs)

    def measured(self, sums: Tensor, y: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        outputs = next(count for count in range(2, len(sums)) if self.sums(count) == len(sums))
        used = 2 * BINS * _ranked(outputs)
        found = self.confusion(sums[used:], y)
        found |= ranking(sums[:used].unflatten(0, (_ranked(outputs), 2, BINS)))
        return self.chosen(found, sums)


def ranking(counts: Tensor) -> dict[str, Tensor]:
    """Return ROC AUC and average precision, the means over the ranked classes, (members,) each.

    Args:
        counts: examples of other classes and of its own in each bin, float64 (ranked, 2, bins, members).
    """
    others, own = counts[:, 0], counts[:, 1]
    below = others.cumsum(1) - others / 2  # examples of one bin are a tie
    pairs = own.sum(1) * others.sum(1)
    areas = (own * below).sum(1) / pairs
    hits = own.flip(1).cumsum(1)
    taken = counts.sum(1).flip(1).cumsum(1)
    precision = torch.where(taken > 0, hits / taken.clamp_min(1), 0.0)
    means = (own.flip(1) * precision).sum(1) / own.sum(1)
    usable = pairs > 0
    number = usable.sum(0)
    return {
        "roc_auc": torch.where(usable, areas, 0.0).sum(0) / number,
        "average_precision": torch.where(usable, means, 0.0).sum(0) / number,
    }


def _classes(outputs: int) -> list[int]:
    """Return the classes that are ranked."""
    return [1] if outputs == 2 else list(range(outputs))


def _ranked(outputs: int) -> int:
    return len(_classes(outputs))


def _binned(odds: Tensor) -> Tensor:
    scaled = torch.nan_to_num(odds, nan=0.0) * (BINS / (2 * CUT)) + BINS / 2
    return scaled.clamp(0, BINS - 1)


def _log_odds(x: Tensor, odds: Tensor) -> Iterator[Kernel]:
    """Compute the logit of each class minus the logarithm of the sum of the exponentials of the others."""
    top = x.new_empty(len(x), 1, x.shape[2])
    norm, powers = torch.empty_like(top), torch.empty_like(x)
    yield partial(torch.amax, x, 1, keepdim=True, out=top)
    yield partial(torch.sub, x, top, out=odds)
    yield partial(torch.exp, odds, out=powers)
    yield partial(torch.sum, powers, 1, keepdim=True, out=norm)
    yield partial(torch.sub, norm, powers, out=powers)
    yield partial(powers.clamp_min_, LEAST)
    yield powers.log_
    yield partial(odds.sub_, powers)
