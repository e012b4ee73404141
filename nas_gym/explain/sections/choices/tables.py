"""Report tables of the importance of choices, and the words that they share with the sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nas_gym.explain.methods.anova.importance import Importance, Importances
from nas_gym.explain.report.phrases import deviation_in_points
from nas_gym.explain.section import Cell, Table

if TYPE_CHECKING:
    from nas_gym.explain.sections.choices.analysis import Findings

PAIRS_SHOWN = 20
OF_TABLE = ("whole table", "p, whole table")


def best_and_worst(one: Importance) -> tuple[int, int]:
    """Return the cells of the highest and of the lowest effect."""
    present = np.flatnonzero(one.component.share > 0)
    effects = one.effects[present]
    return int(present[effects.argmax()]), int(present[effects.argmin()])


def is_motif(one: Importance) -> bool:
    """Return whether a pair is of two edges of a cell, one of which goes on where the other ends."""
    ends = [variable.position for variable in one.component.variables if variable.group == "edge"]
    return len(ends) == 2 and (ends[0][-1] == ends[1][0] or ends[1][-1] == ends[0][0])


def cell_words(one: Importance, cell: int) -> str:
    """Return a combination of values in words: ``"depth 3 with layer 2 activation tanh"``."""
    parts = [
        f"{name} {word}" for name, word in zip(one.component.names, one.component.words[cell], strict=True)
    ]
    return (" followed by " if is_motif(one) else " with ").join(parts)


def choices_table(found: Findings) -> Table:
    """Return the importance of each choice."""
    exact = {} if found.table is None else {one.name: one for one in found.table.choices}
    columns = [
        "choice",
        "spread (points)",
        "from",
        "to",
        "p",
        "best value",
        "worst value",
        "evaluations",
        "note",
    ]
    rows: list[tuple[Cell, ...]] = []
    for one in found.estimated.choices:
        words = (
            [one.component.words[cell][0] for cell in best_and_worst(one)]
            if one.value is not None
            else [None] * 2
        )
        row: list[Cell] = [one.name, *_numbers_of(one), _p(one), *words, int(one.visits.sum()), one.why]
        rows.append((*row[:4], *_of_table(exact.get(one.name)), *row[4:]) if exact else tuple(row))
    if exact:
        columns[4:4] = OF_TABLE
    return Table(
        "choices",
        f"How much mean {found.label} differs between the values of each choice: its standard deviation, "
        "corrected for noise (below 0 where chance alone would give more), with its 95% interval; p, by "
        "permutation within depth, is adjusted for the test of all choices.",
        tuple(columns),
        tuple(rows),
    )


def values_table(found: Importances, label: str) -> Table:
    """Return the effect of each value of each choice."""
    rows: list[tuple[Cell, ...]] = []
    for one in found.choices:
        if one.value is None:
            continue
        for cell in np.argsort(-one.effects):
            if one.component.share[cell] > 0:
                effect, error = 100 * float(one.effects[cell]), 100 * float(one.errors[cell])
                word = one.component.words[cell][0]
                rows.append((one.name, word, round(effect, 2), round(error, 2), int(one.visits[cell])))
    return Table(
        "values",
        f"The mean {label} of each value of each choice, as a difference to the mean over its values.",
        ("choice", "value", "effect (points)", "standard error", "evaluations"),
        tuple(rows),
    )


def pairs_table(found: Findings) -> Table:
    """Return the interaction of each pair of choices."""
    exact = {} if found.table is None else {one.name: one for one in found.table.pairs}
    columns = [
        "pair",
        "kind",
        "spread (points)",
        "from",
        "to",
        "p",
        "strongest combination",
        "effect (points)",
    ]
    rows: list[tuple[Cell, ...]] = []
    for one in found.estimated.pairs[:PAIRS_SHOWN]:
        cell = int(np.argmax(np.abs(one.effects)))
        kind = "motif" if is_motif(one) else "pair"
        row: list[Cell] = [one.name, kind, *_numbers_of(one), _p(one), cell_words(one, cell)]
        row.append(round(100 * float(one.effects[cell]), 2))
        rows.append((*row[:5], *_of_table(exact.get(one.name)), *row[5:]) if exact else tuple(row))
    if exact:
        columns[5:5] = OF_TABLE
    return Table(
        "pairs",
        "What two choices do together beyond what each does on its own, the pairs with the most evidence "
        "first. A motif is a pair of connected operations of a cell. Pairs without numbers are not "
        "determined by the run's evaluations. The effect of a combination is drawn towards 0 where its "
        "evaluations are few.",
        tuple(columns),
        tuple(rows),
    )


def _numbers_of(one: Importance) -> list[Cell]:
    return [_rounded(deviation_in_points(each)) for each in (one.value, one.low, one.high)]


def _of_table(one: Importance | None) -> list[Cell]:
    return [None, None] if one is None else [_rounded(deviation_in_points(one.value)), _p(one)]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _p(one: Importance) -> float | None:
    return None if one.p is None else round(one.p, 4)
