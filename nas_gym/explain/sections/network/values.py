"""Answers that are values: the size of their errors in the units of the data, and the largest of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nas_gym.explain.evidence.example_names import (
    example_cell,
    example_head,
    example_words,
    examples_are,
)
from nas_gym.explain.fact import Fact, difference
from nas_gym.explain.methods.attribution.residuals import QUANTILES, Residuals, largest_errors, residuals
from nas_gym.explain.report import style
from nas_gym.explain.report.phrases import listed, quantity
from nas_gym.explain.section import Cell, Figure, Table
from nas_gym.explain.sections.network.answers import Answers
from nas_gym.tasks import Forecast, Task

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

MOST_VALUES = 3
WORST = 10
HALF, MOST = 0.5, 0.9


@dataclass(frozen=True, eq=False)
class ValueAnswers(Answers):
    """The values that a network answered, in the units of the data.

    Attributes:
        answers, truth: answers for the validation examples and the true values, float (n, values).
        constant: the best answer without a network, float (n, values): always the same one, or of a
            series the naive forecast.
        errors: errors of the answers for each value.
        constant_errors: errors of the best answer without a network for each value.
        worst: the (example, value) pairs with the largest errors, in standard deviations of the values.
    """

    answers: np.ndarray
    truth: np.ndarray
    constant: np.ndarray
    errors: tuple[Residuals, ...]
    constant_errors: tuple[Residuals, ...]
    worst: tuple[tuple[int, int], ...]
    noun = "value"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the values."""
        return self.task.target.names

    def words(self) -> list[str]:
        own, other, name = self.errors[0], self.constant_errors[0], self.names[0]
        answers = f"Its answers for {name}" if len(self.names) > 1 else "Its answers"
        told = (
            f"{answers} are off by {quantity(own.mean_absolute)} on average, in the units of the data; "
            f"{self._without(0)} would be off by {quantity(other.mean_absolute)}."
        )
        return [told, *_bias_in_words(self.facts()[0])]

    def facts(self) -> list[Fact]:
        count = len(self.outputs)
        over, of = f"{count:,} validation examples", "mean of answer minus truth"
        return [
            difference(
                f"bias of {name}", of, over, own.bias, own.bias_low, own.bias_high, count, unit="of the data"
            )
            for name, own in zip(self.names, self.errors, strict=True)
        ]

    def more_words(self) -> list[str]:
        sentences = [self._spread_in_words(number) for number in range(min(len(self.names), MOST_VALUES))]
        if len(self.names) > 1:
            sentences.append("The errors of every value are in the table.")
        return [*sentences, self._worst_in_words()]

    def tables(self, features: Sequence[int] = ()) -> list[Table]:
        return [self._errors_table(), self._worst_table(features)]

    def figures(self) -> list[Figure]:
        return [self._answers_figure(), self._errors_figure()]

    def numbers(self) -> dict[str, Any]:
        return {
            "values": list(self.names),
            "errors": [
                {
                    "value": name,
                    "constant_answer": None if self._naive else float(constant),
                    "network": _as_dict(own),
                    "constant": _as_dict(other),
                }
                for name, constant, own, other in zip(
                    self.names, self.constant[0], self.errors, self.constant_errors, strict=True
                )
            ],
            "largest_errors": [
                {
                    "example": example,
                    "value": self.names[value],
                    "true": float(self.truth[example, value]),
                    "answer": float(self.answers[example, value]),
                }
                for example, value in self.worst
            ],
        }

    @property
    def _naive(self) -> str:
        """The naive forecast in words; "" where the answers are no forecasts."""
        return self.task.target.naive if isinstance(self.task.target, Forecast) else ""

    def _without(self, number: int) -> str:
        """Return what is done without a network."""
        return self.task.target.without(self._naive or quantity(self.constant[0, number]))

    def _spread_in_words(self, number: int) -> str:
        own, other, name = self.errors[number], self.constant_errors[number], self.names[number]
        return (
            f"Of its errors for {name} half are at most {quantity(own.quantiles[HALF])} and nine in ten at "
            f"most {quantity(own.quantiles[MOST])}; their root mean square is "
            f"{quantity(own.root_mean_square)}, that of {self._without(number)} "
            f"{quantity(other.root_mean_square)}. The mean of answer minus truth is {quantity(own.bias)} "
            f"(95% interval {quantity(own.bias_low)} to {quantity(own.bias_high)})."
        )

    def _worst_in_words(self) -> str:
        example, value = self.worst[0]
        called = example_words(self.task, example)
        return (
            f"Its largest error on validation examples is on {called}: the true {self.names[value]} is "
            f"{quantity(self.truth[example, value])}, its answer {quantity(self.answers[example, value])}."
        )

    def _errors_table(self) -> Table:
        rows: list[tuple[Cell, ...]] = []
        for number, name in enumerate(self.names):
            pairs = (
                ("the network", self.errors[number]),
                (self._naive or f"always {quantity(self.constant[0, number])}", self.constant_errors[number]),
            )
            for who, one in pairs:
                sizes = [_rounded(one.quantiles[share]) for share in QUANTILES]
                ends = [_rounded(end) for end in (one.bias, one.bias_low, one.bias_high)]
                means = [_rounded(one.mean_absolute), _rounded(one.root_mean_square)]
                rows.append((name, who, *means, *sizes, *ends))
        shares = tuple(f"{share:.0%} within" for share in QUANTILES)
        return Table(
            "errors",
            "Errors on the validation examples, in the units of the data, beside those of the best constant "
            "answer: the mean size, the root of the mean square, the size that so many of the errors do not "
            "exceed, and the mean of answer minus truth with its 95% interval for new examples.",
            ("value", "answer of", "mean size", "root mean square", *shares, "mean error", "from", "to"),
            tuple(rows),
        )

    def _worst_table(self, features: Sequence[int]) -> Table:
        task = self.task
        names = [task.feature_names[number] for number in features] if task.feature_names else []
        rows: list[tuple[Cell, ...]] = []
        for example, value in self.worst:
            own = [
                _rounded(float(task.x_validation[example, number] * task.scale[number] + task.mean[number]))
                for number in (features if names else ())
            ]
            truth, answer = float(self.truth[example, value]), float(self.answers[example, value])
            error = answer - truth
            numbers = (_rounded(truth), _rounded(answer), _rounded(error))
            rows.append((example_cell(task, example), self.names[value], *numbers, *own))
        described = ", with the features that the network uses most" if names else ""
        return Table(
            "largest_errors",
            f"The validation examples that it is most wrong on{described}; {examples_are(task)}.",
            (example_head(task), "value", "true", "answer", "error", *names),
            tuple(rows),
        )

    def _answers_figure(self) -> Figure:
        shown = self.names[:MOST_VALUES]

        def draw(canvas: Canvas) -> None:
            for axes, number in zip(_panels(canvas, len(shown)), range(len(shown)), strict=True):
                truth, answers = self.truth[:, number], self.answers[:, number]
                ends = [min(truth.min(), answers.min()), max(truth.max(), answers.max())]
                axes.plot(ends, ends, color=style.muted(), linewidth=1, linestyle="--")
                axes.plot(truth, answers, "o", color=style.colour(0), markersize=4, alpha=0.7)
                axes.set_xlabel(f"true {shown[number]}")
                axes.set_ylabel("answer of the network")

        fit = [
            f"{name}: correlation {np.corrcoef(self.truth[:, number], self.answers[:, number])[0, 1]:.2f}"
            if np.ptp(self.answers[:, number]) > 0
            else f"{name}: the answer is always the same"
            for number, name in enumerate(shown)
        ]
        return Figure(
            "answers",
            "The answer of the network for each validation example by the true value. On the dashed line the "
            "answer is right, above it too high, below it too low.",
            f"{'; '.join(fit)}.",
            draw,
            (4.2 if len(shown) == 1 else 7.4, 3.8 if len(shown) == 1 else 3.0),
            2.9 * len(shown),
        )

    def _errors_figure(self) -> Figure:
        shown = self.names[:MOST_VALUES]

        def draw(canvas: Canvas) -> None:
            for axes, number in zip(_panels(canvas, len(shown)), range(len(shown)), strict=True):
                truth = self.truth[:, number]
                other = self._naive or "always the same"
                for place, (label, answers) in enumerate(
                    (
                        ("the network", self.answers[:, number]),
                        (other, self.constant[:, number]),
                    )
                ):
                    sizes = np.sort(np.abs(answers - truth))
                    shares = np.arange(1, len(sizes) + 1) / len(sizes)
                    axes.step(
                        sizes, shares, where="post", color=style.neutral() if place else style.colour(0)
                    )
                    axes.lines[-1].set_label(label)
                axes.set_xlabel(f"size of the error of {shown[number]}")
                axes.set_ylabel("share of examples")
                axes.set_ylim(0, 1.02)
                axes.set_xlim(left=0)
                axes.legend(loc="lower right")

        sizes = [
            f"{name} {quantity(one.quantiles[HALF])} and {quantity(one.quantiles[MOST])}"
            for name, one in zip(shown, self.errors, strict=False)
        ]
        return Figure(
            "errors",
            "The share of validation examples whose error is at most so large, of the network and of always "
            "giving the best constant answer. The further the upper line is to the left, the better.",
            f"Half and nine tenths of the errors are at most: {listed(sizes)}.",
            draw,
            (5.0 if len(shown) == 1 else 7.4, 3.2),
            2.9 * len(shown),
        )


def measure_values(task: Task, outputs: np.ndarray, seed: int) -> ValueAnswers:
    """Return what is said of outputs for the validation examples, float64 (n, values); nothing is drawn."""
    raw = task.x_validation * task.scale + task.mean
    truth = task.target.answers_to(task.y_validation.astype(np.float64), raw)
    answers = task.target.answers_to(outputs, raw)
    _, standardised = task.target.best_constant(task.y_train)
    constant = task.target.answers_to(np.broadcast_to(standardised, outputs.shape), raw)
    values = range(task.outputs)
    return ValueAnswers(
        task,
        outputs,
        answers,
        truth,
        constant,
        tuple(residuals(answers[:, number], truth[:, number]) for number in values),
        tuple(residuals(constant[:, number], truth[:, number]) for number in values),
        tuple(largest_errors(outputs, task.y_validation, WORST)),
    )


def _bias_in_words(bias: Fact) -> list[str]:
    """Return a sentence where the answers are shown to be too high or too low."""
    if not bias.is_shown:
        return []
    side = "high" if bias.is_positive else "low"
    ends = sorted((abs(bias.low or 0.0), abs(bias.high or 0.0)))
    return [
        f"They are too {side} on average, by {quantity(abs(bias.value))} (95% interval "
        f"{quantity(ends[0])} to {quantity(ends[1])})."
    ]


def _panels(canvas: Canvas, count: int) -> list[Axes]:
    """Return axes beside each other, or below each other where there is no room."""
    shape = (count, 1) if style.is_narrow(canvas) else (1, count)
    return list(canvas.subplots(*shape, squeeze=False).flat)


def _as_dict(one: Residuals) -> dict[str, Any]:
    quantiles = {f"{share:g}": size for share, size in one.quantiles.items()}
    return {name: value for name, value in asdict(one).items() if name != "quantiles"} | {
        "quantiles": quantiles
    }


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
