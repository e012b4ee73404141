"""A chart of lines, named and in colours of their own: TensorBoard gives all lines of a run one colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw

from nas_gym.traces.tensorboard.picture import (
    SHADES,
    SHOWN_WIDTH,
    Picture,
    fitted,
    label,
    line_height,
    ramp,
)

PAPER, INK = (255, 255, 255), (31, 41, 51)
# Okabe and Ito's palette, told apart also by who does not tell red from green, without its yellow.
LINES = (
    (0, 114, 178),
    (213, 94, 0),
    (0, 158, 115),
    (204, 121, 167),
    (86, 180, 233),
    (230, 159, 0),
    (110, 110, 110),
    (0, 0, 0),
)
GRID, FIRST = SHADES, SHADES + 1
# Lines are smoothed by mixing: a ramp from paper to each colour.
PALETTE = np.concatenate(
    [ramp(PAPER, INK), ramp((225, 229, 233), (225, 229, 233), 1)] + [ramp(PAPER, colour) for colour in LINES]
)
PLOT_HEIGHT, MARGIN, GAP, KEY = 170, 8, 4, 16
FINER = 3
# Points of a line have room to be drawn whole.
EDGE = 3
MOST_LINES = len(LINES)


def line_chart(lines: Mapping[str, Sequence[tuple[float, float]]], title: str, across: str) -> Picture:
    """Draw lines over one axis, as wide as TensorBoard shows pictures.

    Args:
        lines: points (x, y) by name, each with at least one; of more than `MOST_LINES` the first are drawn.
        title: a line above.
        across: what the horizontal axis is.
    """
    drawn = dict(list(lines.items())[:MOST_LINES])
    points = [np.array(each, dtype=np.float64) for each in drawn.values()]
    x, y = np.concatenate(points).T
    low, high = (float(y.min()), float(y.max())) if y.max() > y.min() else (y[0] - 0.5, y[0] + 0.5)
    start, end = (float(x.min()), float(x.max())) if x.max() > x.min() else (x[0] - 0.5, x[0] + 0.5)
    numbers = [label(f"{low + share * (high - low):.3f}") for share in (0, 0.5, 1)]
    row = line_height()
    left, top = MARGIN + max(number.shape[1] for number in numbers) + GAP, MARGIN + row + 2 * GAP
    width, bottom = SHOWN_WIDTH - left - MARGIN, top + PLOT_HEIGHT
    names_from = bottom + row + 2 * GAP
    image = np.zeros((names_from + len(drawn) * row + MARGIN, SHOWN_WIDTH), dtype=np.uint8)
    _write(image, MARGIN, MARGIN, fitted(title, SHOWN_WIDTH - 2 * MARGIN))
    for share, number in zip((0, 0.5, 1), numbers, strict=True):
        level = bottom - 1 - EDGE - round(share * (PLOT_HEIGHT - 1 - 2 * EDGE))
        image[level, left : left + width] = GRID
        _write(image, level - row // 2, left - GAP - number.shape[1], number)
    first, last, middle = label(f"{start:g}"), label(f"{end:g}"), label(across)
    _write(image, bottom + GAP, left, first)
    _write(image, bottom + GAP, left + width - last.shape[1], last)
    _write(image, bottom + GAP, left + (width - middle.shape[1]) // 2, middle)
    # The first is drawn last, on top of the others.
    for place, (name, each) in reversed(list(enumerate(zip(drawn, points, strict=True)))):
        across_plot = EDGE + (each[:, 0] - start) / (end - start) * (width - 1 - 2 * EDGE)
        up = EDGE + (high - each[:, 1]) / (high - low) * (PLOT_HEIGHT - 1 - 2 * EDGE)
        ink = _line(np.stack([across_plot, up], axis=1), width)
        shade = FIRST + place * SHADES + (ink >> 4)
        plot = image[top:bottom, left : left + width]
        np.copyto(plot, shade, where=ink > 24)
        below = names_from + place * row
        image[below + row // 2 - 1 : below + row // 2 + 2, MARGIN : MARGIN + KEY] = (
            FIRST + place * SHADES + SHADES - 1
        )
        _write(image, below, MARGIN + KEY + GAP, fitted(name, SHOWN_WIDTH - 2 * MARGIN - KEY - GAP))
    return Picture(image, PALETTE)


def _line(points: np.ndarray, width: int) -> np.ndarray:
    """Return the ink of a line through points, uint8 (`PLOT_HEIGHT`, width)."""
    canvas = Image.new("L", (width * FINER, PLOT_HEIGHT * FINER))
    pen = ImageDraw.Draw(canvas)
    places = [tuple(point) for point in (points + 0.5) * FINER]
    if len(places) > 1:
        pen.line(places, 255, 2 * FINER, joint="curve")
    for x, y in places if len(places) <= 40 else []:
        pen.ellipse((x - 2 * FINER, y - 2 * FINER, x + 2 * FINER, y + 2 * FINER), 255)
    return np.array(canvas.reduce(FINER))


def _write(image: np.ndarray, y: int, x: int, ink: np.ndarray) -> None:
    """Write a label onto paper."""
    image[y : y + ink.shape[0], x : x + ink.shape[1]] = ink >> 4
