"""DARTS (Liu et al. 2019): a softmax over the candidates of each variable, moved with the shared weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from nas_agents.one_shot.differentiable import Differentiable
from nas_agents.one_shot.search_state import Alpha
from nas_gym.errors import ConfigError
from nas_gym.networks import Blend

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from nas_gym.training import Batch, Blends, MixtureTraining

Loss = Callable[[Sequence["Tensor"], "Tensor"], "Tensor"]
"""A loss at w and alpha."""
EPSILON = 0.01
MU = 0.9


@dataclass(kw_only=True)
class DARTS(Differentiable):
    """DARTS: each variable is the mean of its candidates, sum_o softmax(alpha)_o o(x) (equation 2).

    In turns, w moves against d L_train(w, alpha) / dw, and alpha against d L_val(w', alpha) / d alpha
    (equations 5 and 6): in the first order w' is w, in the second w after a step (`unrolled_gradient`).

    Source: Liu, Simonyan and Yang, "DARTS: Differentiable Architecture Search", 2019; settings as in Dong and
    Yang, "NAS-Bench-201", 2020. It is known to collapse: on cells towards skip connections or ``none``.

    Attributes:
        order: 1, or 2 for the gradient at w after a step, whose derivative by alpha is taken from finite
            differences.
    """

    name = "darts"

    order: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.order not in (1, 2):
            raise ConfigError(f"order must be 1 or 2, not {self.order!r}")

    def blends(self, rows: Mapping[str, Tensor], share: float, rng: np.random.Generator) -> Blends:
        return {name: Blend(torch.softmax(row, 0)) for name, row in rows.items()}

    def validation_gradient(
        self, net: MixtureTraining, alpha: Alpha, train: Batch, validation: Batch, rng: np.random.Generator
    ) -> Tensor:
        if self.order == 1:
            return super().validation_gradient(net, alpha, train, validation, rng)

        def loss(batch: Batch) -> Loss:
            return lambda w, flat: net.loss(batch, self.blends(alpha.rows(flat), net.share, rng), w)

        momentum = [net.momentum[name] for name in net.names]
        return unrolled_gradient(
            loss(train), loss(validation), net.w, alpha.flat, net.rate, momentum, net.weight_decay
        )

    def passes(self, net: MixtureTraining, alpha: Alpha) -> float:
        # One for w; for alpha one for the step ahead, one after it, and two for the difference.
        return super().passes(net, alpha) * (1 if self.order == 1 else 5 / 2)


def unrolled_gradient(
    train: Loss,
    validation: Loss,
    w: Sequence[Tensor],
    alpha: Tensor,
    xi: float,
    momentum: Sequence[Tensor],
    decay: float,
) -> Tensor:
    """Return the gradient by alpha of the validation loss after a step of w (equations 6 to 8).

    Args:
        train: training loss at w and alpha.
        validation: validation loss at w and alpha.
        w: the shared weights.
        alpha: the logits.
        xi: learning rate of w.
        momentum: momentum of each of w.
        decay: weight decay of w.
    """
    w = [each.detach().requires_grad_(True) for each in w]
    alpha = alpha.detach().requires_grad_(True)
    d_w = torch.autograd.grad(train(w, alpha), w, allow_unused=True)
    ahead = [
        (each - xi * (MU * speed + decay * each + (0 if gradient is None else gradient)))
        .detach()
        .requires_grad_(True)
        for each, speed, gradient in zip(w, momentum, d_w, strict=True)
    ]
    d_alpha, *found = torch.autograd.grad(validation(ahead, alpha), [alpha, *ahead], allow_unused=True)
    v = [torch.zeros_like(each) if one is None else one for each, one in zip(ahead, found, strict=True)]
    norm = math.sqrt(sum(float(each.double().square().sum()) for each in v))
    if norm == 0:
        return d_alpha
    epsilon = EPSILON / norm

    def d_train(sign: int) -> Tensor:
        moved = [(each + sign * epsilon * way).detach() for each, way in zip(w, v, strict=True)]
        (gradient,) = torch.autograd.grad(train(moved, alpha), alpha)
        return gradient

    return d_alpha - xi * (d_train(1) - d_train(-1)) / (2 * epsilon)
