"""Some of the features of an example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nas_gym.networks.operations.base import Node, Operation, Shape, Source

if TYPE_CHECKING:
    from torch import Tensor


class Select(Operation):
    """(features,) -> (chosen,): the features whose places the option ``places`` lists, in its order."""

    name = "select"
    mergeable = True
    keeps_result = False
    shares_rows = True

    def output_shape(self, *inputs: Any, **options: Any) -> Shape:
        return (len(options["places"]),)

    def forward(
        self, node: Node, inputs: Sequence[Tensor], arrays: Mapping[str, Tensor], training: bool
    ) -> Tensor:
        import torch

        return torch.cat(
            [inputs[0][:, start:stop] for start, stop in place_runs(node.option("places"))], dim=1
        )

    def source(self, node: Node) -> Source:
        return Source(f"{{0}}[:, {list(node.option('places'))}]")

    def label(self, node: Node) -> str:
        return f"{node.shape[0]} features"


def place_runs(places: Sequence[int]) -> list[tuple[int, int]]:
    """Return places as ranges (start, stop), one for each run of consecutive ones."""
    found: list[tuple[int, int]] = []
    for place in places:
        if found and found[-1][1] == place:
            found[-1] = found[-1][0], place + 1
        else:
            found.append((place, place + 1))
    return found
