"""The slow and the quick part of a series."""

from __future__ import annotations

import numpy as np

from nas_gym.networks.operations.base import Node
from nas_gym.networks.operations.series.time_map import TimeMap, averaging


class MovingAverage(TimeMap):
    """(channels, steps) -> the same: the mean of ``kernel`` steps around each, or what it leaves.

    Before the first and after the last step the window sees these again, as in Autoformer (Wu et al. 2021)
    and DLinear (Zeng et al. 2023). The option ``remainder`` says which of the two parts it is.
    """

    name = "moving_average"

    def matrix(self, node: Node) -> np.ndarray:
        return averaging(node.shape[1], node.kernel, node.option("remainder"))

    def label(self, node: Node) -> str:
        return "remainder" if node.option("remainder") else "moving average"

    def sizes(self, node: Node) -> dict[str, int]:
        return {"kernel": node.kernel}
