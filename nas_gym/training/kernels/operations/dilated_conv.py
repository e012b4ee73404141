"""Dilated convolution, by the kernels of convolution: they read the dilation of the node."""

from __future__ import annotations

from nas_gym.training.kernels.operations import conv

KERNELS = conv.KERNELS
