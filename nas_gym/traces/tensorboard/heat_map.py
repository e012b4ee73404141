"""The policy as a heat map: edits against the most visited states, as wide as TensorBoard shows pictures.

It is put together as an array of palette indices, since a run draws it at every snapshot.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from nas_gym.traces.tensorboard.colours import levels, shades
from nas_gym.traces.tensorboard.picture import (
    SHADES,
    SHOWN_WIDTH,
    Picture,
    fitted,
    label,
    line_height,
    ramp,
)

MOST_STATES, MOST_EDITS = 5, 14
CELL_HEIGHT, WIDEST_CELL, GAP = 17, 44, 8
WIDEST_EDIT = 188
PAPER, INK, ILLEGAL, MARK = (255, 255, 255), (31, 41, 51), (201, 206, 212), (217, 72, 15)
TITLES = {"q_values": "Q-values", "probabilities": "Action probabilities"}
KEY = "Yellow: high. Violet: low. Grey: illegal. Ring: best."
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
    """Draw scores of edits (rows) in states (columns): illegal edits grey, the best edit marked.

    States are numbered, and named with their visits below. Edits that are illegal in every state are
    left out, and, where more than `MOST_EDITS` remain, those that rank lowest where they rank highest.

    Args:
        scores: float64 (states, n).
        masks: bool (states, n), the legal actions; each row has one with a finite score.
        states: a text per state.
        visits: how often each state was visited.
        actions: the n edits in words.
        kind: what the scores are, ``"q_values"`` or ``"probabilities"``.
    """
    legal = np.where(masks & np.isfinite(scores), scores, np.nan)
    edits = heat_map_edits(legal)
    names = [fitted(actions[edit], WIDEST_EDIT) for edit in edits.tolist()]
    left = max(name.shape[1] for name in names) + 2 * GAP
    cell = min(WIDEST_CELL, (SHOWN_WIDTH - left - GAP) // len(states))
    cells = _cells(legal[:, edits].T, cell)
    row = line_height()
    top = 2 * GAP + 3 * row
    below = top + cells.shape[0] + GAP
    image = np.zeros((below + len(states) * row + GAP, SHOWN_WIDTH), dtype=np.uint8)
    _write(image, GAP, GAP, label(f"{TITLES.get(kind, kind)} of edits in {len(states)} states, see below"))
    _write(image, GAP + row, GAP, label(KEY))
    for number in range(len(states)):
        mark = label(str(number + 1))
        _write(image, top - row, left + number * cell + (cell - mark.shape[1]) // 2, mark)
    for number, name in enumerate(names):
        _write(image, top + number * CELL_HEIGHT + 1, GAP, name)
    image[top : top + cells.shape[0], left : left + cells.shape[1]] = cells
    for number, (state, count) in enumerate(zip(states, visits, strict=True)):
        line, visited = below + number * row, label(f"visits: {count}")
        mark = label(f"{number + 1}")
        _write(image, line, GAP, mark)
        _write(image, line, 3 * GAP, fitted(state, SHOWN_WIDTH - 5 * GAP - visited.shape[1]))
        _write(image, line, SHOWN_WIDTH - GAP - visited.shape[1], visited)
    return Picture(image, COLOURS)


def heat_map_edits(legal: np.ndarray) -> np.ndarray:
    """Return which edits are shown, in their order.

    Args:
        legal: float64 (states, n), nan where an edit is illegal.
    """
    some = np.flatnonzero(np.isfinite(legal).any(axis=0))
    if len(some) <= MOST_EDITS:
        return some
    falling = np.argsort(-np.nan_to_num(legal[:, some], nan=-np.inf), axis=1, kind="stable")
    ranks = np.empty_like(falling)
    np.put_along_axis(ranks, falling, np.arange(len(some))[None], axis=1)
    return np.asarray(np.sort(some[np.argsort(ranks.min(axis=0), kind="stable")[:MOST_EDITS]]))


def _cells(shown: np.ndarray, width: int) -> np.ndarray:
    """Return the cells of all scores, uint8 (pixels, pixels).

    Args:
        shown: float64 (edits, states), nan where illegal.
        width: pixels of a cell.
    """
    known = np.isfinite(shown)
    fills = np.where(known, LOWEST + levels(shown, LEVELS), GREY).astype(np.uint8)
    cells = fills.repeat(CELL_HEIGHT, axis=0).repeat(width, axis=1)
    cells[CELL_HEIGHT - 1 :: CELL_HEIGHT] = 0
    cells[:, width - 1 :: width] = 0
    best = np.nanargmax(np.where(known.any(axis=0), shown, 0.0), axis=0)
    for column, row in enumerate(best.tolist()):
        y, x = row * CELL_HEIGHT, column * width
        cells[y : y + CELL_HEIGHT - 1, x : x + width - 1][_ring(width - 1)] = RING
    for row, column in np.argwhere(known).tolist():
        number = _number(float(shown[row, column]), width - 5) >= HALF_INK
        dark = int(COLOURS[fills[row, column]].sum()) < DARK
        y, x = row * CELL_HEIGHT + 1, column * width + (width - number.shape[1]) // 2
        cells[y : y + number.shape[0], x : x + number.shape[1]][number] = 0 if dark else SHADES - 1
    return cells


def _number(value: float, width: int) -> np.ndarray:
    """Render a number with as many of two decimals as there is room for; nothing if there is no room."""
    for decimals in (2, 1, 0):
        text = f"{value:.{decimals}f}"
        text = text.removeprefix("-") if float(text) == 0 else text
        for shorter in (text, text.replace("0.", ".", 1) if abs(value) < 1 and decimals else text):
            if (shown := label(shorter)).shape[1] <= width:
                return shown
    return label("")


@cache
def _ring(width: int) -> np.ndarray:
    """Return which pixels of a cell the mark of the best edit is on: a frame with cut corners, bool."""
    y, x = np.mgrid[: CELL_HEIGHT - 1, :width]
    to_edge = np.minimum(np.minimum(y, CELL_HEIGHT - 2 - y), np.minimum(x, width - 1 - x))
    to_corner = np.minimum(y, CELL_HEIGHT - 2 - y) + np.minimum(x, width - 1 - x)
    return np.asarray((to_corner >= 4) & ((to_edge < 2) | (to_corner < 6)))


def _write(image: np.ndarray, y: int, x: int, ink: np.ndarray) -> None:
    """Write a label onto paper."""
    image[y : y + ink.shape[0], x : x + ink.shape[1]] = ink >> 4
