"""Every private call of torch that training makes, with the public one that stands in for it.

The private calls cost less per step; both compute the same bits. A version of torch that lacks a private
call trains by the public one.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

Step = Callable[[float], None]
"""Moves weights along their gradients by a learning rate."""

fused_adamw: Callable[..., None] | None = getattr(torch, "_fused_adamw_", None)
fused_sgd: Callable[..., None] | None = getattr(torch, "_fused_sgd_", None)
# The public function only adds a deprecation warning, which threads cannot silence safely.
trace_without_warning: Callable[..., Any] | None = getattr(
    getattr(torch.jit, "_trace", None), "_trace_impl", None
)


def adamw(
    weights: Tensor, gradients: Tensor, *, decay: float, betas: tuple[float, float], epsilon: float
) -> Step:
    """Return the step of AdamW with decoupled weight decay (Loshchilov and Hutter 2019).

    Args:
        weights: float32, moved in place.
        gradients: an array like `weights`, read at every step.
        decay: the weight decay.
        betas: decay of the first and second moment.
        epsilon: added to the root of the second moment.
    """
    if fused_adamw is None:
        options = {"weight_decay": decay, "betas": betas, "eps": epsilon}
        return _public(torch.optim.AdamW, weights, gradients, **options)
    step, first, second = fused_adamw, torch.zeros_like(weights), torch.zeros_like(weights)
    count = torch.zeros((), dtype=torch.float32, device=weights.device)

    def move(rate: float) -> None:
        count.add_(1)
        step(
            [weights],
            [gradients],
            [first],
            [second],
            [],
            [count],
            lr=rate,
            beta1=betas[0],
            beta2=betas[1],
            weight_decay=decay,
            eps=epsilon,
            amsgrad=False,
            maximize=False,
        )

    return move


def sgd(weights: Tensor, gradients: Tensor, *, decay: float, momentum: float) -> Step:
    """Return the step of stochastic gradient descent with Nesterov momentum and an L2 penalty.

    Args:
        weights: float32, moved in place.
        gradients: an array like `weights`, read at every step.
        decay: weight of the penalty.
        momentum: share of the last direction in the next.
    """
    if fused_sgd is None:
        options = {"weight_decay": decay, "momentum": momentum, "nesterov": True}
        return _public(torch.optim.SGD, weights, gradients, **options)
    step, velocity, begun = fused_sgd, torch.zeros_like(weights), False

    def move(rate: float) -> None:
        nonlocal begun
        step(
            [weights],
            [gradients],
            [velocity],
            weight_decay=decay,
            momentum=momentum,
            lr=rate,
            dampening=0.0,
            nesterov=True,
            maximize=False,
            is_first_step=not begun,
        )
        begun = True

    return move


def _public(kind: type[torch.optim.Optimizer], weights: Tensor, gradients: Tensor, **options: Any) -> Step:
    moved = weights.detach()  # the same memory, with a gradient of its own
    moved.grad = gradients
    optimizer = kind([moved], lr=0.0, fused=True, **options)  # type: ignore[call-arg]

    def move(rate: float) -> None:
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()

    return move


def trace(function: Callable[..., Tensor], tensors: Sequence[Tensor]) -> Callable[..., Tensor]:
    """Return `function` recorded into one call, from a run with `tensors`, without checking it.

    Raises:
        RuntimeError: if torch cannot record it.
    """
    if trace_without_warning is not None:
        recorded: Callable[..., Tensor] = trace_without_warning(function, tuple(tensors), check_trace=False)
        return recorded
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        traced: Callable[..., Tensor] = torch.jit.trace(function, tuple(tensors), check_trace=False)
    return traced
