"""An architecture as a small labelled graph."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sketch:
    """An architecture as a small labelled graph, for drawings, descriptions and graph observations.

    Attributes:
        boxes: a label per box, from the input (first) to the output (last).
        links: (from, to, label) with from < to; the label is "" for one that only leads on, ``"skip"``
            for a shortcut.
        box_codes: a number per box below the space's `num_box_codes`.
        link_codes: a number per link below the space's `num_link_codes`.
        box_kinds: what a box is in the first place (its activation, its operation), a number or None per
            box; by default all are None. Drawings give boxes of one number one colour, those of None none.
    """

    boxes: tuple[str, ...]
    links: tuple[tuple[int, int, str], ...]
    box_codes: tuple[int, ...]
    link_codes: tuple[int, ...]
    box_kinds: tuple[int | None, ...] = ()

    def __post_init__(self) -> None:
        if not self.box_kinds:
            object.__setattr__(self, "box_kinds", (None,) * len(self.boxes))
