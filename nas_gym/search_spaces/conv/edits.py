"""The edits of the conv space: their list and what each does to an architecture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nas_gym.search_spaces.base import KEEP, Edit
from nas_gym.search_spaces.chain import chain_edits
from nas_gym.search_spaces.conv.architecture import POOLS, Conv, Layer, skip_pairs


class ConvEdits:
    """The edits between chains of some choices, in the order that `ConvSpace` documents.

    Args:
        choices: the possible layers.
        max_layers, max_pools: most layers and most pools of a chain.

    Attributes:
        actions: the edits.
    """

    def __init__(self, choices: Sequence[Layer], max_layers: int, max_pools: int) -> None:
        self._by_text = {str(layer): layer for layer in choices}
        self._first = next(layer for layer in choices if not layer.pools)
        self._max_layers = max_layers
        self._max_pools = max_pools
        self.actions = self._list_actions()

    def edited(self, architecture: Conv, action: int) -> Conv | None:
        """Return the architecture after an edit, or None where it is illegal."""
        edit = self.actions[action]
        match edit.kind, edit.aspect:
            case "keep", _:
                return architecture
            case "add", "layer":
                return self._with_layer(architecture, edit.place[0] - 1, self._by_text[edit.value])
            case "remove", "layer":
                number, depth = edit.place[1], len(architecture.layers)
                return None if depth == 1 or number > depth else architecture.removed(number)
            case "swap", _:
                return self._swapped(architecture, edit.place[0], edit.aspect, edit.value)
            case _:
                return _with_skip_toggled(architecture, edit)

    def _with_layer(self, architecture: Conv, gap: int, layer: Layer) -> Conv | None:
        depth = len(architecture.layers)
        if depth == self._max_layers or gap > depth or not self._has_room(architecture, layer):
            return None
        return architecture.inserted(gap, layer)

    def _swapped(self, architecture: Conv, number: int, aspect: str, value: str) -> Conv | None:
        if number > len(architecture.layers):
            return None
        before = architecture.layers[number - 1]
        if aspect == "operation":
            after = self._with_operation(before, value)
            if after.pools and not before.pools and not self._has_room(architecture, after):
                return None
        elif before.pools:
            return None
        elif aspect == "channels":
            after = replace(before, channels=int(value))
        else:
            after = replace(before, activation=value)
        return None if after == before else architecture.replaced(number, after)

    def _with_operation(self, layer: Layer, operation: str) -> Layer:
        if operation in POOLS:
            return Layer(operation)
        if layer.pools:
            return replace(self._first, operation=operation)
        return replace(layer, operation=operation)

    def _has_room(self, architecture: Conv, layer: Layer) -> bool:
        return not layer.pools or architecture.pools < self._max_pools

    def _list_actions(self) -> tuple[Edit, ...]:
        layers = self._by_text.values()
        convolutions = [layer for layer in layers if not layer.pools]
        aspects: dict[str, list[object]] = {
            "operation": list(dict.fromkeys(layer.operation for layer in layers)),
            "channels": list(dict.fromkeys(layer.channels for layer in convolutions)),
            "activation": list(dict.fromkeys(layer.activation for layer in convolutions)),
        }
        of_layers = chain_edits(self._max_layers, list(self._by_text), aspects)
        skips = skip_pairs(self._max_layers)
        skips_added = [Edit("add", f"add skip {i}-{j}", "skip", (i, j), "skip") for i, j in skips]
        skips_removed = [Edit("remove", f"remove skip {i}-{j}", "skip", (i, j)) for i, j in skips]
        return (KEEP, *of_layers, *skips_added, *skips_removed)


def _with_skip_toggled(architecture: Conv, edit: Edit) -> Conv | None:
    source, target = edit.place
    if target > len(architecture.layers) or ((source, target) in architecture.skips) == (edit.kind == "add"):
        return None
    return replace(architecture, skips=architecture.skips ^ {(source, target)})
