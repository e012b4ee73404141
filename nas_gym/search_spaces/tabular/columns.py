"""The columns of a table, as options of a space name them."""

from __future__ import annotations

from collections.abc import Sequence

from nas_gym.errors import ConfigError
from nas_gym.search_spaces.options import whole


def checked_columns(space: str, columns: Sequence[int], features: int) -> tuple[int, ...]:
    """Return the widths of columns.

    Args:
        space: name of the space.
        columns: features of each column; () for numbers alone.
        features: features of an example.

    Raises:
        NASGymError: if they are no whole numbers of at least 1, or are not all features of an example.
    """
    given = tuple(whole(f"each of the columns of the {space} space", width) for width in columns)
    if given and sum(given) != features:
        raise ConfigError(
            f"columns of the {space} space have {sum(given)} features together, an example has {features}: "
            "pass the width of every column, or leave columns out"
        )
    return given


def least_bins(space: str, bins: int) -> int:
    """Return the intervals of a piecewise linear number.

    Raises:
        NASGymError: for fewer than 2.
    """
    checked = whole(f"bins of the {space} space", bins)
    if checked < 2:
        raise ConfigError(f"bins of the {space} space must be at least 2, not 1")
    return checked
