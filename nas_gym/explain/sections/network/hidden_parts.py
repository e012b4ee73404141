"""What hiding the parts of examples shows: in a sentence, a table, and texts coloured letter by letter."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np

from nas_gym.explain.report import style
from nas_gym.explain.report.phrases import listed
from nas_gym.explain.section import Figure, Table
from nas_gym.explain.sections.network import hidden_atoms
from nas_gym.tasks import TokenInputs

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

    from nas_gym.explain.sections.network.analysis import NetworkUse

SHOWN_TEXTS, SHOWN_LETTERS = 8, 40
NAMED, LISTED = 3, 15
LEAST = 3
"""Times that a token must be there for its mean to be told."""


def words_of(use: NetworkUse) -> list[str]:
    """Return which tokens it uses most, and what hiding them costs, in a sentence."""
    if use.hidden is None:
        return []
    found, metric = use.hidden, use.label
    ranked = _by_token(use)[:NAMED]
    names = listed([_named(use, one[0]) for one in ranked]) if ranked else ""
    noun = _noun(use)
    which = f"Of the {noun}s it uses {names} most" if ranked else f"No {noun} is frequent"
    sizes = (
        ""
        if not ranked
        else f" (hidden, they take {', '.join(f'{one[2]:.2f}' for one in ranked)} on average)"
    )
    unless = "" if found.confirmed else ": the check does not confirm these ranks"
    return [
        f"{which}{sizes}; with the one that matters most hidden in each of {len(found.rows)} examples it "
        f"loses {100 * found.drop:.1f} points of {metric}, with one at random "
        f"{100 * float(found.random.mean()):.1f}{unless}."
    ]


def tables_of(use: NetworkUse) -> list[Table]:
    """Return the tokens whose hiding takes most, on average."""
    if use.hidden is None:
        return []
    return [
        Table(
            f"{_noun(use)}s",
            f"{_noun(use).capitalize()}s that are {LEAST} times or more in {len(use.hidden.rows)} validation "
            f"examples, and {_change(use)[0]} on average where one of them is hidden, the largest first.",
            (_noun(use), "times", "loss if hidden"),
            tuple(
                (_named(use, token), count, round(mean, 4)) for token, count, mean in _by_token(use)[:LISTED]
            ),
        )
    ]


def figures_of(use: NetworkUse) -> list[Figure]:
    """Return example texts, each letter coloured by what hiding it does; of molecules the atoms."""
    if use.hidden is not None and use.trained.task.inputs == "graph":
        return hidden_atoms.figures_of(use, use.hidden, _change(use)[1])
    if use.hidden is None or not isinstance(use.trained.task.coded, TokenInputs):
        return []
    found, names = use.hidden, use.trained.task.coded.vocabulary
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
        axes.set_yticks(np.arange(len(picked)) + 0.5, [_truth(use, int(found.rows[n])) for n in picked])
        axes.grid(visible=False)

    ranked = [f"{token!r} {mean:.2f}" for token, _, mean in _by_token(use)[:5]]
    return [
        Figure(
            "letters",
            f"Validation examples, letter by letter: the darker violet, {_change(use)[1]} without the "
            "letter; orange where it is more.",
            f"Largest mean effects of hiding a letter: {', '.join(ranked) or 'none'}.",
            draw,
            (7.0, 0.34 * len(picked) + 0.4),
        )
    ]


def numbers_of(use: NetworkUse) -> dict[str, Any]:
    """Return every number of the above, JSON-able."""
    if use.hidden is None:
        return {}
    found = use.hidden
    effects = found.effects.round(6).astype(object)
    effects[np.isnan(found.effects)] = None
    return {
        "hidden": {
            "examples": found.rows.tolist(),
            "effects": effects.tolist(),
            "drop": found.drop,
            "random_drop": found.random.tolist(),
            "confirmed": found.confirmed,
        }
    }


def _by_token(use: NetworkUse) -> list[tuple[str, int, float]]:
    """Return each token that is there often enough, how often, and the mean effect, the largest first."""
    if use.hidden is None:
        return []
    found: dict[str, list[float]] = defaultdict(list)
    for labels, effects in zip(_labels(use), use.hidden.effects.tolist(), strict=True):
        for label, effect in zip(labels, effects, strict=True):
            if not np.isnan(effect):
                found[label].append(effect)
    means = [
        (label, len(effects), float(np.mean(effects)))
        for label, effects in found.items()
        if len(effects) >= LEAST
    ]
    return sorted(means, key=lambda one: (-one[2], one[0]))


def _labels(use: NetworkUse) -> list[list[str]]:
    """Return what each part of each example is called."""
    assert use.hidden is not None
    task = use.trained.task
    x = task.x_validation[use.hidden.rows]
    if isinstance(task.coded, TokenInputs):
        return [[task.coded.vocabulary[int(code)] for code in row] for row in x]
    return [hidden_atoms.labels_of(task, graph) for graph in x]


def _noun(use: NetworkUse) -> str:
    """Return what a part of an example is called."""
    task = use.trained.task
    return "token" if isinstance(task.coded, TokenInputs) else hidden_atoms.noun_of(task)


def _named(use: NetworkUse, part: str) -> str:
    """Return the name of a part in sentences and tables."""
    return repr(part) if isinstance(use.trained.task.coded, TokenInputs) else part


def _change(use: NetworkUse) -> tuple[str, str]:
    """Return what hiding changes, in words of a table and of a figure."""
    what = {
        "classes": "the probability of its answer",
        "tokens": "the mean probability of the right tokens",
    }.get(use.trained.task.target.kind)
    if what is None:
        return "how far its answer moves", "the farther its answer moves"
    return f"how much less {what} is", f"the less {what} is"


def _truth(use: NetworkUse, row: int) -> str:
    """Return what is right of a validation example, where that is a class; its number elsewhere."""
    task = use.trained.task
    if task.target.kind == "classes":
        return str(task.target.names[int(task.y_validation[row])])
    return f"number {row + 1}"


def _shown(token: str) -> str:
    """Return a token as it is drawn: one that is not seen as a sign for it."""
    return {" ": "\N{OPEN BOX}", "\n": "\N{DOWNWARDS ARROW WITH CORNER LEFTWARDS}"}.get(token, token)
