"""The slow and the quick part of a series, as products with a matrix."""

from __future__ import annotations

from nas_gym.training.kernels.base import Kernels, backward_of, forward_of
from nas_gym.training.kernels.time_maps import backward, forward

KERNELS = Kernels(forward_of(forward), backward_of(backward))
