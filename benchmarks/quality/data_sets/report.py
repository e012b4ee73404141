"""Tables of what `compare.py` measured, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from nas_agents import friedman, holm, sign_flip_test
from scipy import stats

RESAMPLES = 10_000
SEED = 0
DIGITS = 3


def report(rows: Sequence[Mapping[str, Any]], seconds: float, methods: Sequence[str] | None = None) -> str:
    """Return the scores of methods on data sets, their ranks and the tests, as Markdown.

    Data sets and splits count that every method has finished.

    Args:
        rows: finished cells.
        seconds: time of the searches that count.
        methods: columns; None for all that are in the rows.
    """
    rows = [row for row in rows if row["seconds"] == seconds]
    methods = methods or list(dict.fromkeys(row["method"] for row in rows))
    found = {(row["data"], row["split"], row["method"]): row for row in rows}
    every = dict.fromkeys((row["data"], row["split"]) for row in rows)
    whole = [cell for cell in every if all((*cell, method) in found for method in methods)]
    if not whole:
        return "no split of a data set is finished by every method"
    splits = {data: [split for name, split in whole if name == data] for data, _ in whole}
    scores = np.array(
        [
            [np.mean([found[data, split, method]["score"] for split in its]) for method in methods]
            for data, its in splits.items()
        ]
    )
    constants = np.array(
        [
            np.mean([found[data, split, methods[0]]["constant"] for split in its])
            for data, its in splits.items()
        ]
    )
    took = [np.mean([found[(*cell, method)]["took"] for cell in whole]) for method in methods]
    return "\n\n".join(
        [
            f"{len(splits)} data sets, {_counted(splits.values())}; searches of {seconds:g} s.",
            _scores(list(splits), methods, scores),
            _ranks(methods, scores, took),
            _differences(methods, scores, constants),
        ]
    )


def _scores(data: Sequence[str], methods: Sequence[str], scores: np.ndarray) -> str:
    head = ("data set", *methods)
    shown = [[f"{score:.{DIGITS}f}" for score in row] for row in scores]
    rows = []
    for name, texts, row in zip(data, shown, scores, strict=True):
        best = texts[int(row.argmax())]
        rows.append((name, *(f"**{text}**" if text == best else text for text in texts)))
    return _table(head, rows)


def _ranks(methods: Sequence[str], scores: np.ndarray, took: Sequence[float]) -> str:
    ranks = stats.rankdata(-np.round(scores, DIGITS + 1), axis=1)
    rng = np.random.default_rng(SEED)
    drawn = ranks[rng.integers(len(ranks), size=(RESAMPLES, len(ranks)))].mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    mean = ranks.mean(axis=0)
    rows = [
        (methods[place], f"{mean[place]:.2f} [{low[place]:.2f}, {high[place]:.2f}]", f"{took[place]:.1f}")
        for place in np.argsort(mean)
    ]
    said = ""
    if len(methods) > 2 and len(scores) > 1:
        count, sets = len(methods), len(scores)
        width = stats.studentized_range.ppf(0.95, count, np.inf) / np.sqrt(2)
        critical = width * np.sqrt(count * (count + 1) / (6 * sets))
        said = (
            f"\n\nFriedman test: p = {friedman(scores):.2g}; by Nemenyi's test mean ranks differ from "
            f"{critical:.2f} on."
        )
    return _table(("method", "mean rank [95% interval over data sets]", "seconds"), rows) + said


def _differences(methods: Sequence[str], scores: np.ndarray, constants: np.ndarray) -> str:
    """Return what the first method has over each other one, in scores above the best constant answer."""
    above = (scores - constants[:, None]) / (1 - constants[:, None])
    others, ours = list(range(1, len(methods))), scores[:, 0]
    if not others or len(scores) < 2:
        return ""
    tests = [sign_flip_test(above[:, 0] - above[:, other], SEED) for other in others]
    corrected = holm([test.p for test in tests])
    rows = [
        (
            methods[other],
            f"{test.difference:+.3f}",
            f"{int((ours > scores[:, other]).sum())} : {int((ours < scores[:, other]).sum())}",
            f"{test.p:.3f}",
            f"{adjusted:.3f}",
        )
        for other, test, adjusted in zip(others, tests, corrected, strict=True)
    ]
    head = (
        f"{methods[0]} beside",
        "difference of scores above the constant answer",
        "won : lost",
        "p",
        "p (Holm)",
    )
    return _table(head, rows)


def _counted(splits: Iterable[Sequence[int]]) -> str:
    low, *_, high = [*sorted({len(each) for each in splits}) * 2]
    return f"{low} split{'s' * (low > 1)} each" if low == high else f"{low} to {high} splits each"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(each) + " |" for each in (head, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]])
