"""Training seeds as evaluators take them."""

from __future__ import annotations

from collections.abc import Sequence

from nas_gym._checks import listed, whole
from nas_gym.errors import ConfigError


def check_seeds(seeds: Sequence[int]) -> tuple[int, ...]:
    """Training seeds as a tuple of different whole numbers of at least 0.

    Raises:
        NASGymError: if they are not, or if there are none.
    """
    numbers = [whole(seed) for seed in listed(seeds) or ()]
    checked = tuple(seed for seed in numbers if seed is not None and 0 <= seed < 2**63)
    if not checked or len(checked) < len(numbers):
        raise ConfigError(f"seeds must be a list of whole numbers of at least 0, not {seeds!r}")
    if len(set(checked)) != len(checked):
        raise ConfigError(f"seeds must be different, not {list(checked)!r}: a repeated seed adds nothing")
    return checked
