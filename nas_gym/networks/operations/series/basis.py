"""Series as sums of given functions of time."""

from __future__ import annotations

from typing import Any

import numpy as np

from nas_gym.networks.operations.base import Node, Shape
from nas_gym.networks.operations.series.time_map import TimeMap, basis


class Basis(TimeMap):
    """(channels * size,) -> (channels, steps): for each channel a sum of `size` functions of time.

    The option ``of`` says which they are: ``"trend"``, powers of time from the 0th, or ``"season"``, cosines
    and sines of ``period`` steps and its half, third, ... (N-BEATS, Oreshkin et al. 2020).
    """

    name = "basis"

    def output_shape(self, *inputs: Any, **options: Any) -> Shape:
        return options["channels"], options["steps"]

    def matrix(self, node: Node) -> np.ndarray:
        size = node.input_shape[0] // self.channels(node)
        return basis(node.option("of"), node.option("steps"), size, node.option("period"))

    def channels(self, node: Node) -> int:
        channels: int = node.option("channels")
        return channels

    def label(self, node: Node) -> str:
        return str(node.option("of"))
