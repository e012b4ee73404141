"""The policy as a heat map: the most visited states against the edits.

It is drawn by Pillow pixel by pixel, since laying out a hundred labels in Matplotlib takes longer
than training four of the default networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import matplotlib as mpl
import numpy as np
from PIL import Image, ImageDraw, ImageFont

MOST_ROWS, MOST_COLUMNS = 14, 60
LONGEST_LABEL = 66
# With so many columns at most, cells are wide enough to print their score.
PRINTED_COLUMNS = 30
CELL_HEIGHT, NARROW, WIDE, GAP = 20, 17, 40, 8
PAPER, INK, ILLEGAL, MARK = (255, 255, 255), (31, 41, 51), (201, 206, 212), (217, 72, 15)
TITLES = {"q_values": "Q-values", "probabilities": "Action probabilities"}


def heat_map(
    scores: np.ndarray,
    masks: np.ndarray,
    states: Sequence[str],
    visits: Sequence[int],
    actions: Sequence[str],
    kind: str,
) -> np.ndarray:
    """Scores of states (rows) and edits (columns): illegal edits grey, the best edit marked.

    Edits that are illegal in every row are left out, and, where too many remain, those whose best
    score is lowest.

    Args:
        scores: float64 (rows, n).
        masks: bool (rows, n), the legal actions; each row has one with a finite score.
        states: a text per row.
        visits: how often each row's state was visited.
        actions: the n edits in words.
        kind: what the scores are, ``"q_values"`` or ``"probabilities"``.

    Returns:
        An image, uint8 (height, width, 3).
    """
    legal = np.where(masks & np.isfinite(scores), scores, np.nan)
    columns = _columns(legal)
    shown = legal[:, columns]
    rows = [f"{_short(state)}  (x{count})" for state, count in zip(states, visits, strict=True)]
    names = [actions[column] for column in columns]
    wide = len(columns) <= PRINTED_COLUMNS
    left = max(_width(row) for row in rows) + 2 * GAP
    below = max(_width(name) for name in names) + 2 * GAP
    grid = (left, 2 * CELL_HEIGHT + GAP, WIDE if wide else NARROW)
    right, bottom = left + grid[2] * len(columns), grid[1] + CELL_HEIGHT * len(rows)
    title = f"{TITLES.get(kind, kind)}. Grey: illegal. Ring: best edit of the state. (xn): visits."
    image = Image.new("RGB", (max(right + 90, _width(title) + 2 * GAP), bottom + below), PAPER)
    pen = ImageDraw.Draw(image)
    pen.text((GAP, GAP), title, INK, _font())
    _draw_cells(pen, shown, grid, printed=wide)
    for number, row in enumerate(rows):
        pen.text((GAP, grid[1] + number * CELL_HEIGHT + 4), row, INK, _font())
    for number, name in enumerate(names):
        label = Image.new("RGB", (below, 15), PAPER)
        ImageDraw.Draw(label).text((below - GAP, 0), name, INK, _font(), anchor="ra")
        upright = label.transpose(Image.Transpose.ROTATE_90)
        image.paste(upright, (left + number * grid[2] + (grid[2] - 15) // 2, bottom + 2))
    _draw_scale(pen, shown, right + 2 * GAP, grid[1], max(bottom, grid[1] + 60))
    return np.asarray(image)


def _columns(legal: np.ndarray) -> np.ndarray:
    columns = np.flatnonzero(np.isfinite(legal).any(axis=0))
    if len(columns) > MOST_COLUMNS:
        highest = np.nanmax(legal[:, columns], axis=0)
        columns = np.sort(columns[np.argsort(-highest, kind="stable")[:MOST_COLUMNS]])
    return columns


def _draw_cells(
    pen: ImageDraw.ImageDraw, shown: np.ndarray, grid: tuple[int, int, int], *, printed: bool
) -> None:
    left, top, width = grid
    colours = _colours(shown)
    for row, values in enumerate(shown):
        best = int(np.nanargmax(values))
        for column, value in enumerate(values):
            x, y = left + column * width, top + row * CELL_HEIGHT
            fill = tuple(colours[row, column].tolist())
            pen.rectangle((x, y, x + width - 2, y + CELL_HEIGHT - 2), fill)
            if printed and np.isfinite(value):
                ink = PAPER if sum(fill) < 380 else INK
                pen.text((x + width / 2, y + 4), f"{value:.2f}", ink, _font(10), anchor="ma")
            if column == best:
                pen.rounded_rectangle((x, y, x + width - 2, y + CELL_HEIGHT - 2), 7, outline=MARK, width=3)


def _draw_scale(pen: ImageDraw.ImageDraw, shown: np.ndarray, x: int, top: int, bottom: int) -> None:
    shades = _colours(np.linspace(1, 0, bottom - top)[:, None])[:, 0]
    for offset, shade in enumerate(shades.tolist()):
        pen.line((x, top + offset, x + 12, top + offset), tuple(shade))
    pen.text((x + 16, top - 2), f"{np.nanmax(shown):.3f}", INK, _font())
    pen.text((x + 16, bottom - 12), f"{np.nanmin(shown):.3f}", INK, _font())


def _colours(values: np.ndarray) -> np.ndarray:
    """Viridis from the lowest to the highest value, uint8 (..., 3); grey where there is none."""
    low, high = np.nanmin(values), np.nanmax(values)
    scaled = (values - low) / (high - low if high > low else 1.0)
    colours = mpl.colormaps["viridis"](np.nan_to_num(scaled), bytes=True)[..., :3]
    return np.where(np.isfinite(values)[..., None], colours, np.array(ILLEGAL, dtype=np.uint8))


def _short(text: str) -> str:
    """A text without its middle, if it is long: architectures differ most where they were edited last."""
    half = (LONGEST_LABEL - 3) // 2
    return text if len(text) <= LONGEST_LABEL else f"{text[:half]}...{text[-half:]}"


def _width(text: str) -> int:
    return int(_font().getlength(text)) + 1


@cache
def _font(size: int = 11) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size)
