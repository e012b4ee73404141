"""The losses by name; adding one is adding a file and a line."""

from __future__ import annotations

from nas_gym.errors import ConfigError
from nas_gym.training.losses.base import Loss
from nas_gym.training.losses.binary_cross_entropy import LABEL_METRICS, BinaryCrossEntropy
from nas_gym.training.losses.cross_entropy import CrossEntropy
from nas_gym.training.losses.huber import Huber
from nas_gym.training.losses.measured_classes import METRICS, WEIGHTS, MeasuredCrossEntropy
from nas_gym.training.losses.ranked_classes import RANKED, RankedCrossEntropy
from nas_gym.training.losses.squared import Squared
from nas_gym.training.losses.token_cross_entropy import FAMILY, TokenCrossEntropy
from nas_gym.training.losses.token_cross_entropy import METRICS as TOKEN_METRICS
from nas_gym.training.recipe import Recipe

LOSSES: dict[str, Loss] = {
    loss.name: loss
    for loss in (
        CrossEntropy(),
        *(MeasuredCrossEntropy(metric, balanced=each) for metric in METRICS for each in (False, True)),
        *(RankedCrossEntropy(metric, balanced=each) for metric in RANKED for each in (False, True)),
        *(BinaryCrossEntropy(metric) for metric in LABEL_METRICS),
        *(kind(metric) for kind in (Squared, Huber) for metric in ("r2", "rmse", "mae", "skill")),
    )
}


def loss_of(name: str) -> Loss:
    """Return a loss by its name: one of `LOSSES`, or one whose name tells more.

    That of tokens tells the positions, that of weighted classes their weights.
    """
    family, _, rest = name.partition("/")
    metric, _, positions = rest.partition("/")
    if family == FAMILY and metric in TOKEN_METRICS and positions.isdecimal():
        return TokenCrossEntropy(metric, int(positions))
    if positions.startswith(WEIGHTS):
        weights = tuple(map(float, positions.removeprefix(WEIGHTS).split(",")))
        kind = RankedCrossEntropy if metric in RANKED else MeasuredCrossEntropy
        return kind(metric, weights=weights)
    return LOSSES[name]


def check_recipe(recipe: Recipe, loss: str) -> None:
    """Check a recipe against the loss of a task.

    Raises:
        NASGymError: if it smooths labels where there are none.
    """
    if recipe.label_smoothing and not loss_of(loss).smooths_labels:
        raise ConfigError(
            f"label_smoothing is for classes, and the task's loss is {loss!r}: leave it out of the recipe"
        )
