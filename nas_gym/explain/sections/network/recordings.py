"""What a network uses of a recording: when, and in which band of frequencies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nas_gym.explain.report import style
from nas_gym.explain.report.labels import labels, note_whole
from nas_gym.explain.section import Figure
from nas_gym.tasks import LogMelForm

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

    from nas_gym.explain.sections.network.analysis import NetworkUse

NAME_LETTERS, MOST_OUTPUTS, NARROW = 10, 10, 5
HALF = 0.5
"""Share of the attribution that the frames and bands named in a sentence have."""


def form_of_frames(use: NetworkUse) -> LogMelForm | None:
    """Return the form of recordings as frames; None where examples are something else."""
    files = use.trained.task.files
    return files if isinstance(files, LogMelForm) else None


def recordings(use: NetworkUse, form: LogMelForm) -> Figure:
    """Return maps of time and frequency, one for each explained output."""
    assert use.inputs is not None
    names, found = use.trained.task.target.names, use.inputs
    count = min(len(found.by_output), MOST_OUTPUTS)
    maps = np.nan_to_num(found.by_output[:count])
    x, explained = use.trained.task.x_validation, use.answers.explained
    heard = [
        x[explained == number].mean(0) if (explained == number).any() else 0 * maps[0]
        for number in range(count)
    ]
    titles = labels(names[:count], NAME_LETTERS)

    def draw(canvas: Canvas) -> None:
        across = min(count, NARROW) if style.is_narrow(canvas) else count
        grid = canvas.subplots(2 * -(-count // across), across, squeeze=False)
        for row, (title, shown) in enumerate((("mean, Hz", heard), ("attribution, Hz", maps))):
            places = np.concatenate(grid[row::2])
            for axes in places[count:]:
                axes.set_axis_off()
            for place, (axes, spectrum) in enumerate(zip(places, shown, strict=False)):
                axes.imshow(
                    spectrum,
                    cmap=style.SEQUENTIAL if row else "gray",
                    interpolation="nearest",
                    origin="lower",
                    aspect="auto",
                )
                axes.grid(visible=False)
                _name_axes(axes, form, title if place % across == 0 else "", last=row == 1)
                if row == 0:
                    head = axes.set_title(titles[place], loc="center", fontsize=9, fontweight="normal")
                    note_whole(head, names[place])

    noun = use.answers.noun
    of_each = f" of each {noun}" if count > 1 else ""
    return Figure(
        "recordings",
        f"When and in which frequencies the network listens in validation recordings{of_each}: above their "
        "mean energy, below mean absolute attribution (integrated gradients); across is time, up is "
        "frequency in equal steps of the mel scale, lighter is more.",
        f"{listened(use, form)}.",
        draw,
        (max(2.5, 0.85 * count + 1.0), 3.2),
        0.4 + 2.6 * -(-count // NARROW),
    )


def listened(use: NetworkUse, form: LogMelForm) -> str:
    """Return when and in which frequencies the network listens most, in words."""
    assert use.inputs is not None
    importance = np.nan_to_num(use.inputs.importance)
    total = max(float(importance.sum()), 1e-300)
    first, last, in_time = shortest(importance.sum(0) / total)
    low, high, in_bands = shortest(importance.sum(1) / total)
    seconds = form.hop / form.rate
    frequencies = form.frequencies()
    return (
        f"Of a recording of {form.length / form.rate:.2f} seconds it listens most from "
        f"{first * seconds:.2f} to {min(form.length / form.rate, (last + 1) * seconds):.2f} seconds, which "
        f"has {in_time:.0%} of the attribution, and most between {frequencies[low]:,.0f} and "
        f"{frequencies[high]:,.0f} Hz, which has {in_bands:.0%}"
    )


def shortest(shares: np.ndarray) -> tuple[int, int, float]:
    """Return the shortest run of places that has at least half of the whole: its ends, and what it has."""
    sums = np.concatenate([[0.0], np.cumsum(shares)])
    for length in range(1, len(shares)):
        held = sums[length:] - sums[:-length]
        start = int(held.argmax())
        if held[start] >= HALF:
            return start, start + length - 1, float(held[start])
    return 0, len(shares) - 1, float(sums[-1])


def _name_axes(axes: Axes, form: LogMelForm, title: str, last: bool) -> None:
    """Write seconds along the frames below the last row, and frequencies along the bands at its left end."""
    bands, frames = form.shape
    axes.set_xticks([0, frames - 1], ["0", f"{form.length / form.rate:.1f} s"] if last else ["", ""])
    places = [0, (bands - 1) // 2, bands - 1]
    shown = [f"{form.frequencies()[place]:,.0f}" for place in places] if title else [""] * len(places)
    axes.set_yticks(places, shown)
    axes.set_ylabel(title)
