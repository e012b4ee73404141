"""The losses by name; adding one is adding a file and a line."""

from __future__ import annotations

from nas_gym.training.losses.base import Loss
from nas_gym.training.losses.cross_entropy import CrossEntropy
from nas_gym.training.losses.squared import Squared

LOSSES: dict[str, Loss] = {loss.name: loss for loss in (CrossEntropy(), Squared())}
