"""Appending operations on the columns of tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nas_gym.errors import ConfigError
from nas_gym.networks.building.builder import Builder, Layer
from nas_gym.networks.operations.tables.category_embedding import CategoryEmbedding
from nas_gym.networks.operations.tables.feature_tokens import FeatureTokens
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

    def feature_tokens(
        self,
        node: int,
        size: int,
        *,
        numbers: int,
        each: int = 1,
        categories: Sequence[int] = (),
        answer: bool = False,
        layer: Layer = "",
    ) -> int:
        """Append a token of so many numbers for each column, numbers before categories: (size, tokens).

        Args:
            node: the features, those of a number and of a category side by side.
            size: numbers of a token.
            numbers: columns of numbers.
            each: features of such a column.
            categories: features of each column of categories, in one-hot form.
            answer: whether a last token follows that reads nothing.
            layer: the part of the architecture that the node belongs to.

        Raises:
            NASGymError: if these are not the features of the node.
        """
        features, widths = numbers * each + sum(categories), tuple(map(int, categories))
        if self.shape(node) != (features,) or not features:
            raise ConfigError(
                f"tokens of {numbers} numbers and {len(widths)} columns of categories read {features} "
                f"features, not shape {self.shape(node)}: pass the width of every column"
            )
        options: dict[str, Any] = {"numbers": numbers, "each": each, "categories": widths, "answer": answer}
        return self.operation(FeatureTokens(), node, size=size, layer=layer, **options)

    def periodic(self, node: int, frequencies: int, *, layer: Layer = "") -> int:
        """Append each number with sines and cosines of it, of so many trained frequencies."""
        return self.operation(Periodic(), node, frequencies=frequencies, layer=layer)

    def piecewise_linear(self, node: int, bins: int, *, layer: Layer = "") -> int:
        """Append how far each number reaches into each of so many intervals, at least 2."""
        return self.operation(PiecewiseLinear(), node, bins=bins, layer=layer)
