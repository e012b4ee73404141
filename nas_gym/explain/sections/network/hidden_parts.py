"""What hiding the parts of examples shows: in a sentence, a table, and texts coloured letter by letter."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np

from nas_gym.explain.report import style
from nas_gym.explain.report.phrases import listed
from nas_gym.explain.section import Figure, Table
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
    names = listed([repr(one[0]) for one in ranked]) if ranked else ""
    which = f"Of the tokens it uses {names} most" if ranked else "No token is frequent"
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
            "tokens",
            f"Tokens that are {LEAST} times or more in {len(use.hidden.rows)} validation examples, and how "
            f"much less {_what(use)} is on average where one of them is hidden, the largest first.",
            ("token", "times", "loss if hidden"),
            tuple((repr(token), count, round(mean, 4)) for token, count, mean in _by_token(use)[:LISTED]),
        )
    ]


def figures_of(use: NetworkUse) -> list[Figure]:
    """Return example texts, each letter coloured by what hiding it does."""
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
            f"Validation examples, letter by letter: the darker violet, the less {_what(use)} is without the "
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
    coded = use.trained.task.coded
    if use.hidden is None or not isinstance(coded, TokenInputs):
        return []
    codes = use.trained.task.x_validation[use.hidden.rows].astype(np.int64)
    found: dict[int, list[float]] = defaultdict(list)
    for code, effect in zip(codes.ravel().tolist(), use.hidden.effects.ravel().tolist(), strict=True):
        if not np.isnan(effect):
            found[code].append(effect)
    means = [
        (coded.vocabulary[code], len(effects), float(np.mean(effects)))
        for code, effects in found.items()
        if len(effects) >= LEAST
    ]
    return sorted(means, key=lambda one: (-one[2], one[0]))


def _what(use: NetworkUse) -> str:
    """Return what hiding changes, in words."""
    return {
        "classes": "the probability of its answer",
        "tokens": "the mean probability of the right tokens",
    }.get(use.trained.task.target.kind, "the same its answer")


def _truth(use: NetworkUse, row: int) -> str:
    """Return what is right of a validation example, where that is a class; its number elsewhere."""
    task = use.trained.task
    if task.target.kind == "classes":
        return str(task.target.names[int(task.y_validation[row])])
    return f"number {row + 1}"


def _shown(token: str) -> str:
    """Return a token as it is drawn: one that is not seen as a sign for it."""
    return {" ": "\N{OPEN BOX}", "\n": "\N{DOWNWARDS ARROW WITH CORNER LEFTWARDS}"}.get(token, token)
