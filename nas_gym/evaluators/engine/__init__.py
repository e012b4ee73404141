"""The training engine: many different networks trained as one computation."""

from nas_gym.evaluators.engine.api import Progress, train
from nas_gym.evaluators.engine.members import Member, Trained, TrainingData

__all__ = ["Member", "Progress", "Trained", "TrainingData", "train"]
