"""DrNAS (Chen et al. 2021): weights of candidates drawn from a Dirichlet distribution that is learned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.distributions import Dirichlet, kl_divergence
from torch.nn import functional as F

from nas_agents.agent import within
from nas_agents.one_shot.differentiable import Differentiable
from nas_gym.networks import Blend
from nas_gym.training import standard_gamma

if TYPE_CHECKING:
    import numpy as np

    from nas_gym.training import Blends


@dataclass(kw_only=True)
class DrNAS(Differentiable):
    """DrNAS: weights theta are drawn from Dirichlet(beta), beta = elu(alpha) + 1.

    Gradients go through the draw. lambda KL(Dirichlet(beta) || Dirichlet(1)) is added to the validation loss.
    The means of theta choose at the end. The divergence is in the place of the L2 penalty of alpha.

    Source: Chen et al., "DrNAS: Dirichlet Neural Architecture Search", 2021; without its progressive stages,
    as its authors searched NAS-Bench-201.

    Attributes:
        regularisation: lambda, the weight of the divergence.
    """

    name = "drnas"

    regularisation: float = 1e-3
    arch_weight_decay: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        within("regularisation", self.regularisation, 0, 1000)

    def blends(self, rows: Mapping[str, Tensor], share: float, rng: np.random.Generator) -> Blends:
        return {name: Blend(dirichlet(concentration(row), rng)) for name, row in rows.items()}

    def weights(self, rows: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the means of the distributions."""
        betas = {name: concentration(row) for name, row in rows.items()}
        return {name: beta / beta.sum() for name, beta in betas.items()}

    def penalty(self, rows: Mapping[str, Tensor], share: float) -> Tensor:
        divergences = []
        for row in rows.values():
            beta = concentration(row)
            flat = Dirichlet(torch.ones_like(beta), validate_args=False)
            divergences.append(kl_divergence(Dirichlet(beta, validate_args=False), flat))
        return self.regularisation * torch.stack(divergences).sum()


def concentration(row: Tensor) -> Tensor:
    """Return beta of logits, above 0."""
    return F.elu(row) + 1


def dirichlet(beta: Tensor, rng: np.random.Generator) -> Tensor:
    """Return a draw of Dirichlet(beta) through which a gradient flows to beta.

    The gradient is pathwise: a gamma draw is differentiated by its shape at a fixed probability (Jankowiak
    and Obermeyer 2018). The draw is of a generator of its own, not of torch's global one.
    """
    generator = torch.Generator(device=beta.device).manual_seed(int(rng.integers(2**62)))
    gammas = standard_gamma(beta, generator).clamp_min(1e-30)
    return gammas / gammas.sum()
