"""The training engine: many different networks trained as one computation."""

from nas_gym.training.engine import Progress, train
from nas_gym.training.members import Member, Trained, TrainingData

__all__ = ["ENGINE_VERSION", "Member", "Progress", "Trained", "TrainingData", "train"]
