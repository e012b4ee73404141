"""What spaces of chains of layers share: variables, edits, numbers and distances."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from nas_gym.search_spaces.base import Edit
from nas_gym.search_spaces.mixed_radix import MixedRadix
from nas_gym.search_spaces.variables import DEPTH, Variable

L = TypeVar("L")


def chain_variables(max_layers: int, aspects: Mapping[str, Sequence[object]]) -> list[Variable]:
    """Return the depth, and for each layer its aspects.

    Args:
        max_layers: most layers.
        aspects: the choices of each aspect of a layer.
    """
    layers = range(1, max_layers + 1)
    return [
        Variable.of_whole(DEPTH, layers),
        *(
            Variable.at("layer", (layer,), choices, aspect)
            for layer in layers
            for aspect, choices in aspects.items()
        ),
    ]


def chain_edits(
    max_layers: int, labels: Sequence[str], aspects: Mapping[str, Sequence[object]]
) -> tuple[Edit, ...]:
    """Return the edits of layers: add one in each gap, remove each, swap an aspect of each.

    Args:
        max_layers: most layers.
        labels: the texts of all possible layers.
        aspects: the choices of each aspect of a layer.
    """
    layers = range(1, max_layers + 1)
    places = ["before layer 1", *(f"after layer {gap}" for gap in range(1, max_layers))]
    adds = [
        Edit("add", f"add {label} {place}", "layer", (gap,), label)
        for gap, place in enumerate(places, start=1)
        for label in labels
    ]
    removes = [Edit("remove", f"remove layer {layer}", "layer", (layer - 1, layer)) for layer in layers]
    swaps = [
        Edit("swap", f"swap {aspect} of layer {layer} to {choice}", aspect, (layer,), str(choice))
        for aspect, choices in aspects.items()
        for layer in layers
        for choice in choices
    ]
    return (*adds, *removes, *swaps)


class ChainNumbering(Generic[L]):
    """The numbering of all chains of 1 layer and more: short ones first, their last layer fastest.

    Args:
        choices: all possible layers.
        max_layers: most layers.

    Attributes:
        size: number of chains.
    """

    def __init__(self, choices: Sequence[L], max_layers: int) -> None:
        self._choices = choices
        self._digits = {choice: digit for digit, choice in enumerate(choices)}
        self._of_depth = [MixedRadix([len(choices)] * depth) for depth in range(1, max_layers + 1)]
        self.size = sum(chains.size for chains in self._of_depth)

    def number(self, layers: Sequence[L]) -> int:
        """Return the number of a chain, in ``range(size)``."""
        shorter = len(layers) - 1
        within = self._of_depth[shorter].number([self._digits[layer] for layer in layers])
        return within + sum(chains.size for chains in self._of_depth[:shorter])

    def layers(self, number: int) -> tuple[L, ...]:
        """Return the chain of a number; the inverse of `number`.

        Raises:
            IndexError: if it is not in ``range(size)``.
        """
        if not 0 <= number < self.size:
            raise IndexError(f"index {number} is not in range({self.size})")
        for chains in self._of_depth:
            if number < chains.size:
                break
            number -= chains.size
        return tuple(self._choices[digit] for digit in chains.digits(number))


def layer_distance(one: Sequence[L], other: Sequence[L], swaps: Callable[[L, L], int]) -> int:
    """Return the fewest edits of layers between two chains, their edit distance (Levenshtein 1966).

    Args:
        one: the layers of a chain.
        other: the layers of another.
        swaps: how many swaps make a layer another one.
    """
    row = list(range(len(other) + 1))
    for number, layer in enumerate(one, start=1):
        before, row = row, [number]
        for position, target in enumerate(other, start=1):
            # Removing a layer and adding another one is as good as two swaps.
            swapped = before[position - 1] + min(2, swaps(layer, target))
            row.append(min(before[position] + 1, row[-1] + 1, swapped))
    return row[-1]
