"""How wide the boxes of a drawn network are, and where the links go that pass some of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nas_gym.search_spaces import Sketch

NARROW_WIDTH = 3.3
BOX, LEAST_BOX = 2.5, 1.5
NODE, NARROW_NODE = 1.35, 1.0
# How far left of the boxes the first link goes, how far the next ones, and the room at the left edge.
FIRST, LANE, LEAST_LANE, EDGE = 0.3, 0.2, 0.05, 0.2
# The same of links with words on them, for each box that they pass, and half of the room of the words.
NAMED, NARROW_NAMED = (0.72, 0.98, 0.55), (0.6, 0.72, 0.42)
# Links that begin at different boxes do not lie on each other.
ASIDE = 0.11
# Room that links take beside notes, and the badge at the right of a box.
MOST_REACH, BADGE = 0.85, 0.3
LETTER = 0.062
Link = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Layout:
    """Widths of a drawn network, inches.

    Attributes:
        box: width of a box.
        reach: room that links take at the left of the boxes.
        apexes: how far left of the boxes each link goes that passes some.
        words: letters in a line on a link; 0 where links have no words.
    """

    box: float
    reach: float
    apexes: Mapping[Link, float]
    words: int

    @property
    def letters(self) -> int:
        """Letters in a line in a box."""
        return int((self.box - 0.12) / LETTER)


def layout_of(sketch: Sketch, *, is_narrow: bool) -> Layout:
    """Return the widths of a drawing of a network.

    Args:
        sketch: the network.
        is_narrow: whether it is drawn for a phone.
    """
    passing = [(source, target) for source, target, _ in sketch.links if target - source > 1]
    if any(label not in ("", "skip") for *_, label in sketch.links):
        return _named(passing, is_narrow=is_narrow)
    lanes = lanes_of(passing)
    count = max(lanes.values(), default=-1) + 1
    if not count:
        return Layout(BOX, 0.0, {}, 0)
    most = NARROW_WIDTH - LEAST_BOX - BADGE if is_narrow else MOST_REACH
    lane = max(LEAST_LANE, min(LANE, (most - FIRST - EDGE) / max(1, count - 1)))
    reach = FIRST + lane * (count - 1) + EDGE
    box = min(BOX, NARROW_WIDTH - reach - BADGE) if is_narrow else BOX
    return Layout(box, reach, {link: FIRST + lane * number for link, number in lanes.items()}, 0)


def _named(passing: Sequence[Link], *, is_narrow: bool) -> Layout:
    """Return the widths where links have words on them: the more boxes they pass, the further they go."""
    box, words = (NARROW_NODE, 11) if is_narrow else (NODE, 16)
    first, more, half = NARROW_NAMED if is_narrow else NAMED
    apexes = {
        (source, target): first + more * (target - source - 2) + ASIDE * source for source, target in passing
    }
    return Layout(box, max(apexes.values(), default=0.0) + half if passing else 0.0, apexes, words)


def lanes_of(links: Sequence[Link]) -> dict[Link, int]:
    """Return the lane of each link, 0 next to the boxes; no two links that pass the same box share one."""
    lanes: dict[Link, int] = {}
    for source, target in sorted(links, key=lambda link: (link[1] - link[0], link)):
        taken = {lane for (start, end), lane in lanes.items() if start < target and source < end}
        lanes[source, target] = next(lane for lane in range(len(links)) if lane not in taken)
    return lanes
