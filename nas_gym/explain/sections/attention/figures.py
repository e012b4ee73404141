"""Figures of what a policy looks at: the share of each part, and the parts of single states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from nas_gym.explain.report import style
from nas_gym.explain.report.phrases import listed, percent
from nas_gym.explain.section import Figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

    from nas_gym.explain.methods.attribution.policy_preferences import PolicyAttributions

MOST_BARS = 16
MOST_ROWS = 10
LONGEST, SHORTEST = 46, 24


def shares_figure(names: Sequence[str], shares: np.ndarray) -> Figure:
    """Return the share of each part in the attributions."""
    order = np.argsort(-shares, kind="stable")[:MOST_BARS]
    told = listed([f"{names[part]} {percent(shares[part])}" for part in order[:3]])
    return Figure(
        "parts",
        "How much each part of the state contributes to the preference for the best edit, for or against it, "
        "in the states that the policy visits most.",
        f"The largest shares: {told}.",
        lambda canvas: _draw_shares(canvas, [names[part] for part in order], shares[order]),
        (6.4, 1.0 + 0.3 * len(order)),
        1.0 + 0.34 * len(order),
    )


def _draw_shares(canvas: Canvas, names: list[str], shares: np.ndarray) -> None:
    axes = canvas.add_subplot()
    places = range(len(names))
    axes.barh(places, shares, color=style.colour(0))
    for place, share in zip(places, shares.tolist(), strict=True):
        axes.text(share, place, f" {percent(share)}", va="center", fontsize=9, color=style.ink())
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.set_xlim(0, max(0.01, 1.18 * float(shares.max(initial=0.0))))
    axes.set_xticks([])
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)


def states_figure(found: PolicyAttributions) -> Figure:
    """Return the contribution of each part in the states visited most."""
    rows = min(MOST_ROWS, len(found.states))
    return Figure(
        "states",
        "What each part of the state (columns) adds to the preference for the edit that is written under "
        "the state, in the states that the policy visits most: one colour speaks for the edit, the other "
        "against.",
        f"{rows} states and {len(found.names)} parts; the numbers are in the table.",
        lambda canvas: _draw_states(canvas, found, rows),
        (7.4, 1.5 + 0.42 * rows),
        1.8 + 0.42 * rows,
    )


def _draw_states(canvas: Canvas, found: PolicyAttributions, rows: int) -> None:
    axes = canvas.add_subplot()
    values = found.values[:rows]
    most = max(1e-12, float(np.abs(values).max()))
    image = axes.imshow(values, cmap=style.DIVERGING, vmin=-most, vmax=most, aspect="auto")
    axes.set_xticks(range(len(found.names)), list(found.names), rotation=35, ha="right")
    letters = SHORTEST if style.is_narrow(canvas) else LONGEST
    labels = [
        f"{_short(state.key, letters)}\n{_short(edit, letters)}{'' if reliable else ' (unreliable)'}"
        for state, edit, reliable in zip(found.states, found.edits, found.reliable, strict=True)
    ]
    axes.set_yticks(range(rows), labels[:rows], fontsize=6 if style.is_narrow(canvas) else 7.5)
    axes.grid(visible=False)
    bar = canvas.colorbar(image, ax=axes, fraction=0.04, pad=0.02)
    bar.set_label("adds to the preference")


def _short(text: str, letters: int) -> str:
    return text if len(text) <= letters else f"{text[: letters - 1]}…"
