"""The colour map viridis, as bytes: importing Matplotlib for it takes longer than a whole search on a table.

Source: Matplotlib's ``_cm_listed.py``, by van der Walt, Smith and Firing, in the public domain (CC0).
"""

from __future__ import annotations

from base64 import b64decode

import numpy as np

_TABLE = (
    "RAFURAJVRANXRQVYRQZaRQhbRglcRgteRgxfRg5hRw9iRxFjRxJlRxRmRxVnRxZpRxhqSBlrSBpsSBxuSB1vSB5wSCBxSCFy"
    "SCJzSCN0RyV1RyZ2Ryd3Ryh4Ryp5Ryt6Ryx7Ri18Ri98RjB9RjF+RTJ/RTR/RTWARTaBRDeBRDmCQzqDQzuDQzyEQj2EQj6F"
    "QkCFQUGGQUKGQEOHQESHP0WHP0eIPkiIPkmJPUqJPUuJPUyJPE2KPE6KO1CKO1GKOlKLOlOLOVSLOVWLOFaLOFeMN1iMN1mM"
    "NlqMNluMNVyMNV2MNF6NNF+NM2CNM2GNMmKNMmONMWSNMWWNMWaNMGeNMGiNL2mNL2qNLmuOLmyOLm2OLW6OLW+OLHCOLHGO"
    "LHKOK3OOK3SOKnWOKnaOKneOKXiOKXmOKHqOKHqOKHuOJ3yOJ32OJ36OJn+OJoCOJoGOJYKOJYONJISNJIWNJIaNI4eNI4iN"
    "I4mNIomNIoqNIouNIYyNIY2MIY6MII+MIJCMIJGMH5KMH5OLH5SLH5WLH5aLHpeKHpiKHpmKHpmKHpqJHpuJHpyJHp2IHp6I"
    "Hp+IHqCHH6GHH6KGH6OGIKSFIKWFIaaFIaeEIqeEI6iDI6mCJKqCJauBJqyBJ62AKK5/Ka9/KrB+K7F9LLF9LrJ8L7N7MLR6"
    "MrV6M7Z5Nbd4Nrh3OLl2Obl2O7p1Pbt0PrxzQL1yQr5xRL5wRb9vR8BuScFtS8JsTcJrT8NpUcRoU8VnVcZmV8ZlWcdkW8hi"
    "XslhYMlgYspfZMtdZ8xcacxba81Zbc5YcM5Wcs9VdNBUd9BSedFRfNJPftJOgdNMg9NLhtRJiNVHi9VGjdZEkNZDktdBldc/"
    "l9g+mtg8ndk6n9k4oto3pdo1p9szqtsyrdwwr9wust0std0rt90put4nvd4mv98kwt8ixd8hx+AfyuAezeAdz+Ec0uEb1OEa"
    "1+IZ2uIY3OIY3+MY4eMY5OMY5+QZ6eQZ7OQa7uUb8eUc8+Ue9uYf+OYh+uYi/eck"
)
VIRIDIS = np.frombuffer(b64decode(_TABLE), dtype=np.uint8).reshape(256, 3)
"""From the lowest value (violet) to the highest (yellow), uint8 (256, 3)."""


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
    return np.asarray(VIRIDIS[np.linspace(0, 255, count).round().astype(int)])
