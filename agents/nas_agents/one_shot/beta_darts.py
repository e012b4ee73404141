"""beta-DARTS (Ye et al. 2022): DARTS with a penalty that keeps the logits from growing apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from nas_agents.agent import within
from nas_agents.one_shot.darts import DARTS


@dataclass(kw_only=True)
class BetaDARTS(DARTS):
    """DARTS of first order on L_val + lambda times the mean over variables of log(sum_o exp(alpha_o)).

    Source: Ye et al., "b-DARTS: Beta-Decay Regularization for Differentiable Architecture Search", 2022,
    equation 10.

    Attributes:
        lambda_last: lambda at the end of the search, which rises from 0 in a line.
    """

    name: ClassVar[str] = "beta-darts"

    lambda_last: float = 50.0

    def __post_init__(self) -> None:
        super().__post_init__()
        within("lambda_last", self.lambda_last, 0, 10_000)

    def penalty(self, rows: Mapping[str, Tensor], share: float) -> Tensor:
        return self.lambda_last * share * beta_penalty(rows)


def beta_penalty(rows: Mapping[str, Tensor]) -> Tensor:
    """Return the mean over variables of log(sum(exp(alpha)))."""
    return torch.stack([torch.logsumexp(row, 0) for row in rows.values()]).mean()
