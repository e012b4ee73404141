"""The policy as a heat map: the most visited states against the edits.

It is put together as an array of palette indices, since a run draws it at every snapshot.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from nas_gym.traces.tensorboard.colours import levels, shades
from nas_gym.traces.tensorboard.picture import SHADES, Picture, label, line_height, ramp

MOST_ROWS, MOST_COLUMNS = 14, 60
LONGEST_LABEL = 66
# With so many columns at most, cells are wide enough to print their score.
PRINTED_COLUMNS = 30
CELL_HEIGHT, NARROW, WIDE, GAP = 17, 15, 40, 8
LEAST_SCALE = 60
PAPER, INK, ILLEGAL, MARK = (255, 255, 255), (31, 41, 51), (201, 206, 212), (217, 72, 15)
TITLES = {"q_values": "Q-values", "probabilities": "Action probabilities"}
# The palette: shades of ink on paper, two colours of cells, and the scale from low to high.
LEVELS = 224
GREY, RING, LOWEST = SHADES, SHADES + 1, SHADES + 2
COLOURS = np.concatenate(
    [ramp(PAPER, INK), np.array([ILLEGAL, MARK], dtype=np.uint8), shades(LEVELS)], dtype=np.uint8
)
# Numbers are printed in white on cells darker than this.
DARK = 380
# They are printed without shades, which a palette has on paper alone.
HALF_INK = 112


def heat_map(
    scores: np.ndarray,
    masks: np.ndarray,
    states: Sequence[str],
    visits: Sequence[int],
    actions: Sequence[str],
    kind: str,
) -> np.ndarray:
    """Return the pixels of `heat_map_picture`, uint8 (height, width, 3)."""
    return heat_map_picture(scores, masks, states, visits, actions, kind).pixels()


def heat_map_picture(
    scores: np.ndarray,
    masks: np.ndarray,
    states: Sequence[str],
    visits: Sequence[int],
    actions: Sequence[str],
    kind: str,
) -> Picture:
    """Draw scores of states (rows) and edits (columns): illegal edits grey, the best edit marked.

    Edits that are illegal in every row are left out, and, where too many remain, those whose best
    score is lowest.

    Args:
        scores: float64 (rows, n).
        masks: bool (rows, n), the legal actions; each row has one with a finite score.
        states: a text per row.
        visits: how often each row's state was visited.
        actions: the n edits in words.
        kind: what the scores are, ``"q_values"`` or ``"probabilities"``.
    """
    legal = np.where(masks & np.isfinite(scores), scores, np.nan)
    columns = _columns(legal)
    shown = legal[:, columns]
    cells = _cells(shown)
    rows = [label(_short(state)) for state in states]
    counts = [label(f"(x{count})") for count in visits]
    names = [label(actions[column]) for column in columns.tolist()]
    title = label(f"{TITLES.get(kind, kind)}. Grey: illegal. Ring: best edit of the state. (xn): visits.")
    ends = label(f"{np.nanmax(shown):.3f}"), label(f"{np.nanmin(shown):.3f}")
    left = max(row.shape[1] + count.shape[1] for row, count in zip(rows, counts, strict=True)) + 3 * GAP
    top = 2 * CELL_HEIGHT + GAP
    bottom, right = top + cells.shape[0], left + cells.shape[1]
    scale = right + 2 * GAP
    height = max(bottom, top + LEAST_SCALE) + max(name.shape[1] for name in names) + 2 * GAP
    width = max(scale + 16 + max(end.shape[1] for end in ends), title.shape[1] + GAP) + GAP
    image = np.zeros((height, width), dtype=np.uint8)
    _write(image, GAP, GAP, title)
    for number, (row, count) in enumerate(zip(rows, counts, strict=True)):
        _write(image, top + number * CELL_HEIGHT + 1, GAP, row)
        _write(image, top + number * CELL_HEIGHT + 1, 2 * GAP + row.shape[1], count)
    image[top:bottom, left:right] = cells
    wide = cells.shape[1] // len(names)
    for number, name in enumerate(names):
        _write(image, bottom + 4, left + number * wide + (wide - len(name)) // 2, name.T[::-1])
    low = max(bottom, top + LEAST_SCALE)
    image[top:low, scale : scale + 12] = (
        LOWEST + np.linspace(LEVELS - 1, 0, low - top).astype(np.uint8)[:, None]
    )
    _write(image, top - 2, scale + 16, ends[0])
    _write(image, low - line_height(), scale + 16, ends[1])
    return Picture(image, COLOURS)


def _columns(legal: np.ndarray) -> np.ndarray:
    columns = np.flatnonzero(np.isfinite(legal).any(axis=0))
    if len(columns) > MOST_COLUMNS:
        highest = np.nanmax(legal[:, columns], axis=0)
        columns = np.sort(columns[np.argsort(-highest, kind="stable")[:MOST_COLUMNS]])
    return columns


def _cells(shown: np.ndarray) -> np.ndarray:
    """Return the cells of all scores, uint8 (pixels, pixels)."""
    printed = shown.shape[1] <= PRINTED_COLUMNS
    width = WIDE if printed else NARROW
    known = np.isfinite(shown)
    fills = np.where(known, LOWEST + levels(shown, LEVELS), GREY).astype(np.uint8)
    cells = fills.repeat(CELL_HEIGHT, axis=0).repeat(width, axis=1)
    cells[CELL_HEIGHT - 1 :: CELL_HEIGHT] = 0
    cells[:, width - 1 :: width] = 0
    if printed:
        for row, column in np.argwhere(known).tolist():
            number = label(f"{shown[row, column]:.2f}") >= HALF_INK
            dark = int(COLOURS[fills[row, column]].sum()) < DARK
            y, x = row * CELL_HEIGHT + 1, column * width + (width - number.shape[1]) // 2
            cells[y : y + number.shape[0], x : x + number.shape[1]][number] = 0 if dark else SHADES - 1
    for row, column in enumerate(np.nanargmax(shown, axis=1).tolist()):
        y, x = row * CELL_HEIGHT, column * width
        cells[y : y + CELL_HEIGHT - 1, x : x + width - 1][_ring(width - 1)] = RING
    return cells


@cache
def _ring(width: int) -> np.ndarray:
    """Return which pixels of a cell the mark of the best edit is on: a frame with cut corners, bool."""
    y, x = np.mgrid[: CELL_HEIGHT - 1, :width]
    to_edge = np.minimum(np.minimum(y, CELL_HEIGHT - 2 - y), np.minimum(x, width - 1 - x))
    to_corner = np.minimum(y, CELL_HEIGHT - 2 - y) + np.minimum(x, width - 1 - x)
    return np.asarray((to_corner >= 4) & ((to_edge < 3) | (to_corner < 8)))


def _write(image: np.ndarray, y: int, x: int, ink: np.ndarray) -> None:
    """Write a label onto paper."""
    image[y : y + ink.shape[0], x : x + ink.shape[1]] = ink >> 4


def _short(text: str) -> str:
    """Return a text, without its middle if it is long: architectures differ most where last edited."""
    half = (LONGEST_LABEL - 3) // 2
    return text if len(text) <= LONGEST_LABEL else f"{text[:half]}...{text[-half:]}"
