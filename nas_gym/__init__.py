"""Neural architecture search as a Gymnasium environment.

Importing this package registers the ids, such as ``NAS-v0``; what takes time to import (torch,
stable-baselines3, optuna) is imported when it is first used. The names here are those that a program
needs first, and each room (`nas_gym.envs`, `nas_gym.explain`, ...) has its own.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__version__ = "0.1.0"

try:
    from nas_gym.envs import register

    register()
except ModuleNotFoundError as error:  # a light install, which predicts, has no environments
    if error.name != "gymnasium":
        raise
