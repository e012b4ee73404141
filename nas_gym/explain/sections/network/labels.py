"""Answers that are several labels: how well each is found, and the examples that it is most wrong on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import binomtest

from nas_gym.explain.evidence.example_names import example_cell, example_head, examples_are
from nas_gym.explain.report import style
from nas_gym.explain.report.labels import name_ticks
from nas_gym.explain.report.phrases import listed
from nas_gym.explain.section import Cell, Figure, Table
from nas_gym.explain.sections.network.answers import Answers
from nas_gym.tasks import Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure as Canvas

NAMED = 3
WORST = 10
MOST_SHOWN = 20
"""Labels that the figure shows, the worst ones."""


@dataclass(frozen=True)
class LabelScore:
    """How well a label is found.

    Attributes:
        name: its name.
        examples: examples that have it.
        answered: examples that the network gives it.
        right: examples of both.
    """

    name: str
    examples: int
    answered: int
    right: int

    @property
    def precision(self) -> float | None:
        """Share of the answers that are right; None where there are none."""
        return self.right / self.answered if self.answered else None

    @property
    def recall(self) -> float | None:
        """Share of its examples that are found; None where there are none."""
        return self.right / self.examples if self.examples else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of both; None where it is neither there nor answered."""
        both = self.examples + self.answered
        return 2 * self.right / both if both else None


@dataclass(frozen=True, eq=False)
class LabelAnswers(Answers):
    """The labels that a network answered.

    Attributes:
        truth: which labels the validation examples have, bool (n, labels).
        probabilities: probability of each, float64 (n, labels).
        scores: how well each label is found.
    """

    truth: np.ndarray
    probabilities: np.ndarray
    scores: tuple[LabelScore, ...]
    noun = "label"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the labels."""
        return self.task.target.names

    @property
    def answered(self) -> np.ndarray:
        """Which labels the network answers, bool (n, labels)."""
        return np.asarray(self.outputs > 0)

    def words(self) -> list[str]:
        wrong = self.answered != self.truth
        count = len(self.outputs)
        whole = int((~wrong).all(axis=1).sum())
        told = f"It is right on every label for {whole:,} of {count:,} of them."
        if not wrong.any():
            return [told]
        found = [one for one in self._worst_first() if one.f1 is not None and one.f1 < 1][:NAMED]
        named = [f"{one.name} (finds {one.right} of {one.examples}, and {self._false(one)})" for one in found]
        return [told, f"It is worst on {listed(named)}."]

    def more_words(self) -> list[str]:
        sure = np.abs(self.probabilities.mean(axis=0) - self.truth.mean(axis=0))
        worst = int(sure.argmax())
        return [
            f"Its stated probabilities are furthest from how frequent a label is for {self.names[worst]}: "
            f"{self.probabilities[:, worst].mean():.1%} on average, where {self.truth[:, worst].mean():.1%} "
            "of the examples have it."
        ]

    def tables(self, features: Sequence[int] = ()) -> list[Table]:
        return [self._labels_table(), self._worst_table(features)]

    def figures(self) -> list[Figure]:
        return [self._figure()]

    def numbers(self) -> dict[str, Any]:
        return {
            "labels": [
                {
                    "label": one.name,
                    "examples": one.examples,
                    "answered": one.answered,
                    "right": one.right,
                    "precision": one.precision,
                    "recall": one.recall,
                    "f1": one.f1,
                }
                for one in self.scores
            ],
            "largest_errors": [
                {"example": example, "label": self.names[label]} for example, label in self._most_wrong()
            ],
        }

    def _false(self, one: LabelScore) -> str:
        wrong = one.answered - one.right
        return f"gives it to {wrong} without it" if wrong else "never gives it to others"

    def _worst_first(self) -> list[LabelScore]:
        return sorted(self.scores, key=lambda one: (2.0 if one.f1 is None else one.f1, one.name))

    def _most_wrong(self) -> list[tuple[int, int]]:
        """Return (example, label) pairs that are answered wrongly, the surest answers first."""
        off = np.where(self.answered != self.truth, np.abs(self.outputs), -1.0)
        order = np.argsort(-off, axis=None, kind="stable")[:WORST]
        pairs = [divmod(int(place), self.outputs.shape[1]) for place in order]
        return [pair for pair in pairs if off[pair] >= 0]

    def _labels_table(self) -> Table:
        rows: list[tuple[Cell, ...]] = []
        for one in self._worst_first():
            ends = _interval(one.right, one.examples) if one.examples else (None, None)
            rows.append(
                (
                    one.name,
                    one.examples,
                    one.answered,
                    one.right,
                    *map(_rounded, (one.precision, one.recall, *ends, one.f1)),
                )
            )
        return Table(
            "labels",
            "How well each label is found on the validation examples, the worst first: how many have it, how "
            "many are given it, the share of those that have it (precision), the share of its examples that "
            "are found (recall) with its 95% interval for new examples, and F1, the harmonic mean of both.",
            ("label", "examples", "given", "right", "precision", "recall", "from", "to", "F1"),
            tuple(rows),
        )

    def _worst_table(self, features: Sequence[int]) -> Table:
        task = self.task
        names = [task.feature_names[number] for number in features] if task.feature_names else []
        rows: list[tuple[Cell, ...]] = []
        for example, label in self._most_wrong():
            own = [
                _rounded(float(task.x_validation[example, number] * task.scale[number] + task.mean[number]))
                for number in (features if names else ())
            ]
            true = "yes" if self.truth[example, label] else "no"
            stated = _rounded(float(self.probabilities[example, label]))
            rows.append((example_cell(task, example), self.names[label], true, stated, *own))
        described = ", with the features that the network uses most" if names else ""
        return Table(
            "largest_errors",
            f"The wrong answers that it is surest of{described}; {examples_are(task)}.",
            (example_head(task), "label", "has it", "probability stated", *names),
            tuple(rows),
        )

    def _figure(self) -> Figure:
        shown = [one for one in self._worst_first() if one.f1 is not None][:MOST_SHOWN][::-1]

        def draw(canvas: Canvas) -> None:
            axes = canvas.add_subplot()
            places = np.arange(len(shown))
            for number, (what, values) in enumerate(
                (
                    ("precision", [one.precision for one in shown]),
                    ("recall", [one.recall for one in shown]),
                )
            ):
                axes.plot(
                    [np.nan if value is None else value for value in values],
                    places,
                    "os"[number],
                    color=style.colour(number),
                    label=what,
                )
            name_ticks(axes.yaxis, [one.name for one in shown])
            axes.set_xlim(-0.03, 1.03)
            axes.set_xlabel("share of the validation examples")
            axes.legend(loc="lower left")

        which = "the worst" if len(self.scores) > len(shown) else "all"
        told = [f"{one.name} {one.f1:.2f}" for one in shown[::-1]]
        return Figure(
            "labels",
            "How often the network is right where it gives a label (precision) and how many of the label's "
            f"validation examples it finds (recall), for {which} labels.",
            f"F1 of each label: {listed(told)}.",
            draw,
            (5.4, 1.2 + 0.32 * len(shown)),
            3.4,
        )


def measure_labels(task: Task, outputs: np.ndarray, seed: int) -> LabelAnswers:
    """Return what is said of log-odds for the validation examples, float64 (n, labels); nothing is drawn."""
    truth, answered = task.y_validation > 0, outputs > 0
    counts = zip(
        task.target.names,
        truth.sum(axis=0).tolist(),
        answered.sum(axis=0).tolist(),
        (truth & answered).sum(axis=0).tolist(),
        strict=True,
    )
    scores = tuple(LabelScore(*one) for one in counts)
    return LabelAnswers(task, outputs, truth, task.target.answers(outputs), scores)


def _interval(hits: int, count: int) -> tuple[float, float]:
    """Return the 95% interval of a share, by Wilson."""
    found = binomtest(hits, count).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.3g}")
