"""What hiding the parts of examples shows: in sentences, tables, and texts coloured letter by letter."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np

from nas_gym.explain.evidence.example_names import truth_words
from nas_gym.explain.methods.attribution.hiding import NODE, SOUND, TOKEN
from nas_gym.explain.methods.attribution.occlusion import Occlusion
from nas_gym.explain.report import style
from nas_gym.explain.report.phrases import listed
from nas_gym.explain.section import Figure, Table
from nas_gym.explain.sections.network import hidden_atoms, part_names, sounds
from nas_gym.tasks import TokenInputs

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

    from nas_gym.explain.sections.network.analysis import NetworkUse

SHOWN_TEXTS, SHOWN_LETTERS = 8, 40
NAMED, LISTED = 3, 15
LEAST = 3
"""Times that a token must be there for its mean to be told."""


def words_of(use: NetworkUse) -> list[str]:
    """Return which parts it uses most, and what hiding them costs, a sentence for each kind of part."""
    if any(kind in SOUND for kind in use.hidden):
        return sounds.words_of(use)
    return [_words(use, kind, found) for kind, found in use.hidden.items()]


def _words(use: NetworkUse, kind: str, found: Occlusion) -> str:
    every, noun = _by_name(use, kind), part_names.noun_of(use.trained.task, kind)
    ranked = every[: min(NAMED, max(1, len(every) - 1))]  # that all of them are used most says nothing
    names = listed([_named(use, one[0]) for one in ranked]) if ranked else ""
    which = f"Of the {noun}s it uses {names} most" if ranked else f"No {noun} is frequent"
    sizes = (
        ""
        if not ranked
        else f" (hidden, they take {', '.join(f'{one[2]:.2f}' for one in ranked)} on average)"
    )
    return f"{which}{sizes}; {cost_of(use, found)}."


def cost_of(use: NetworkUse, found: Occlusion, noun: str = "one") -> str:
    """Return what hiding the part that matters most costs, and one at random, in a clause."""
    unless = "" if found.confirmed else ": the check does not confirm these ranks"
    return (
        f"with the {noun} that matters most hidden in each of {len(found.rows)} examples it "
        f"loses {100 * found.drop:.1f} points of {use.label}, with one at random "
        f"{100 * float(found.random.mean()):.1f}{unless}"
    )


def tables_of(use: NetworkUse) -> list[Table]:
    """Return the parts whose hiding takes most, on average, a table for each kind of part."""
    if any(kind in SOUND for kind in use.hidden):
        return sounds.tables_of(use)
    return [_table(use, kind, found) for kind, found in use.hidden.items()]


def _table(use: NetworkUse, kind: str, found: Occlusion) -> Table:
    noun = part_names.noun_of(use.trained.task, kind)
    return Table(
        f"{noun}s",
        f"{noun.capitalize()}s that are {LEAST} times or more in {len(found.rows)} validation "
        f"examples, and {change_of(use)[0]} on average where one of them is hidden, the largest first.",
        (noun, "times", "loss if hidden"),
        tuple(
            (_named(use, name), count, round(mean, 4)) for name, count, mean in _by_name(use, kind)[:LISTED]
        ),
    )


def figures_of(use: NetworkUse) -> list[Figure]:
    """Return example texts, each letter coloured by what hiding it does; of others their own figures."""
    if any(kind in SOUND for kind in use.hidden):
        return [sounds.figure_of(use)]
    if NODE in use.hidden:
        return hidden_atoms.figures_of(use.trained.task, use.hidden, change_of(use)[1])
    if TOKEN not in use.hidden or not isinstance(use.trained.task.coded, TokenInputs):
        return []
    found, names = use.hidden[TOKEN], use.trained.task.coded.vocabulary
    order = np.argsort(-np.nanmax(found.effects, axis=1), kind="stable")
    picked = np.sort(
        order[: 4 * SHOWN_TEXTS : 4][:SHOWN_TEXTS]
    )  # some where much hangs on a letter, some less
    codes = use.trained.task.x_validation[found.rows].astype(np.int64)
    limit = max(float(np.nanmax(np.abs(found.effects[picked]))), 1e-12)
    across = min(SHOWN_LETTERS, int((codes[picked] > 0).sum(axis=1).max()))

    def draw(canvas: Canvas) -> None:
        axes = canvas.add_subplot()
        colours = mpl.colormaps[style.DIVERGING]
        for row, number in enumerate(picked):
            for place in range(across):
                code, effect = int(codes[number, place]), found.effects[number, place]
                if code == 0:
                    continue
                shade = colours(0.5 if np.isnan(effect) else 0.5 + 0.5 * effect / limit)
                axes.add_patch(mpl.patches.Rectangle((place, row), 1, 1, facecolor=shade, linewidth=0))
                axes.text(
                    place + 0.5,
                    row + 0.5,
                    _shown(names[code]),
                    ha="center",
                    va="center",
                    color=style.over(shade),
                )
        axes.set_xlim(0, across)
        axes.set_ylim(len(picked), 0)
        axes.set_xticks([])
        axes.set_yticks(
            np.arange(len(picked)) + 0.5, [truth_words(use.trained.task, int(found.rows[n])) for n in picked]
        )
        axes.grid(visible=False)

    ranked = [f"{token!r} {mean:.2f}" for token, _, mean in _by_name(use, TOKEN)[:5]]
    return [
        Figure(
            "letters",
            f"Validation examples, letter by letter: the darker violet, {change_of(use)[1]} without the "
            "letter; orange where it is more.",
            f"Largest mean effects of hiding a letter: {', '.join(ranked) or 'none'}.",
            draw,
            (7.0, 0.34 * len(picked) + 0.4),
        )
    ]


def numbers_of(use: NetworkUse) -> dict[str, Any]:
    """Return every number of the above, JSON-able."""
    return {"hidden": {kind: _numbers(found) for kind, found in use.hidden.items()}} if use.hidden else {}


def _numbers(found: Occlusion) -> dict[str, Any]:
    """Return what hiding one kind of part does, each part by its place in the example."""
    return {
        "examples": found.rows.tolist(),
        "places": [np.flatnonzero(~np.isnan(row)).tolist() for row in found.effects],
        "effects": [row[~np.isnan(row)].round(6).tolist() for row in found.effects],
        "drop": found.drop,
        "random_drop": found.random.tolist(),
        "confirmed": found.confirmed,
    }


def _by_name(use: NetworkUse, kind: str) -> list[tuple[str, int, float]]:
    """Return each name that is there often enough, how often, and the mean effect, the largest first."""
    found: dict[str, list[float]] = defaultdict(list)
    measured = use.hidden[kind]
    named = part_names.labels_of(use.trained.task, kind, measured.rows)
    for labels, effects in zip(named, measured.effects.tolist(), strict=True):
        for label, effect in zip(labels, effects, strict=True):
            if not np.isnan(effect):
                found[label].append(effect)
    means = [
        (label, len(effects), float(np.mean(effects)))
        for label, effects in found.items()
        if len(effects) >= LEAST
    ]
    return sorted(means, key=lambda one: (-one[2], one[0]))


def _named(use: NetworkUse, part: str) -> str:
    """Return the name of a part in sentences and tables."""
    return repr(part) if isinstance(use.trained.task.coded, TokenInputs) else part


def change_of(use: NetworkUse) -> tuple[str, str]:
    """Return what hiding changes, in words of a table and of a figure."""
    what = {
        "classes": "the probability of its answer",
        "tokens": "the mean probability of the right tokens",
    }.get(use.trained.task.target.kind)
    if what is None:
        return "how far its answer moves", "the farther its answer moves"
    return f"how much less {what} is", f"the less {what} is"


def _shown(token: str) -> str:
    """Return a token as it is drawn: one that is not seen as a sign for it."""
    return {" ": "\N{OPEN BOX}", "\n": "\N{DOWNWARDS ARROW WITH CORNER LEFTWARDS}"}.get(token, token)
