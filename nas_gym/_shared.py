"""What copies share: parts that are large or open, and do not change."""

from __future__ import annotations

from typing import Any, Self


class Shared:
    """Base of parts that a copy of what holds them has in common with it.

    `gym.make` and every wrapper that is asked for its spec copy the keyword arguments of an
    environment deeply; data, tables and stores would then be in memory several times. A pickle still
    holds a part of its own.
    """

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self
