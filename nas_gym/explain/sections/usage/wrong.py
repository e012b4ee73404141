"""The validation examples that a network is most wrong on, as rows that a user can find in the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from nas_gym.explain.evidence.example_names import (
    example_cell,
    example_head,
    example_words,
    examples_are,
)
from nas_gym.explain.evidence.network import TrainedNetwork
from nas_gym.explain.methods.attribution.residuals import largest_errors
from nas_gym.explain.methods.attribution.score_drop import outputs_of
from nas_gym.explain.methods.attribution.token_rows import taken, token_row
from nas_gym.explain.report.phrases import percent, quantity
from nas_gym.explain.section import Cell, Table
from nas_gym.tasks import Classes, Labels, Task, TextForm, Tokens, Values

WORST = 8
"""Examples that are listed."""
DESCRIBED_BY = 6
"""Features of a table that an example is described by, so that its row can be found."""


@dataclass(frozen=True)
class Wrong:
    """The examples that a network is most wrong on.

    Attributes:
        words: a sentence on them.
        table: a row each; None where it is wrong on none.
    """

    words: str
    table: Table | None


def most_wrong(trained: TrainedNetwork) -> Wrong | None:
    """Return the validation examples that a network is most wrong on; None of a target without such."""
    task = trained.task
    outputs = outputs_of(trained.module, task.x_validation)
    if task.target.kind == Classes.kind:
        return _classes(task, outputs)
    if task.target.kind == Labels.kind:
        return _labels(task, outputs)
    if task.target.kind == Tokens.kind:
        return _tokens(task, outputs)
    return _values(task, outputs) if task.target.kind == Values.kind else None


def _tokens(task: Task, outputs: np.ndarray) -> Wrong:
    answers = taken(task, outputs)
    asked = task.y_validation >= 0
    wrong = ((answers != task.y_validation) & asked).sum(axis=1)
    order = np.argsort(-wrong / np.maximum(asked.sum(axis=1), 1), kind="stable")[:WORST]
    cells = [token_row(task, answers, row) for row in order.tolist()]
    words = (
        f"All tokens are right in {(wrong == 0).sum():,} of {len(wrong):,} validation examples; it is most "
        f"wrong on {example_words(task, int(order[0]))}, where it answers {cells[0][1]!r} and "
        f"{cells[0][0]!r} is right."
    )
    return Wrong(words, _table(task, order, ("right", "answer", "right tokens"), cells))


def _classes(task: Task, outputs: np.ndarray) -> Wrong:
    probabilities = torch.tensor(outputs).softmax(1).numpy()
    truth, answers, rows = task.y_validation, probabilities.argmax(1), np.arange(len(outputs))
    wrong = rows[answers != truth]
    # The surest mistakes are the most wrong ones.
    order = wrong[np.argsort(-probabilities[wrong, answers[wrong]], kind="stable")]
    count = f"{len(task.y_validation):,} validation examples"
    if not len(order):
        return Wrong(f"It is wrong on none of the {count}.", None)
    names = task.target.names
    worst, sure = order[0], probabilities[order[0], answers[order[0]]]
    words = (
        f"It is wrong on {len(order):,} of {count}, most on {example_words(task, int(worst))}: it says "
        f"{names[answers[worst]]} with a probability of {percent(float(sure))} where {names[truth[worst]]} "
        "is true."
    )
    cells = [
        (names[truth[row]], names[answers[row]], _rounded(float(probabilities[row, answers[row]])))
        for row in order[:WORST]
    ]
    heads, shown = ("true", "answer", "its probability"), order[:WORST]
    if isinstance(task.files, TextForm):  # a text says more than its number
        texts = task.files.texts(task.x_validation[shown])
        told = [(text, *cell) for text, cell in zip(texts, cells, strict=True)]
        return Wrong(words, _table(task, shown, ("text", *heads), told))
    return Wrong(words, _table(task, shown, heads, cells))


def _labels(task: Task, outputs: np.ndarray) -> Wrong:
    """Return the examples whose surest wrong answer on a label is surest, with all labels that are wrong."""
    names, truth, answers = task.target.names, task.y_validation > 0, outputs > 0
    off = np.where(answers != truth, np.abs(outputs), -1.0)
    wrong = np.flatnonzero((answers != truth).any(axis=1))
    order = wrong[np.argsort(-off[wrong].max(axis=1), kind="stable")]
    count = f"{len(truth):,} validation examples"
    if not len(order):
        return Wrong(f"It is right on every label of all {count}.", None)
    probabilities = task.target.answers(outputs)
    worst, label = int(order[0]), int(off[order[0]].argmax())
    stated = percent(float(probabilities[worst, label]))
    has = "has it" if truth[worst, label] else "does not have it"
    words = (
        f"It is wrong on some label of {len(order):,} of {count}, most on {example_words(task, worst)}: it "
        f"gives {names[label]} a probability of {stated}, and the example {has}."
    )
    cells: list[tuple[Cell, ...]] = []
    for row in order[:WORST].tolist():
        lacks, adds = truth[row] & ~answers[row], answers[row] & ~truth[row]
        surest = int(off[row].argmax())
        probability = _rounded(float(probabilities[row, surest]))
        shown = (_named(names, which) for which in (truth[row], lacks, adds))
        cells.append((*shown, names[surest], probability))
    heads = ("has", "not found", "given wrongly", "most wrong on", "its probability")
    return Wrong(words, _table(task, order[:WORST], heads, cells))


def _named(names: Sequence[str], which: np.ndarray) -> str:
    """Return the names of some labels, with commas between."""
    return ", ".join(name for name, there in zip(names, which.tolist(), strict=True) if there)


def _values(task: Task, outputs: np.ndarray) -> Wrong:
    raw = task.x_validation * task.scale + task.mean
    answers = task.target.answers_to(outputs, raw)
    truth = task.target.answers_to(task.y_validation.astype(np.float64), raw)
    worst = largest_errors(outputs, task.y_validation, WORST)
    names, (example, value) = task.target.names, worst[0]
    words = (
        f"Of {len(outputs):,} validation examples it is most wrong on {example_words(task, example)}: it "
        f"says {quantity(answers[example, value])} where the true {names[value]} is "
        f"{quantity(truth[example, value])}."
    )
    numbers = [(row, column, float(truth[row, column]), float(answers[row, column])) for row, column in worst]
    several = len(names) > 1
    cells = [
        (*((names[column],) if several else ()), _rounded(true), _rounded(answer), _rounded(answer - true))
        for _, column, true, answer in numbers
    ]
    heads = (*(("value",) if several else ()), "true", "answer", "error")
    return Wrong(words, _table(task, [row for row, _ in worst], heads, cells))


def _table(
    task: Task, rows: Sequence[int] | np.ndarray, heads: Sequence[str], cells: Sequence[tuple[Cell, ...]]
) -> Table:
    names = task.feature_names[:DESCRIBED_BY]
    described = ", with the first features of each" if names else ""
    own = [
        tuple(_rounded(value) for value in (task.x_validation[row] * task.scale + task.mean).ravel().tolist())
        for row in rows
    ]
    return Table(
        "most_wrong",
        f"The validation examples that it is most wrong on, the worst first{described}; "
        f"{examples_are(task)}.",
        (example_head(task), *heads, *names),
        tuple(
            (example_cell(task, int(row)), *cell, *values[: len(names)])
            for row, cell, values in zip(rows, cells, own, strict=True)
        ),
    )


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
