"""Appending operations on the columns of tables."""

from __future__ import annotations

from collections.abc import Sequence

from nas_gym.networks.building.builder import Builder, Layer
from nas_gym.networks.operations.tables.category_embedding import CategoryEmbedding
from nas_gym.networks.operations.tables.periodic import Periodic
from nas_gym.networks.operations.tables.piecewise_linear import PiecewiseLinear
from nas_gym.networks.operations.tables.select import Select


class TableOperations(Builder):
    """Appends operations on the columns of tables."""

    def select(self, node: int, places: Sequence[int], *, layer: Layer = "") -> int:
        """Append the features at some places; of all of them in order, return the node itself."""
        if list(places) == list(range(self.shape(node)[0])):
            return node
        return self.operation(Select(), node, places=tuple(map(int, places)), layer=layer)

    def category_embedding(self, node: int, size: int, *, layer: Layer = "") -> int:
        """Append `size` trained numbers for the category of a column in one-hot form."""
        return self.operation(CategoryEmbedding(), node, size=size, layer=layer)

    def periodic(self, node: int, frequencies: int, *, layer: Layer = "") -> int:
        """Append each number with sines and cosines of it, of so many trained frequencies."""
        return self.operation(Periodic(), node, frequencies=frequencies, layer=layer)

    def piecewise_linear(self, node: int, bins: int, *, layer: Layer = "") -> int:
        """Append how far each number reaches into each of so many intervals, at least 2."""
        return self.operation(PiecewiseLinear(), node, bins=bins, layer=layer)
