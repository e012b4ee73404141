"""Where the boxes of a drawn network are, how wide they are, and where the links go that pass some."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nas_gym.search_spaces import Drawing, Link

NARROW_WIDTH = 3.3
# Height of a box, and the room below it: as such, for words on links, for a sum and where links leave it.
HEIGHT, GAP, LABELLED_GAP, JOINED_GAP = 0.5, 0.3, 0.55, 0.5
ABOVE, JOIN, BRANCH = 0.15, 0.15, 0.31
BOX, LEAST_BOX = 2.5, 1.5
NODE, NARROW_NODE = 1.35, 1.0
# How far left of the boxes the first link goes, how far the next ones, and the room at the left edge.
FIRST, LANE, LEAST_LANE, EDGE = 0.3, 0.2, 0.05, 0.2
# The same of links with words on them, for each box that they pass, and half of the room of the words.
NAMED, NARROW_NAMED = (0.72, 0.98, 0.55), (0.6, 0.72, 0.42)
# Links that begin at different boxes do not lie on each other.
ASIDE = 0.11
# Room that links take beside notes, and badges and the bracket at the right of a box.
MOST_REACH, BADGE = 0.85, 0.55
LETTER = 0.062
SIGN = 0.32
"""Room that the sign in a box takes, inches."""
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Layout:
    """Places and widths of a drawn network, inches.

    Attributes:
        tops: the upper edge of each box, from the top of the picture down.
        box: width of a box.
        reach: room that links take at the left of the boxes.
        apexes: how far left of the boxes each link goes, 0 for one that passes none.
        words: letters in a line on a link; 0 where links have no words.
    """

    tops: tuple[float, ...]
    box: float
    reach: float
    apexes: tuple[float, ...]
    words: int

    @property
    def tall(self) -> float:
        """Where the last box ends."""
        return self.tops[-1] + HEIGHT

    def letters(self, *, is_marked: bool) -> int:
        """Return the letters in a line in a box, beside its sign where it has one."""
        return int((self.box - 0.12 - SIGN * is_marked) / LETTER)


def layout_of(drawing: Drawing, *, is_narrow: bool) -> Layout:
    """Return the places and widths of a drawing of a network.

    Args:
        drawing: the network.
        is_narrow: whether it is drawn for a phone.
    """
    tops = _tops(drawing)
    if any(link.label for link in drawing.links):
        return _named(drawing, tops, is_narrow=is_narrow)
    spans = [span_of(drawing, tops, link) for link in drawing.links]
    lanes = lanes_of([span for link, span in zip(drawing.links, spans, strict=True) if link.passes])
    count = max(lanes.values(), default=-1) + 1
    if not count:
        return Layout(tops, BOX, 0.0, (0.0,) * len(spans), 0)
    most = NARROW_WIDTH - LEAST_BOX - BADGE if is_narrow else MOST_REACH
    lane = max(LEAST_LANE, min(LANE, (most - FIRST - EDGE) / max(1, count - 1)))
    reach = FIRST + lane * (count - 1) + EDGE
    box = min(BOX, NARROW_WIDTH - reach - BADGE) if is_narrow else BOX
    pairs = zip(drawing.links, spans, strict=True)
    apexes = (FIRST + lane * lanes[span] if link.passes else 0.0 for link, span in pairs)
    return Layout(tops, box, reach, tuple(apexes), 0)


def span_of(drawing: Drawing, tops: Sequence[float], link: Link) -> Span:
    """Return where a link leaves its source and reaches its target, in inches from the top."""
    joined = link.source in drawing.joined
    start = tops[link.source] + (HEIGHT + BRANCH if joined else 0.7 * HEIGHT)
    if link.kind == "sum":
        return start, tops[link.target] + HEIGHT + JOIN
    return start, tops[link.target] + HEIGHT * (0.5 if link.kind == "attention" else 0.3)


def _tops(drawing: Drawing) -> tuple[float, ...]:
    labelled = any(link.label and not link.passes for link in drawing.links)
    tops = [ABOVE]
    for number in range(len(drawing.boxes) - 1):
        gap = JOINED_GAP if number in drawing.joined else LABELLED_GAP if labelled else GAP
        tops.append(tops[-1] + HEIGHT + gap)
    return tuple(tops)


def _named(drawing: Drawing, tops: tuple[float, ...], *, is_narrow: bool) -> Layout:
    """Return the layout where links have words on them: the more boxes they pass, the further they go."""
    box, words = (NARROW_NODE, 11) if is_narrow else (NODE, 16)
    first, more, half = NARROW_NAMED if is_narrow else NAMED
    apexes = tuple(
        first + more * (link.target - link.source - 2) + ASIDE * link.source if link.passes else 0.0
        for link in drawing.links
    )
    return Layout(tops, box, max(apexes) + half if any(apexes) else 0.0, apexes, words)


def lanes_of(spans: Sequence[Span]) -> dict[Span, int]:
    """Return the lane of each link from one height to another, 0 next to the boxes.

    No two links that pass the same height share one.
    """
    lanes: dict[Span, int] = {}
    for start, end in sorted(set(spans), key=lambda span: (abs(span[1] - span[0]), span)):
        low, high = sorted((start, end))
        taken = {lane for other, lane in lanes.items() if min(other) < high and low < max(other)}
        lanes[start, end] = next(lane for lane in range(len(spans)) if lane not in taken)
    return lanes
