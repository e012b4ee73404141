"""Integrated gradients whose sum is right: the path is divided until it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from nas_gym._clock import check_time
from nas_gym.networks import Network

TOLERANCE = 1e-4
"""Largest error of the sum of attributions, as a share of the output difference."""
PIECES, NODES, ROUNDS = 16, 3, 12
BATCH, FEWEST_AT_ONCE = 4096, 16
VALUES_AT_ONCE = 2**23
"""Outputs of all operations that are kept at once, 64 MiB; Captum keeps those of three nodes of a piece."""
MOST_WORK, OPERATIONS_OF_A_PIECE = 1.5e11, 3 * NODES + 2
"""Operations that attributions of a network may take, and those of a piece in passes through it."""
NO_CAPTUM = "Attributions need Captum, which is not installed: install nas-gym[explain]."


@dataclass(frozen=True)
class Pieces:
    """Pieces of the paths from the zero input to examples.

    Attributes:
        owner: number of the example of each piece, int64 (pieces,).
        low, high: where it begins and ends, in [0, 1], float64 (pieces,).
    """

    owner: Tensor
    low: Tensor
    high: Tensor

    def nodes(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return owners, places and weights of Gauss-Legendre nodes that integrate along whole paths."""
        places, weights = map(torch.as_tensor, np.polynomial.legendre.leggauss(NODES))
        width = (self.high - self.low)[:, None]
        return (
            self.owner.repeat_interleave(NODES),
            (self.low[:, None] + width * (places + 1) / 2).flatten(),
            (width * weights / 2).flatten(),
        )


@dataclass(frozen=True)
class Attributions:
    """The contribution of each number of each example to an output.

    Attributes:
        values: contributions, float64, of the inputs' shape.
        changes: difference of the output to that of the baseline, float64 (n,).
        errors: completeness error |sum of values - change| / |change|, float64 (n,).
        pieces: pieces of the path that each example was integrated along.
    """

    values: np.ndarray
    changes: np.ndarray
    errors: np.ndarray
    pieces: Pieces

    @property
    def reliable(self) -> np.ndarray:
        """Which examples have a sum within the tolerance, bool (n,)."""
        return np.asarray(self.errors < TOLERANCE)


def has_captum() -> bool:
    """Return whether Captum is installed."""
    return find_spec("captum") is not None


def batch_for(network: Network) -> int:
    """Return how many points of paths are computed at once, so that large networks do not take all memory."""
    values = sum(math.prod(node.shape) for node in network.nodes)
    return max(FEWEST_AT_ONCE, min(BATCH, VALUES_AT_ONCE // max(1, values)))


def most_pieces(network: Network) -> int:
    """Return how many pieces are integrated at most, so that a large network does not take hours."""
    return max(PIECES, int(MOST_WORK / (OPERATIONS_OF_A_PIECE * max(1, network.flops))))


def refined_gradients(
    module: nn.Module,
    x: Tensor,
    target: Tensor,
    rounds: int = ROUNDS,
    batch: int = BATCH,
    most: float = math.inf,
) -> Attributions:
    """Return Integrated Gradients (Sundararajan et al. 2017) from the zero input, by Captum, refined.

    Attributions along a straight path are the sum of those along its pieces. Networks of rectifiers
    have kinks along it, where a quadrature with equal steps converges slowly (thousands of steps for
    an error of 1e-4); so each piece is integrated with three nodes, and those in which the sum is
    not right are halved, until it is right for the whole path or `rounds` are over.

    Args:
        module: float64 network, from inputs (n, ...) to outputs (n, outputs).
        x: inputs, float64; the zero input is the average example of standardised data.
        target: number of the output that is explained of each, int (n,).
        rounds: number of halvings of a piece at most.
        batch: number of pieces at once.
        most: number of pieces after which none is halved any more, whatever the error.
    """
    from captum.attr import IntegratedGradients

    method, count = IntegratedGradients(module), len(x)
    with torch.no_grad():
        rows = torch.arange(count)
        changes = (module(x) - module(torch.zeros_like(x)))[rows, target]
    allowed = TOLERANCE * changes.abs()
    owner, low, high = _first_pieces(count, x.dtype)
    values = torch.zeros_like(x)
    done: list[tuple[Tensor, Tensor, Tensor]] = []
    error, squared = torch.zeros_like(changes), torch.zeros_like(changes)
    integrated = 0
    for number in range(rounds + 1):
        integrated += len(owner)
        found, off = _pieces(method, x[owner], low, high, target[owner], batch)
        total = error.index_add(0, owner, off)
        scatter = squared.index_add(0, owner, off**2).sqrt()
        right = (total.abs() < allowed / 2) & (scatter < allowed / 2)
        # So many pieces with errors of either sign, each within its share, stay within the whole.
        share = 4 * torch.bincount(owner, minlength=count).double().sqrt() + 8
        split = ~right[owner] & (off.abs() > (allowed / share)[owner])
        split &= number < rounds and integrated + 2 * int(split.sum()) <= most
        kept = ~split
        done.append((owner[kept], low[kept], high[kept]))
        values.index_add_(0, owner[kept], found[kept])
        error.index_add_(0, owner[kept], off[kept])
        squared.index_add_(0, owner[kept], off[kept] ** 2)
        if not split.any():
            break
        owner, low, high = owner[split].repeat(2), low[split], high[split]
        middle = (low + high) / 2
        low, high = torch.cat([low, middle]), torch.cat([middle, high])
    sums = values.flatten(1).sum(1)
    errors = (sums - changes).abs() / changes.abs().clamp_min(1e-300)
    pieces = Pieces(*(torch.cat(parts) for parts in zip(*done, strict=True)))
    return Attributions(values.numpy(), changes.numpy(), errors.numpy(), pieces)


def _first_pieces(count: int, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """Return owners, beginnings and ends of equal pieces of each of so many paths."""
    low = torch.arange(PIECES, dtype=dtype).repeat(count) / PIECES
    return torch.arange(count).repeat_interleave(PIECES), low, low + 1 / PIECES


def _pieces(
    method: Any, x: Tensor, low: Tensor, high: Tensor, target: Tensor, batch: int
) -> tuple[Tensor, Tensor]:
    """Return attributions along pieces of the path, and by how much their sums are off."""
    shape = (-1,) + (1,) * (x.ndim - 1)
    parts = []
    for chosen in torch.arange(len(x)).split(batch):
        check_time()
        ends = high[chosen].view(shape) * x[chosen], low[chosen].view(shape) * x[chosen]
        found, off = method.attribute(
            *ends,
            target=target[chosen],
            n_steps=NODES,
            method="gausslegendre",
            return_convergence_delta=True,
        )
        parts.append((found.detach(), off.detach()))
    values, errors = zip(*parts, strict=True)
    return torch.cat(values), torch.cat(errors)
