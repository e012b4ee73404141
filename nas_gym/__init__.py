"""Neural architecture search as a Gymnasium environment; importing it registers the ids."""

from nas_gym.envs import register
from nas_gym.errors import NASGymError

__all__ = ["NASGymError", "__version__"]
__version__ = "0.1.0"

register()
