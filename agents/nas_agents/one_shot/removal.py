"""What a mixture loses without each of its candidates, which asks whether their weights say what matters.

Source: Wang et al. 2021, "Rethinking Architecture Selection in Differentiable NAS" (DARTS-PT): the weight of
a candidate need not say how much the mixture needs it, so each is left out once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy.stats import spearmanr

from nas_gym.networks import Blend

if TYPE_CHECKING:
    from torch import Tensor

    from nas_gym.training import MixtureTraining


def losses_without(
    net: MixtureTraining, rows: Mapping[str, Tensor], names: Sequence[str], score: float
) -> tuple[dict[str, list[float]], float]:
    """Return what the validation score of a mixture falls by without each candidate, and the FLOPs of that.

    The other candidates of the variable keep their weights, scaled so that they sum to 1.

    Args:
        net: the shared weights.
        rows: weights of the candidates of each variable.
        names: the variables whose candidates are left out in turn.
        score: the validation score of the whole mixture.
    """
    blends = {name: Blend(row) for name, row in rows.items()}
    found, flops = dict[str, list[float]](), 0.0
    for name in names:
        found[name] = []
        for place in range(len(rows[name])):
            others = blends | {name: without(rows[name], place)}
            measured = net.measured(others)
            found[name].append(score - (measured if np.isfinite(measured) else 0.0))
            flops += net.validation_examples * net.flops(others)
    return found, flops


def without(row: Tensor, place: int) -> Blend:
    """Return the weights of a variable's candidates without one of them, which does not run."""
    rest = row.clone()
    rest[place] = 0.0
    runs = tuple(number for number in range(len(row)) if number != place)
    total = float(rest.sum())
    if total <= 0:  # all weight was on the one that is left out
        rest = torch.full_like(row, 1 / len(runs))
        rest[place] = 0.0
        return Blend(rest, runs)
    return Blend(rest / total, runs)


def agreement(weights: Sequence[float], losses: Sequence[float]) -> float | None:
    """Return Spearman's correlation of weights with what leaving out costs; None where either is constant."""
    if len(set(weights)) == 1 or len(set(losses)) == 1:
        return None
    return float(spearmanr(weights, losses).statistic)
