"""Random search with weight sharing (Li and Talwalkar 2019)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nas_agents.agent import whole_number
from nas_agents.one_shot.paths import PathSearch, SharedWeights, best_first
from nas_agents.warm_start import WarmStart, check_warm_start
from nas_gym.search_spaces import Architecture

if TYPE_CHECKING:
    import numpy as np


@dataclass(kw_only=True)
class RandomSharing(PathSearch):
    """Weights trained along uniformly drawn architectures, then the best of others that are drawn.

    Source: Li and Talwalkar, "Random Search and Reproducibility for Neural Architecture Search", 2019. Any
    space whose nodes have places can be searched (see `nas_gym.search_spaces.SearchSpace.slots`).

    Attributes:
        candidates: architectures drawn for the choice, 100 as in NAS-Bench-201, fewer where scoring them
            would take more than a fifth of the cost.
        warm_start: what stands for the first of these, see `nas_agents.warm_start.starts`; None for draws.
    """

    name = "random-sharing"

    candidates: int = 100
    warm_start: WarmStart | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number("candidates", self.candidates, at_least=1)
        check_warm_start(self.warm_start)

    @property
    def scored(self) -> int:
        return self.candidates

    def ranked(self, weights: SharedWeights, rng: np.random.Generator) -> list[Architecture]:
        weights.train_uniformly(rng)
        return best_first(weights, weights.first(weights.scored, self.warm_start))
