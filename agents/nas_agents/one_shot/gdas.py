"""GDAS (Dong and Yang 2019): candidates drawn by Gumbel noise, with a straight-through gradient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from nas_agents.agent import within
from nas_agents.one_shot.differentiable import Differentiable
from nas_gym.networks import Blend

if TYPE_CHECKING:
    import numpy as np

    from nas_gym.training import Blends


@dataclass(kw_only=True)
class GDAS(Differentiable):
    """GDAS: a step runs one candidate of each variable, which the Gumbel-softmax draws.

    It is that of the largest log softmax(alpha) + noise; the gradient is that of p, the softmax of these
    divided by tau (`straight_through`).

    Source: Dong and Yang, "Searching for a Robust Neural Architecture in Four GPU Hours", 2019; settings as
    in their "NAS-Bench-201", 2020. Candidates that are not run get a gradient as if their result were 1, as
    in the authors' program.

    Attributes:
        tau_first, tau_last: temperature of the Gumbel-softmax at the start and at the end; linear between.
    """

    name = "gdas"

    tau_first: float = 10.0
    tau_last: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        within("tau_first", self.tau_first, 0, 1000, above_low=True)
        within("tau_last", self.tau_last, 0, 1000, above_low=True)

    def blends(self, rows: Mapping[str, Tensor], share: float, rng: np.random.Generator) -> Blends:
        tau = self.tau_first + (self.tau_last - self.tau_first) * share
        found = {}
        for name, row in rows.items():
            h = straight_through(row, gumbel(len(row), rng, row), tau)
            found[name] = Blend(h, (int(h.detach().argmax()),), constant=True)
        return found


def gumbel(count: int, rng: np.random.Generator, like: Tensor) -> Tensor:
    """Return draws of the standard Gumbel distribution, (count,)."""
    return torch.tensor(rng.gumbel(size=count), dtype=like.dtype, device=like.device)


def straight_through(row: Tensor, noise: Tensor, tau: float) -> Tensor:
    """Return the one-hot choice of the Gumbel-softmax, with the gradient of its soft form (equations 5 to 7).

    Args:
        row: logits, (choices,).
        noise: draws of the Gumbel distribution, (choices,).
        tau: temperature.
    """
    p = torch.softmax((torch.log_softmax(row, 0) + noise) / tau, 0)
    h = torch.zeros_like(p)
    h[p.argmax()] = 1.0
    # In this order, so that the value of what was not drawn is 0 exactly.
    return h + (p - p.detach())
