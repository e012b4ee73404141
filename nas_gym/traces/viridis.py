"""The colours of heat maps and embeddings, as Matplotlib's map viridis has them."""

from __future__ import annotations

from functools import cache

import numpy as np


@cache
def viridis() -> np.ndarray:
    """From the lowest value (violet) to the highest (yellow), uint8 (256, 3)."""
    from matplotlib import colormaps

    colours: np.ndarray = colormaps["viridis"](np.arange(256), bytes=True)[:, :3]
    return colours


def levels(values: np.ndarray, count: int) -> np.ndarray:
    """Tell which of `count` equal parts of their range each value is in, from 0; 0 where it is not finite.

    Args:
        values: float of any shape, with at least one finite entry.
        count: number of parts.
    """
    low, high = np.nanmin(values), np.nanmax(values)
    scaled = np.nan_to_num((values - low) / (high - low if high > low else 1.0))
    return np.asarray(np.minimum(scaled * count, count - 1), dtype=np.uint8)


def shades(count: int) -> np.ndarray:
    """Return the colours of so many levels, uint8 (count, 3)."""
    return np.asarray(viridis()[np.linspace(0, 255, count).round().astype(int)])
