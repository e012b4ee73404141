"""What hiding stretches of time and bands of frequencies of a long signal shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nas_gym.explain.methods.attribution.hiding import BAND, STRETCH
from nas_gym.explain.methods.attribution.sound_parts import SoundParts, sound_parts
from nas_gym.explain.report import style
from nas_gym.explain.report.labels import name_ticks
from nas_gym.explain.section import Figure, Table
from nas_gym.explain.sections.network import hidden_parts
from nas_gym.explain.sections.network.recordings import shortest

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

    from nas_gym.explain.sections.network.analysis import NetworkUse

MOST_OUTPUTS = 10


def words_of(use: NetworkUse) -> list[str]:
    """Return when, and in which frequencies, it listens most, and what hiding that costs."""
    parts = _parts(use)
    long = f"{parts.length:,} points" if parts.rate is None else f"{parts.length / parts.rate:.2f} seconds"
    said = []
    for kind, of in ((STRETCH, f"Of a signal of {long} it"), (BAND, "It")):
        if kind not in use.hidden:
            continue
        found = use.hidden[kind]
        along = np.clip(found.mean_effects(), 0, None)
        cost = hidden_parts.cost_of(use, found, kind)
        if not along.any():
            said.append(f"{of} loses nothing of its answers without any one {kind}; {cost}.")
            continue
        first, last, share = shortest(along / along.sum())
        said.append(
            f"{of} listens most {_between(parts, kind, first, last)}, which has {share:.0%} of what hiding "
            f"one {kind} after another takes; {cost}."
        )
    return said


def tables_of(use: NetworkUse) -> list[Table]:
    """Return what hiding each stretch and each band takes, in their order."""
    parts, tables = _parts(use), []
    for kind in (STRETCH, BAND):
        if kind not in use.hidden:
            continue
        effects = use.hidden[kind].effects
        rows = tuple(
            (
                _between(parts, kind, place, place),
                int((~np.isnan(column)).sum()),
                round(float(np.nanmean(column)), 4) if (~np.isnan(column)).any() else None,
            )
            for place, column in enumerate(effects.T)
        )
        what = f"{hidden_parts.change_of(use)[0]} on average where it is hidden"
        how = "silent" if kind == STRETCH else "filtered out"
        caption = f"Each {kind} of {len(effects)} validation examples, and {what}, that is {how}."
        name = "stretches" if kind == STRETCH else "bands"
        tables.append(Table(name, caption, (kind, "times", "loss if hidden"), rows))
    return tables


def figure_of(use: NetworkUse) -> Figure:
    """Return what hiding each stretch and each band takes, over all examples and for each output."""
    parts, task, noun = _parts(use), use.trained.task, use.answers.noun
    kinds = [kind for kind in (STRETCH, BAND) if kind in use.hidden]
    names = task.target.names[:MOST_OUTPUTS]
    several = len(names) > 1 and task.target.kind == "classes"
    wholes = {kind: use.hidden[kind].mean_effects() for kind in kinds}

    def draw(canvas: Canvas) -> None:
        rows, columns = 1 + several, len(kinds)
        if style.is_narrow(canvas):
            rows, columns = rows * columns, 1
        ratios = ((1.0, 1.4)[: 1 + several] * len(kinds))[:rows]
        grid = canvas.subplots(rows, columns, squeeze=False, height_ratios=ratios)
        panels = grid.T.reshape(len(kinds), -1)
        for (top, *below), kind in zip(panels, kinds, strict=True):
            places = np.arange(len(wholes[kind]))
            top.bar(places, wholes[kind], width=0.9, color=style.colour(0))
            top.axhline(0, color=style.muted(), linewidth=0.8)
            bottom = below[0] if below else top
            if below:
                maps = _by_output(use, kind, len(names))
                bottom.imshow(maps, aspect="auto", interpolation="nearest", cmap=style.SEQUENTIAL)
                bottom.grid(visible=False)
                if kind == STRETCH or style.is_narrow(canvas):
                    name_ticks(bottom.yaxis, names)
                else:
                    bottom.set_yticks([])
                top.set_xticks([])
            ticks = np.unique(np.linspace(0, len(places) - 1, 5).round().astype(int))
            bottom.set_xticks(ticks, [_start(parts, kind, int(place)) for place in ticks])
            top.set_xlim(-0.5, len(places) - 0.5)
            bottom.set_xlabel(_axis(parts, kind))
            top.set_title("without a stretch of time" if kind == STRETCH else "without a band", fontsize=9)

    below = f", below for each {noun}, lighter for more" if several else ""
    peaks = [_between(parts, kind, *2 * [int(wholes[kind].argmax())]) for kind in kinds]
    bands = " or a band of frequencies" if len(kinds) > 1 else ""
    return Figure(
        "sounds",
        f"Validation signals with one short stretch of time{bands} hidden: "
        f"{hidden_parts.change_of(use)[0]}, above over all examples{below}.",
        f"Hiding takes most {' and '.join(peaks)}.",
        draw,
        (7.0, 3.6 if several else 2.2),
        (3.6 if several else 2.2) * len(kinds),
    )


def _parts(use: NetworkUse) -> SoundParts:
    parts = sound_parts(use.trained.task)
    assert parts is not None
    return parts


def _by_output(use: NetworkUse, kind: str, count: int) -> np.ndarray:
    """Return the mean effect of each place for each output, float64 (outputs, places); 0 where none is."""
    found = use.hidden[kind]
    explained = use.answers.explained[found.rows]
    return np.stack([found.mean_effects(explained == number) for number in range(count)])


def _between(parts: SoundParts, kind: str, first: int, last: int) -> str:
    """Return where some neighbours are: ``"from 0.10 to 0.35 seconds"``, ``"between 300 and 1,200 Hz"``."""
    if kind == BAND:
        return f"between {parts.bands[first][0]:,.0f} and {parts.bands[last][1]:,.0f} Hz"
    start, end = parts.stretches[first][0], parts.stretches[last][1]
    if parts.rate is None:
        return f"at points {start + 1:,} to {end:,}"
    return f"from {start / parts.rate:.{_digits(parts)}f} to {end / parts.rate:.{_digits(parts)}f} seconds"


def _digits(parts: SoundParts) -> int:
    """Return the decimals that tell neighbouring stretches apart, in seconds."""
    assert parts.rate is not None
    seconds = (parts.stretches[0][1] - parts.stretches[0][0]) / parts.rate
    return max(2, -int(np.floor(np.log10(seconds))))


def _start(parts: SoundParts, kind: str, place: int) -> str:
    """Return the lower end of a place, at an axis."""
    if kind == BAND:
        return f"{parts.bands[place][0]:,.0f}"
    start = parts.stretches[place][0]
    return f"{start + 1:,}" if parts.rate is None else f"{start / parts.rate:.2f}"


def _axis(parts: SoundParts, kind: str) -> str:
    if kind == BAND:
        return "band from, Hz"
    return "stretch from point" if parts.rate is None else "stretch from, seconds"
