"""The components of a score: the effect of each choice, and of each pair of choices beyond both.

A component has cells (the values of a choice, or the pairs of values of two), each with its weight
among the reference architectures where the choices are active, depths weighted equally. Its
contrasts are orthonormal under those weights and orthogonal to everything of lower order, so the
coefficients ``theta = sum_i w_i z_i y_i`` of a score y have the importance as squared length:
the variance of the conditional mean, or of the pure interaction of a pair. This is the functional
ANOVA (Hoeffding 1948; Sobol 1993) with every depth weighted equally.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from nas_gym.explain.methods.anova.encoding import EncodedArchitectures, weights
from nas_gym.search_spaces import Variable

SINGULAR = 1e-9
# Evaluations in excess of one for each effect: the noise is estimated from them.
SPARE = 10


@dataclass(frozen=True, eq=False)
class Component:
    """One choice or a pair of choices.

    Attributes:
        columns: columns of the choices in `EncodedArchitectures.codes`.
        variables: the choices.
        words: values of the choices, for each cell.
        share: weight of each cell among the reference architectures, float64 (cells,).
        contrasts: float64 (cells, r); ``contrasts.T @ diag(share) @ contrasts`` is the identity.
        sizes: number of values of each choice.
    """

    columns: tuple[int, ...]
    variables: tuple[Variable, ...]
    words: tuple[tuple[str, ...], ...]
    share: np.ndarray
    contrasts: np.ndarray
    sizes: tuple[int, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the choices."""
        return tuple(variable.name for variable in self.variables)

    @property
    def is_depth(self) -> bool:
        """Whether it is the depth alone."""
        return len(self.variables) == 1 and self.variables[0].is_depth

    @property
    def name(self) -> str:
        """The names of the choices, joined."""
        return " x ".join(self.names)

    def cells(self, encoded: EncodedArchitectures) -> np.ndarray:
        """Return the cell of each architecture, int (n,); -1 where a choice is not active."""
        codes = encoded.codes[:, list(self.columns)]
        cells = np.zeros(len(encoded), dtype=np.int64)
        for column, size in enumerate(self.sizes):
            cells = cells * size + codes[:, column]
        cells[(codes < 0).any(axis=1)] = -1
        return cells

    def features(self, encoded: EncodedArchitectures) -> np.ndarray:
        """Return the row z of each architecture, float64 (n, r); 0 where a choice is not active."""
        cells = self.cells(encoded)
        return np.where(cells[:, None] >= 0, self.contrasts[cells], 0.0)

    def effects(self, theta: np.ndarray) -> np.ndarray:
        """Return the effect of each cell, float64 (cells,), from the coefficients."""
        return np.asarray(self.contrasts @ theta)


def components(encoded: EncodedArchitectures, order: int = 2) -> list[Component]:
    """Return the components of the reference architectures: every choice, then every pair that varies.

    Args:
        encoded: the reference architectures.
        order: 1 for the choices alone.
    """
    found = [_component(encoded, (column,)) for column in range(len(encoded.names))]
    if order > 1:
        found += [_component(encoded, pair) for pair in combinations(range(len(encoded.names)), 2)]
    return [component for component in found if component.contrasts.shape[1]]


def _component(encoded: EncodedArchitectures, columns: tuple[int, ...]) -> Component:
    variables = tuple(encoded.variables[column] for column in columns)
    sizes = tuple(len(variable.choices) for variable in variables)
    words = tuple(product(*(variable.choices for variable in variables)))
    empty = Component(columns, variables, words, np.zeros(len(words)), np.zeros((len(words), 0)), sizes)
    cells = empty.cells(encoded)
    share = np.bincount(cells[cells >= 0], weights(encoded, cells >= 0)[cells >= 0], minlength=len(words))
    lower = np.ones((len(words), 1)) if len(columns) == 1 else _margins(sizes)
    return Component(columns, variables, words, share, _contrasts(share, lower), sizes)


def _margins(sizes: tuple[int, ...]) -> np.ndarray:
    """Return indicators of the rows and of the columns of a table, float64 (cells, rows + columns)."""
    rows, columns = sizes
    return np.hstack(
        [np.kron(np.eye(rows), np.ones((columns, 1))), np.kron(np.ones((rows, 1)), np.eye(columns))]
    )


def _contrasts(share: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """Return an orthonormal basis, under the weights `share`, of the complement of `lower`."""
    present = share > 0
    root = np.sqrt(share[present])
    basis, sizes, _ = np.linalg.svd(root[:, None] * lower[present], full_matrices=True)
    rank = int((sizes > SINGULAR).sum())
    contrasts = np.zeros((len(share), basis.shape[1] - rank))
    contrasts[present] = basis[:, rank:] / root[:, None]
    return contrasts


def evaluations_needed(base: EncodedArchitectures) -> int:
    """Return the fewest evaluations that separate the choices: one for each effect, and some to spare."""
    return 1 + SPARE + sum(int(part.contrasts.shape[1]) for part in components(base, order=1))
