"""Numbers of combinations of choices."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from operator import mul


class MixedRadix:
    """The numbering of all combinations of digits, the last one fastest.

    Args:
        sizes: how many values each digit has.

    Attributes:
        size: number of combinations.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        self._sizes = tuple(sizes)
        self.size, *steps = reversed(list(accumulate(reversed(self._sizes), mul, initial=1)))
        self._steps = tuple(steps)

    def number(self, digits: Sequence[int]) -> int:
        """Return the number of a combination, in ``range(size)``."""
        return sum(map(mul, digits, self._steps))

    def digits(self, number: int) -> tuple[int, ...]:
        """Return the combination of a number; the inverse of `number`.

        Raises:
            IndexError: if it is not in ``range(size)``.
        """
        if not 0 <= number < self.size:
            raise IndexError(f"index {number} is not in range({self.size})")
        return tuple(number // step % size for step, size in zip(self._steps, self._sizes, strict=True))
