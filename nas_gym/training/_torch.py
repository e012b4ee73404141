"""Every private call of torch that training makes, with the public one that stands in for it.

The private calls cost less per step; both compute the same bits. A version of torch that lacks a private
call trains by the public one.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

fused_adamw: Callable[..., None] | None = getattr(torch, "_fused_adamw_", None)
fused_sgd: Callable[..., None] | None = getattr(torch, "_fused_sgd_", None)
foreach_copy: Callable[..., None] | None = getattr(torch, "_foreach_copy_", None)
# The public function only adds a deprecation warning, which threads cannot silence safely.
trace_without_warning: Callable[..., Any] | None = getattr(
    getattr(torch.jit, "_trace", None), "_trace_impl", None
)
_standard_gamma: Callable[..., Tensor] | None = getattr(torch, "_standard_gamma", None)


def standard_gamma(concentration: Tensor, generator: torch.Generator) -> Tensor:
    """Return draws of the gamma distribution with scale 1, through which a gradient flows to its shape.

    The public call takes no generator, so that torch's global one is lent to it.
    """
    if _standard_gamma is not None:
        return _standard_gamma(concentration, generator=generator)
    with torch.random.fork_rng():
        torch.manual_seed(generator.initial_seed())
        return torch.distributions.Gamma(concentration, torch.ones_like(concentration)).rsample()


@dataclass(frozen=True)
class Optimizer:
    """Weights that move along their gradients, by calls in which no number changes.

    Attributes:
        rate: the learning rate of the next step, (1,); float64 on the CPU, which a step reads as a number.
        calls: a step, in order.
        state: what a step changes beside the weights, all zeros at first.
    """

    rate: Tensor
    calls: tuple[Callable[[], object], ...]
    state: tuple[Tensor, ...]

    def step(self, rate: float) -> None:
        """Move the weights by a learning rate."""
        self.rate.fill_(rate)
        for call in self.calls:
            call()


def adamw(
    weights: Tensor, gradients: Tensor, *, decay: float, betas: tuple[float, float], epsilon: float
) -> Optimizer:
    """Return AdamW with decoupled weight decay (Loshchilov and Hutter 2019).

    Args:
        weights: float32, moved in place.
        gradients: an array like `weights`, read at every step.
        decay: the weight decay.
        betas: decay of the first and second moment.
        epsilon: added to the root of the second moment.
    """
    rate = _rate(weights)
    if fused_adamw is None:
        options = {"weight_decay": decay, "betas": betas, "eps": epsilon, "capturable": weights.is_cuda}
        return _public(torch.optim.AdamW, weights, gradients, rate, **options)
    first, second = torch.zeros_like(weights), torch.zeros_like(weights)
    count = torch.zeros((), dtype=torch.float32, device=weights.device)
    move = partial(
        fused_adamw,
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
    return Optimizer(rate, (partial(count.add_, 1), move), (first, second, count))


def sgd(weights: Tensor, gradients: Tensor, *, decay: float, momentum: float) -> Optimizer:
    """Return stochastic gradient descent with Nesterov momentum and an L2 penalty.

    Args:
        weights: float32, moved in place.
        gradients: an array like `weights`, read at every step.
        decay: weight of the penalty.
        momentum: share of the last direction in the next.
    """
    rate = _rate(weights)
    if fused_sgd is None:
        options = {"weight_decay": decay, "momentum": momentum, "nesterov": True}
        return _public(torch.optim.SGD, weights, gradients, rate, **options)
    velocity = torch.zeros_like(weights)
    move = partial(
        fused_sgd,
        [weights],
        [gradients],
        [velocity],
        weight_decay=decay,
        momentum=momentum,
        lr=rate,
        dampening=0.0,
        nesterov=True,
        maximize=False,
        # From a velocity of zeros the first step is like every other.
        is_first_step=False,
    )
    return Optimizer(rate, (move,), (velocity,))


def _rate(weights: Tensor) -> Tensor:
    dtype = torch.float64 if weights.device.type == "cpu" else torch.float32
    return torch.zeros(1, dtype=dtype, device=weights.device)


def _public(
    kind: type[torch.optim.Optimizer], weights: Tensor, gradients: Tensor, rate: Tensor, **options: Any
) -> Optimizer:
    moved = weights.detach()  # the same memory, with a gradient of its own
    moved.grad = gradients
    optimizer = kind([moved], lr=rate, fused=True, **options)  # type: ignore[call-arg]
    before = weights.clone()
    optimizer.step()  # makes its state
    weights.copy_(before)
    state = tuple(each for each in optimizer.state[moved].values() if isinstance(each, Tensor))
    for each in state:
        each.zero_()
    return Optimizer(rate, (optimizer.step,), state)


def copy_each(targets: Sequence[Tensor], sources: Sequence[Tensor]) -> None:
    """Copy each source to its target, on a GPU many by one kernel."""
    if foreach_copy is not None:
        foreach_copy(list(targets), list(sources))
        return
    for target, source in zip(targets, sources, strict=True):
        target.copy_(source)


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
