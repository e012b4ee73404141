"""How exactly a network is computed at all: what the rounding of its weights alone makes of its answers."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import torch

from nas_gym.deploy.saved_network import SavedNetwork

DRAWS = 3
"""Times that all weights are moved."""


def rounding(saved: SavedNetwork, raw: np.ndarray) -> float:
    """Return how far answers move if each weight becomes the float32 number above or below it.

    Kernels that add up in another order round otherwise, about as much. Where a network makes much of small
    differences, as one whose outputs are large or that takes the sine of large numbers, this is far above the
    precision of float32, and no two programs agree better.

    Args:
        saved: the network.
        raw: raw examples, float64 (n, *input_shape).

    Returns:
        The largest change of an answer in 3 draws, as a probability or in standard deviations of a value.
    """
    expected = saved.given(raw)
    generator = torch.Generator().manual_seed(0)
    largest = 0.0
    for _ in range(DRAWS):
        module = copy.deepcopy(saved.module)
        with torch.no_grad():
            for array in module.state_dict().values():
                if array.is_floating_point():
                    up = torch.rand(array.shape, generator=generator) < 0.5
                    infinity = torch.full_like(array, float("inf"))
                    array.copy_(torch.nextafter(array, torch.where(up, infinity, -infinity)))
        moved = replace(saved, module=module).given(raw)
        off = np.abs(moved.astype(np.float64) - expected) / saved.target.answer_scale
        largest = max(largest, float(np.nan_to_num(off.max(), nan=0.0, posinf=0.0)))
    return largest
