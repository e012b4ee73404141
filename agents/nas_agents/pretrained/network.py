"""The policy: a small network that scores each candidate by what it reads of it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nas_agents.pretrained.state import FEATURES

WIDTH = 64


class PolicyNetwork(nn.Module):
    """Scores of candidates: the logarithm of how likely each is the best one, up to a constant.

    Every candidate is scored by the same weights, so that the order of candidates changes nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(len(FEATURES), WIDTH)
        self.second = nn.Linear(WIDTH, WIDTH)
        self.score = nn.Linear(WIDTH, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Return scores, (..., candidates), of features (..., candidates, `FEATURES`)."""
        hidden = torch.relu(self.first(features))
        hidden = hidden + torch.relu(self.second(hidden))
        scores: Tensor = self.score(hidden)[..., 0]
        return scores
