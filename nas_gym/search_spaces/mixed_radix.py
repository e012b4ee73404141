"""Numbers of combinations: digits, each of a size of its own, the last one fastest."""

from __future__ import annotations

from collections.abc import Sequence


def number_of(digits: Sequence[int], sizes: Sequence[int]) -> int:
    """Return the number of a combination; the inverse of `digits_of`."""
    number = 0
    for digit, size in zip(digits, sizes, strict=True):
        number = number * size + digit
    return number


def digits_of(number: int, sizes: Sequence[int]) -> tuple[int, ...]:
    """Return the combination of a number below the product of the sizes."""
    digits = []
    for size in reversed(sizes):
        number, digit = divmod(number, size)
        digits.append(digit)
    return tuple(reversed(digits))
