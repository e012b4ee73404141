"""Answers that are classes: the mistakes of the network, and whether it is as sure as it is right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from nas_gym.explain.fact import Fact, difference
from nas_gym.explain.methods.attribution.calibration import (
    Calibration,
    calibration,
    confused_pairs,
    confusion,
)
from nas_gym.explain.report import style
from nas_gym.explain.report.labels import LETTERS, name_ticks
from nas_gym.explain.report.phrases import listed, points
from nas_gym.explain.section import Figure
from nas_gym.explain.sections.network.answers import Answers
from nas_gym.tasks import Task

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

NAMED = 3
MOST_NUMBERS, MOST_NUMBERS_NARROW = 20, 10
"""Classes up to which a map of confusions has numbers, on a page and on a phone."""


@dataclass(frozen=True, eq=False)
class ClassAnswers(Answers):
    """The classes that a network answered.

    Attributes:
        confusion: number of examples of each class (row) by answer (column), int64 (classes, classes).
        calibration: calibration of the probabilities.
    """

    confusion: np.ndarray
    calibration: Calibration
    noun = "class"

    @property
    def explained(self) -> np.ndarray:
        """The true class of each example, whose output attributions explain, int64 (n,)."""
        return self.task.y_validation

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self.task.target.names

    def words(self) -> list[str]:
        return [self._mistakes(), self._sureness()]

    def more_words(self) -> list[str]:
        found = self.calibration
        return [
            f"Its expected calibration error is {100 * found.error:.1f} points (95% interval "
            f"{100 * found.error_low:.1f} to {100 * found.error_high:.1f})."
        ]

    def facts(self) -> list[Fact]:
        found = self.calibration
        ends = found.gap, found.gap_low, found.gap_high
        of = "mean stated probability minus share of right answers"
        count = len(self.outputs)
        return [
            difference("sureness", of, f"{count:,} validation examples", *ends, count, unit="probability")
        ]

    def figures(self) -> list[Figure]:
        return [self.confusion_figure(), self._reliability_figure()]

    def numbers(self) -> dict[str, Any]:
        found = self.calibration
        return {
            "classes": list(self.names),
            "confusion": self.confusion.tolist(),
            "confused": [
                {"class": self.names[row], "answer": self.names[column], "examples": count}
                for row, column, count in confused_pairs(self.confusion, NAMED)
            ],
            "calibration": {
                "error": found.error,
                "low": found.error_low,
                "high": found.error_high,
                "uncorrected": found.uncorrected,
                "by_chance": found.error_by_chance,
                "gap": found.gap,
                "gap_low": found.gap_low,
                "gap_high": found.gap_high,
                "bins": {
                    name: getattr(found, name).tolist()
                    for name in ("confidence", "accuracy", "low", "high", "counts")
                },
            },
        }

    def _mistakes(self) -> str:
        pairs, totals = confused_pairs(self.confusion, NAMED), self.confusion.sum(1)
        if not pairs:
            return "It makes no mistake on them."
        named = [
            f"{self.names[row]} for {self.names[column]} ({count} of {totals[row]})"
            for row, column, count in pairs
        ]
        return f"Most often it mistakes {listed(named)}."

    def _sureness(self) -> str:
        found = self.calibration
        off = (
            f"on average its stated probability is {abs(100 * found.gap):.1f} points "
            f"{'above' if found.gap > 0 else 'below'} how often it is right"
        )
        if found.uncorrected <= found.error_by_chance:
            return "Its probabilities can be taken at their word, as far as these examples show."
        (gap,) = self.facts()
        if gap.is_positive:
            return f"It is too sure of itself: {off}."
        if gap.is_negative:
            return f"It is not sure enough of itself: {off}."
        return "Its probabilities are off, too high for some examples and too low for others."

    def confusion_figure(self) -> Figure:
        """Return a map of the classes by the answers."""
        matrix, names = self.confusion, self.names
        share = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)

        def draw(canvas: Canvas) -> None:
            axes = canvas.add_subplot()
            picture = axes.imshow(share, cmap=style.SEQUENTIAL, vmin=0, vmax=1)
            if len(names) <= (MOST_NUMBERS_NARROW if style.is_narrow(canvas) else MOST_NUMBERS):
                for row, column in np.ndindex(*matrix.shape):
                    colour = style.over(picture.cmap(picture.norm(share[row, column]))[:3])
                    text = str(matrix[row, column])
                    axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)
            name_ticks(axes.xaxis, names, letters)
            name_ticks(axes.yaxis, names, letters)
            if max(map(len, names)) > 3:
                axes.tick_params(axis="x", rotation=45)
                for label in axes.get_xticklabels():
                    label.set_horizontalalignment("right")
                    label.set_rotation_mode("anchor")
            axes.set_xlabel("answer of the network")
            axes.set_ylabel("true class")
            axes.grid(visible=False)

        right = [f"{name} {share[number, number]:.0%}" for number, name in enumerate(names)]
        # A label takes room from the squares: the more of them there are, the shorter it is.
        letters = LETTERS if len(names) <= 8 else 18
        longest = min(letters, max(map(len, names)))
        side = min(6.5, 0.42 * len(names) + 1.2 + 0.07 * longest)
        return Figure(
            "confusion",
            "Validation examples of each class (row) by the answer of the network (column); colours are "
            "shares of the row.",
            f"Right of each class: {listed(right[:20])}.",
            draw,
            (side + 0.4, side),
            3.4,
        )

    def _reliability_figure(self) -> Figure:
        found = self.calibration

        def draw(canvas: Canvas) -> None:
            axes = canvas.add_subplot()
            lowest = min(float(found.confidence.min()), float(found.low.min()))
            axes.plot([lowest, 1], [lowest, 1], color=style.muted(), linewidth=1, linestyle="--")
            spread = np.maximum(0, [found.accuracy - found.low, found.high - found.accuracy])
            axes.errorbar(found.confidence, found.accuracy, yerr=spread, fmt="o-", color=style.colour(0))
            axes.set_xlabel("probability that the network states")
            axes.set_ylabel("share that is right")

        return Figure(
            "reliability",
            "How often the network is right, by how sure it says it is, in groups of equally many validation "
            "examples with 95% intervals; below the dashed line it is too sure.",
            f"Expected calibration error {found.error:.3f} (95% interval {found.error_low:.3f} to "
            f"{found.error_high:.3f}); stated minus true on average {points(found.gap)}.",
            draw,
            (4.6, 3.8),
        )


def measure_classes(task: Task, outputs: np.ndarray, seed: int) -> ClassAnswers:
    """Return what is said of logits for the validation examples, float64 (n, classes)."""
    probabilities = torch.tensor(outputs).softmax(1).numpy()
    return ClassAnswers(
        task,
        outputs,
        confusion(task.y_validation, probabilities.argmax(1), task.outputs),
        calibration(probabilities, task.y_validation, seed),
    )
