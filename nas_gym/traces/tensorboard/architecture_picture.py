"""The picture of an architecture under a title: boxes in a row or in a column, links between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from nas_gym.search_spaces import Architecture, Drawing, Link, SearchSpace
from nas_gym.traces.tensorboard.picture import (
    SHADES,
    SHOWN_WIDTH,
    Picture,
    fitted,
    label,
    line_height,
    ramp,
)

PAPER, INK, PLAIN = (255, 255, 255), (31, 41, 51), (238, 241, 244)
# Okabe and Ito's palette, lightened, as in the environment's own drawings.
FILLS = (
    (179, 217, 242),
    (251, 227, 176),
    (184, 227, 212),
    (246, 207, 226),
    (214, 211, 240),
    (249, 205, 184),
    (228, 236, 182),
    (207, 232, 239),
)
# Ink on paper, on a plain box, and on a box of each fill.
PALETTE = np.concatenate([ramp(ground, INK) for ground in (PAPER, PLAIN, *FILLS)])
PAPER_GROUND, PLAIN_GROUND, FIRST_GROUND = 0, 1, 2
BOX_WIDTH, BOX_HEIGHT, ROUNDING, MARGIN = 40, 42, 6, 4
PADDING, BETWEEN, BETWEEN_WITH_LABEL = 2, 10, 84
UPRIGHT_BETWEEN = 14
# Wider pictures are shown so much smaller that their letters cannot be read.
WIDEST = 420
# An arc starts so far from the middle of its box, and rises so far for each box it spans.
ARC_START, ARC_RISE, ARC_RISE_A_BOX, ARC_POINTS = 12, 14, 14, 25
ARROW_LENGTH, ARROW_WIDTH = 6, 3
# Lines are drawn so many times as large and then made smaller, which smoothes them.
FINER = 2


@dataclass(frozen=True)
class _Layout:
    """Where the parts of a picture are.

    Attributes:
        size: width and height of the picture.
        corners: upper left corner of each box.
        paths: points of each link, float (points, 2).
        stems: ends of a line from each box with a sum to where its result is, float (2, 2).
    """

    size: tuple[int, int]
    corners: list[tuple[int, int]]
    paths: list[np.ndarray]
    stems: list[np.ndarray]


def architecture_picture(search_space: SearchSpace[Any], architecture: Architecture, title: str) -> Picture:
    """Draw an architecture, from the input at the left to the output at the right, or from top to bottom.

    A long one stands upright, since lying it would be shown too small to read; not where words between
    the boxes need the room. Choices for the whole network are boxes without links behind the output. All
    pictures have one palette, so that they can be stacked.

    Args:
        search_space: the space of the architecture.
        architecture: what to draw.
        title: a line above it.
    """
    drawing = search_space.drawing(architecture)
    labels, kinds = drawing.row
    head = fitted(title, SHOWN_WIDTH - 2 * MARGIN)
    lines = [[label(line) for line in text.split("-", 1)] for text in labels]
    wide = max(BOX_WIDTH, *(2 * PADDING + line.shape[1] for each in lines for line in each))
    layout = _lying(drawing, wide, len(head))
    if layout.size[0] > WIDEST and _between(drawing) == BETWEEN:
        layout = _upright(drawing, wide, len(head))
    boxes = [PLAIN_GROUND if kind is None else FIRST_GROUND + kind % len(FILLS) for kind in kinds]
    grounds, ink = _grounds(layout, boxes, wide), _lines(layout, drawing.links, wide)
    _write(ink, MARGIN + head.shape[1] // 2, MARGIN + len(head) // 2, head)
    for (x, y), in_box in zip(layout.corners, lines, strict=True):
        for number, line in enumerate(in_box):
            offset = (2 * number - len(in_box) + 1) * len(line) // 2
            _write(ink, x + wide // 2, y + BOX_HEIGHT // 2 + offset, line)
    for link, path in zip(drawing.links, layout.paths, strict=True):
        if link.label:
            words = label(link.label)
            x, y = path[ARC_POINTS // 2] if link.passes else path[[0, -1]].mean(axis=0)
            above_arrow = 0 if link.passes else len(words)
            _write(ink, int(x), int(y) - above_arrow, words, over=True)
    return Picture(grounds * SHADES + ink // SHADES, PALETTE)


def _lying(drawing: Drawing, wide: int, head: int) -> _Layout:
    """Return the layout from left to right, under a title of so many pixels."""
    step, boxes = wide + _between(drawing), len(drawing.row[0])
    middle = 2 * MARGIN + head + _reach(drawing, -1, BOX_HEIGHT, line_height())
    width = step * (boxes - 1) + wide + 2 * MARGIN
    corners = [(MARGIN + number * step, middle - BOX_HEIGHT // 2) for number in range(boxes)]
    paths = [
        _path(drawing, link, step, middle, (wide, BOX_HEIGHT)) + np.array([MARGIN, 0])
        for link in drawing.links
    ]
    stems = [
        np.array([[MARGIN + along, middle] for along in (number * step + wide, behind)])
        for number, behind in ((each, _behind(each, step, wide)) for each in drawing.joined)
    ]
    below = _reach(drawing, 1, BOX_HEIGHT, line_height())
    return _Layout((max(width, SHOWN_WIDTH), middle + below + MARGIN), corners, paths, stems)


def _upright(drawing: Drawing, wide: int, head: int) -> _Layout:
    """Return the layout from top to bottom, under a title of so many pixels."""
    step, top, boxes = BOX_HEIGHT + UPRIGHT_BETWEEN, 2 * MARGIN + head, len(drawing.row[0])
    aside = max((label(link.label).shape[1] // 2 for link in drawing.links), default=0)
    left, right = (_reach(drawing, side, wide, aside) for side in (-1, 1))
    width = max(SHOWN_WIDTH, left + right + 2 * MARGIN)
    middle = MARGIN + left + (width - left - right - 2 * MARGIN) // 2
    corners = [(middle - wide // 2, top + number * step) for number in range(boxes)]
    paths = [
        _path(drawing, link, step, middle, (BOX_HEIGHT, wide))[:, ::-1] + np.array([0, top])
        for link in drawing.links
    ]
    stems = [
        np.array(
            [[middle, top + number * step + BOX_HEIGHT], [middle, top + _behind(number, step, BOX_HEIGHT)]]
        )
        for number in drawing.joined
    ]
    return _Layout((width, top + step * (boxes - 1) + BOX_HEIGHT + MARGIN), corners, paths, stems)


def _between(drawing: Drawing) -> int:
    """Return the pixels between boxes: more where links between neighbours carry labels."""
    labelled = any(link.label and not link.passes for link in drawing.links)
    return BETWEEN_WITH_LABEL if labelled else BETWEEN


def _reach(drawing: Drawing, side: int, thick: int, aside: int) -> int:
    """Return pixels from the middle of the boxes to the end of the arcs at a side, -1 or 1.

    Args:
        drawing: what is drawn.
        side: the side, as of `_side`.
        thick: pixels of a box in that direction.
        aside: room for the label at the top of an arc.
    """
    rises = [_rise(link.span) for link in drawing.links if link.passes and _side(link) == side]
    return thick // 2 + (max(rises) + aside if rises else 4)


def _side(link: Link) -> int:
    """Return the side of a link's arc: above the boxes for an even span forwards, an odd one backwards."""
    return -1 if (link.span % 2 == 0) == (link.span > 0) else 1


def _behind(number: int, step: int, long: int) -> float:
    """Return how far along is where the result of a box is, with what is added to it."""
    return number * step + (step + long) / 2


def _rise(span: int) -> int:
    return ARC_RISE + ARC_RISE_A_BOX * abs(span)


def _path(drawing: Drawing, link: Link, step: int, middle: int, box: tuple[int, int]) -> np.ndarray:
    """Return the points of a link, float (points, 2), along the boxes and across them.

    It is straight between neighbours, else an arc. A sum ends behind its target, where links to others begin,
    too.

    Args:
        drawing: what is drawn.
        link: the link.
        step: pixels from one box to the next.
        middle: where the middle of the boxes is, across.
        box: pixels of a box along and across.
    """
    (source, target), (long, thick) = (link.source, link.target), box
    if not link.passes:
        return np.array([[source * step + long, middle], [target * step, middle]], float)
    side, joined = _side(link), source in drawing.joined
    along = ARC_START if link.span > 0 else -ARC_START
    start = _behind(source, step, long) if joined else source * step + long / 2 + along
    end = _behind(target, step, long) if link.kind == "sum" else target * step + long / 2 - along
    t = np.linspace(0, 1, ARC_POINTS)
    across = middle + side * (thick / 2 + _rise(link.span) * 4 * t * (1 - t))
    points = np.stack([start + (end - start) * t, across], axis=1)
    points[[0, -1], 1] = np.where([joined, link.kind == "sum"], middle, points[[0, -1], 1])
    return points


def _grounds(layout: _Layout, boxes: list[int], wide: int) -> np.ndarray:
    """Return what is under the ink of each pixel, uint8 (height, width)."""
    image = Image.new("L", layout.size, PAPER_GROUND)
    pen = ImageDraw.Draw(image)
    for (x, y), ground in zip(layout.corners, boxes, strict=True):
        pen.rounded_rectangle((x, y, x + wide - 1, y + BOX_HEIGHT - 1), ROUNDING, ground)
    return np.asarray(image)


def _lines(layout: _Layout, links: Sequence[Link], wide: int) -> np.ndarray:
    """Return the ink of the boxes' outlines and of the arrows, uint8 (height, width)."""
    image = Image.new("L", (layout.size[0] * FINER, layout.size[1] * FINER))
    pen = ImageDraw.Draw(image)
    for link, path in zip(links, layout.paths, strict=True):
        *_, before, tip = path * FINER
        along = (tip - before) / np.hypot(*(tip - before))
        across = np.array([-along[1], along[0]]) * ARROW_WIDTH * FINER
        foot = tip - along * ARROW_LENGTH * FINER
        points = [*map(tuple, path[:-1] * FINER), tuple(foot)]
        dashes = zip(points[::2], points[1::2], strict=False) if link.kind == "attention" else [points]
        for dash in dashes:
            pen.line(list(dash), 255, FINER + 1)
        pen.polygon([tuple(tip), tuple(foot + across), tuple(foot - across)], 255)
    for stem in layout.stems:
        pen.line([*map(tuple, stem * FINER)], 255, FINER + 1)
    for x, y in (tuple(FINER * place for place in corner) for corner in layout.corners):
        corner = (x + wide * FINER - 1, y + BOX_HEIGHT * FINER - 1)
        pen.rounded_rectangle((x, y, *corner), ROUNDING * FINER, outline=255, width=FINER)
    return np.array(image.reduce(FINER))


def _write(ink: np.ndarray, x: int, y: int, words: np.ndarray, *, over: bool = False) -> None:
    """Write a label around a point, `over` what is there or beside it."""
    top, left = max(0, y - words.shape[0] // 2), max(0, x - words.shape[1] // 2)
    place = ink[top : top + words.shape[0], left : left + words.shape[1]]
    shown = words[: place.shape[0], : place.shape[1]]
    place[:] = shown if over else np.maximum(place, shown)
