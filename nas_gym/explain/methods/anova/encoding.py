"""Architectures as numbers: the choice of every variable, the depth, and the weights of averages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nas_gym.search_spaces import Architecture, SearchSpace, Variable

ENUMERATED = 20_000
SAMPLED_PER_DEPTH = 1_000


@dataclass(frozen=True, eq=False)
class EncodedArchitectures:
    """Architectures of a space, as the numbers of their choices.

    Attributes:
        variables: the variables of the space with more than one choice, in order, the depth first.
        codes: number of the choice, int (n, len(variables)); -1 where the variable is not active.
        depth: number of the depth, int (n,); 0 in a space without depths.
        has_depth: whether `variables` begins with the depth.
    """

    variables: tuple[Variable, ...]
    codes: np.ndarray
    depth: np.ndarray
    has_depth: bool

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the variables."""
        return tuple(variable.name for variable in self.variables)

    def rows(self, chosen: np.ndarray) -> EncodedArchitectures:
        """Return some of the architectures, by number or mask."""
        return EncodedArchitectures(self.variables, self.codes[chosen], self.depth[chosen], self.has_depth)


def encode_architectures(
    space: SearchSpace[Any], architectures: Iterable[Architecture]
) -> EncodedArchitectures:
    """Encode architectures of a space."""
    free = [variable for variable in space.variables.values() if len(variable.choices) > 1]
    variables = tuple(sorted(free, key=lambda variable: not variable.is_depth))
    names = [variable.name for variable in variables]
    rows = []
    for architecture in architectures:
        values, active = space.encode(architecture), space.active_variables(architecture)
        rows.append([values[name] if name in active else -1 for name in names])
    codes = np.array(rows, dtype=np.int64).reshape(len(rows), len(names))
    has_depth = any(variable.is_depth for variable in variables[:1])
    depth = codes[:, 0] if has_depth else np.zeros(len(codes), dtype=np.int64)
    return EncodedArchitectures(variables, codes, depth, has_depth)


def reference(
    space: SearchSpace[Any], seed: int = 0, enumerated: int = ENUMERATED, per_depth: int = SAMPLED_PER_DEPTH
) -> Sequence[Architecture]:
    """Return the architectures that averages are over: all, or of a large space a sample of every depth.

    A sample draws the choices of the variables independently at each depth, and decodes them.
    """
    if space.size <= enumerated:
        return list(space)
    rng = np.random.default_rng(seed)
    drawn: dict[Architecture, None] = {}
    depths = [
        {variable.name: depth}
        for variable in space.variables.values()
        if variable.is_depth
        for depth in range(len(variable.choices))
    ]
    for depth in depths or [{}]:
        for _ in range(per_depth):
            values = {
                name: int(rng.integers(len(variable.choices))) for name, variable in space.variables.items()
            }
            drawn.setdefault(space.decode(values | depth))
    return list(drawn)


def weights(encoded: EncodedArchitectures, active: np.ndarray) -> np.ndarray:
    """Return the weight of each architecture in an average over the active ones, depths weighted equally.

    Args:
        encoded: the reference architectures.
        active: which of them count, bool (n,).

    Returns:
        Weights, float64 (n,), which add up to 1; 0 where not active.
    """
    counts = np.bincount(encoded.depth[active], minlength=encoded.depth.max(initial=0) + 1)
    depths = np.count_nonzero(counts)
    found = np.zeros(len(encoded))
    found[active] = 1.0 / (counts[encoded.depth[active]] * max(1, depths))
    return found
