"""The training engine: many different networks trained as one computation."""

from nas_gym.evaluators.engine.api import Progress, train
from nas_gym.evaluators.engine.members import Member, Trained, TrainingData

ENGINE_VERSION = 1
"""Raised by hand when the numbers that training gives change; a golden test guards it."""

__all__ = ["ENGINE_VERSION", "Member", "Progress", "Trained", "TrainingData", "train"]
