"""Training seeds as evaluators take them."""

from __future__ import annotations

from collections.abc import Sequence

from nas_gym.errors import NASGymError


def check_seeds(seeds: Sequence[int]) -> tuple[int, ...]:
    """Training seeds as a tuple of different whole numbers of at least 0.

    Raises:
        NASGymError: if they are not, or if there are none.
    """
    valid = not isinstance(seeds, str) and isinstance(seeds, Sequence) and len(seeds) > 0
    if not valid or not all(isinstance(seed, int) and 0 <= seed < 2**63 for seed in seeds):
        raise NASGymError(f"seeds must be a list of whole numbers of at least 0, not {seeds!r}")
    if len(set(seeds)) != len(seeds):
        raise NASGymError(f"seeds must be different, not {list(seeds)!r}: a repeated seed adds nothing")
    return tuple(seeds)
