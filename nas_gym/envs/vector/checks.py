"""What a user passes to a vector environment, checked: what was expected, what came, in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode

from nas_gym._checks import listed, whole
from nas_gym.envs.base import INITIAL
from nas_gym.errors import ConfigError, unknown
from nas_gym.search_spaces import Architecture, SearchSpace

AUTORESET_MODES = {mode.name.lower(): mode for mode in AutoresetMode}


def check_autoreset_mode(mode: str | AutoresetMode) -> AutoresetMode:
    """Return Gymnasium's autoreset mode of a name.

    Raises:
        NASGymError: if there is none of that name.
    """
    if isinstance(mode, AutoresetMode):
        return mode
    if mode not in AUTORESET_MODES:
        raise unknown("autoreset mode", mode, AUTORESET_MODES)
    return AUTORESET_MODES[mode]


def check_max_episode_steps(steps: Any) -> int | None:
    """Return the limit of an episode's steps; None for none, as -1 means to `gym.make`.

    Raises:
        NASGymError: if it is not a whole number of at least 1.
    """
    if steps is None or (steps == -1 and not isinstance(steps, bool)):
        return None
    count = whole(steps)
    if count is None or count < 1:
        raise ConfigError(f"max_episode_steps must be a whole number of at least 1, or None, not {steps!r}")
    return count


def check_seeds(seed: Any, num_envs: int) -> list[int | None]:
    """Return the seed of each environment: None, from a first one on, or as listed.

    Raises:
        NASGymError: if it is neither.
    """
    if seed is None:
        return [None] * num_envs
    first, each = whole(seed), listed(seed)
    if first is not None:
        return [first + row for row in range(num_envs)]
    if each is None or len(each) != num_envs:
        raise ConfigError(f"seed must be a whole number, None, or a list of {num_envs} of them, not {seed!r}")
    return [None if one is None else int(one) for one in each]


def check_options(
    options: Mapping[str, Any] | None, num_envs: int, search_space: SearchSpace[Any], initial: str
) -> tuple[np.ndarray, list[str | Architecture]]:
    """Return the options of a reset: which environments, bool (num_envs,), and a start state for each of all.

    Raises:
        NASGymError: for an unknown option, a bad mask, a malformed architecture, or another number
            of architectures than environments.
    """
    left = dict(options or {})
    rows = _check_mask(left.pop("reset_mask", np.ones(num_envs, dtype=bool)), num_envs)
    given = left.pop("architecture", initial)
    if left:
        raise unknown("reset option", next(iter(left)), ["architecture", "reset_mask"])
    several = isinstance(given, list | tuple | np.ndarray)
    if several and len(given) != num_envs:
        raise ConfigError(
            f"the reset option 'architecture' must be one architecture or {num_envs}, not {len(given)}"
        )
    each = [one if one in INITIAL else search_space.resolve(one) for one in (given if several else [given])]
    return rows, each if several else each * num_envs


def check_actions(actions: Any, active: np.ndarray, num_actions: int) -> np.ndarray:
    """Return the actions as int64 (num_envs,), 0 where an environment makes no step and ignores its action.

    Raises:
        NASGymError: if they are no whole numbers, not one an environment, or out of range.
    """
    array = np.asarray(actions)
    wanted = f"actions must be {len(active)} whole numbers from 0 to {num_actions - 1}"
    if array.shape != active.shape or array.dtype.kind not in "iu":
        raise ConfigError(f"{wanted}, not an array of shape {array.shape} and type {array.dtype}")
    wrong = (array < 0) | (array >= num_actions)
    if np.count_nonzero(wrong) and (wrong := wrong & active).any():
        row = int(wrong.argmax())
        raise ConfigError(f"{wanted}, not {array[row]} for environment {row}")
    checked: np.ndarray = array.astype(np.int64)
    if np.count_nonzero(active) < len(active):
        checked[~active] = 0
    return checked


def _check_mask(mask: Any, num_envs: int) -> np.ndarray:
    valid = isinstance(mask, np.ndarray) and mask.dtype == np.bool_ and mask.shape == (num_envs,)
    if not valid or not mask.any():
        raise ConfigError(
            f"the reset option 'reset_mask' must be a bool array of shape ({num_envs},) with at least one "
            f"True, not {mask!r}"
        )
    return np.array(mask)
