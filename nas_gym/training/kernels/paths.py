"""Which of several ways to compute the same a device takes: chosen here and nowhere else.

On the CPU a member's bits must not depend on its company, and a call costs a microsecond, so that a group
may take many of them. On a GPU a kernel takes 2 to 4 microseconds however small (measured on an H100), so
that the fewest are best; company may change the last bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch


@dataclass(frozen=True, slots=True)
class Paths:
    """The ways of a device.

    Attributes:
        whole_groups: whether one call of a library takes a whole group where its rows lie densely.
        library_convolutions: whether that holds for convolutions; else they are products, one for each
            tap of the kernel.
        bfloat16: whether factors of products are rounded to bfloat16.
    """

    whole_groups: bool = False
    library_convolutions: bool = False
    bfloat16: bool = False


PATHS: dict[str, Paths] = {"cuda": Paths(whole_groups=True, library_convolutions=True)}
"""By kind of device; others take every default."""


def paths_of(device: torch.device, precision: str = "float32") -> Paths:
    """Return the ways of a device under a precision of the recipe."""
    return replace(PATHS.get(device.type, Paths()), bfloat16=precision == "bfloat16")


@contextmanager
def paths_set(kind: str, paths: Paths) -> Iterator[None]:
    """Let a kind of device take other ways, to compare them, or to take a GPU's on a CPU."""
    before = PATHS.get(kind, Paths())
    PATHS[kind] = paths
    try:
        yield
    finally:
        PATHS[kind] = before
