"""An architecture as a small labelled graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sketch:
    """An architecture as a small labelled graph, for descriptions, graph observations and places of edits.

    Pictures show a `Drawing`, by default the same.

    Attributes:
        boxes: a label per box, from the input (first) to the output (last).
        links: (from, to, label) with from < to; the label is "" for one that only leads on, ``"skip"``
            for a shortcut.
        box_codes: a number per box below the space's `num_box_codes`.
        link_codes: a number per link below the space's `num_link_codes`.
        box_kinds: what a box is in the first place (its activation, its operation), a number or None per
            box; by default all are None. Drawings give boxes of one number one colour, those of None none.
        box_layers: the layer that the nodes of a box have in the network (`nas_gym.networks.Node.layer`), one
            per box, "" for none; by default "", "1", "2", ... and "output". Drawings count weights by it.
    """

    boxes: tuple[str, ...]
    links: tuple[tuple[int, int, str], ...]
    box_codes: tuple[int, ...]
    link_codes: tuple[int, ...]
    box_kinds: tuple[int | None, ...] = ()
    box_layers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.box_kinds:
            object.__setattr__(self, "box_kinds", (None,) * len(self.boxes))
        if not self.box_layers:
            inner = map(str, range(1, len(self.boxes) - 1))
            object.__setattr__(self, "box_layers", ("", *inner, "output"))

    def place(self, place: tuple[int, ...]) -> tuple[int, ...]:
        """Return the place of an `Edit` in this sketch, where -1 is the number of the last box."""
        return tuple(number % len(self.boxes) for number in place)


def numbered_layers(labels: Sequence[str]) -> tuple[str, ...]:
    """Return the layers of a chain's boxes whose nodes are named by number and label: ``"1 relu-64"``."""
    return ("", *(f"{number} {label}" for number, label in enumerate(labels, start=1)), "output")
