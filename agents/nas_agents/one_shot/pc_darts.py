"""PC-DARTS (Xu et al. 2020): a part of the channels goes through the mixture, and edges have weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from nas_agents.agent import whole_number, within
from nas_agents.one_shot.darts import DARTS
from nas_agents.one_shot.search import SharedSearch
from nas_agents.one_shot.search_state import Alpha

if TYPE_CHECKING:
    import torch

    from nas_gym.networks import Network
    from nas_gym.training import Batch, MixtureTraining


@dataclass(kw_only=True)
class PCDARTS(DARTS):
    """DARTS of the cell space in which one channel of K goes through the candidates and the others pass by.

    With S the mask of these channels, edge ij is sum_o softmax(alpha_ij)_o o(S x_i) + (1 - S) x_i, and
    node j is the sum over i of softmax(beta)_ij times its edges.

    Source: Xu et al., "PC-DARTS: Partial Channel Connections for Memory-Efficient Architecture Search",
    2020. Beta is learned beside alpha. Of each edge the heaviest candidate is chosen.

    Attributes:
        partial: K, which the channels have to be multiples of.
        frozen: share of the search in which only the shared weights are trained; in the paper 15 of 50
            epochs.
    """

    name: ClassVar[str] = "pc-darts"

    learning_rate: float = 0.1
    arch_learning_rate: float = 6e-4
    partial: int = 4
    frozen: float = 0.3

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number("partial", self.partial, at_least=2)
        within("frozen", self.frozen, 0, 1)

    def mixture(self, shared: SharedSearch) -> Network:
        return shared.space.mixture(partial=self.partial)

    def alpha_step(
        self,
        net: MixtureTraining,
        alpha: Alpha,
        optimizer: torch.optim.Optimizer,
        train: Batch,
        validation: Batch,
        rng: np.random.Generator,
    ) -> None:
        if net.share >= self.frozen:
            super().alpha_step(net, alpha, optimizer, train, validation, rng)
