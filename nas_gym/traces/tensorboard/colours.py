"""The colours of heat maps and embeddings, which Matplotlib is too slow to be imported for."""

from __future__ import annotations

from functools import cache

import numpy as np

# Violet, blue, teal, green, yellow: ever lighter, also for who does not tell red from green.
ANCHORS = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))


@cache
def colours() -> np.ndarray:
    """Return colours from the lowest value (violet) to the highest (yellow), uint8 (256, 3)."""
    places = np.linspace(0, len(ANCHORS) - 1, 256)
    parts = [np.interp(places, range(len(ANCHORS)), part) for part in zip(*ANCHORS, strict=True)]
    return np.stack(parts, axis=1).round().astype(np.uint8)


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
    return np.asarray(colours()[np.linspace(0, 255, count).round().astype(int)])
