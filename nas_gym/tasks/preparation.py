"""The options that every task takes: the sizes of its parts, and what makes it harder."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

from nas_gym._checks import number, plain, whole
from nas_gym.errors import ConfigError, DataError, unknown
from nas_gym.tasks.targets.class_weights import ClassWeight
from nas_gym.tasks.targets.kinds import check_metric
from nas_gym.tasks.targets.values import VALUE_LOSSES

PARTS = 3  # training, validation and test

Size = int | float


@dataclass(frozen=True)
class Preparation:
    """How raw data becomes a task.

    A size is a count (int) or a share of all examples (float between 0 and 1). Where the parts are drawn at
    random by class, other sizes of the training part leave the validation and the test part as they are, and
    a smaller training part is a subset of a larger one; so it is in an order by time. Of groups that stay
    together and of several labels, another size may move examples between all parts.

    Attributes:
        train_size: size of the training part; None for all that the other two leave.
        validation_size: size of the validation part.
        test_size: size of the test part.
        split_seed: which examples go where.
        metric: what networks are scored by, one of `nas_gym.tasks.targets.metrics.CLASS_METRICS` or, of
            values, `nas_gym.tasks.targets.metrics.VALUE_METRICS`; None for accuracy or R².
        class_weight: ``"balanced"`` for classes of equal weight in the loss, however many examples they
            have; or the weight of each example by its label, 1 where it is not named, of which only the
            ratios matter; None for examples of equal weight.
        loss: what values are learned by, ``"squared"`` error or ``"huber"``, which counts large errors less;
            None for the squared one.
        label_noise: share of the training labels, in [0, 1), that another class replaces.
        noise: standard deviation of the normal noise added to the training inputs, in units of the
            standardised inputs.
        noise_seed: which labels are replaced and which noise is added.
        folds: parts that all but the test examples are cut into, each of them the validation part once:
            a training with seed s leaves out part s modulo `folds`. 1 for a single split; else
            `validation_size` follows from it.
        fold_repeats: how often they are cut, each time by another shuffle: a training with seed s then leaves
            out part s modulo `folds` times `fold_repeats`, the parts of the first cut before those of the
            second. 1 for once.
    """

    train_size: Size | None = None
    validation_size: Size = 0.2
    test_size: Size = 0.2
    split_seed: int = 0
    metric: str | None = None
    class_weight: ClassWeight | None = None
    loss: str | None = None
    label_noise: float = 0.0
    noise: float = 0.0
    noise_seed: int = 0
    folds: int = 1
    fold_repeats: int = 1

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(self, field.name, plain(getattr(self, field.name)))
        check_metric(self.metric, self.class_weight)
        if self.loss is not None and self.loss not in VALUE_LOSSES:
            raise unknown("loss of the task", self.loss, VALUE_LOSSES)
        for option in SIZES:
            _check_size(option, getattr(self, option))
        for option in ("split_seed", "noise_seed"):
            value = getattr(self, option)
            if whole(value) is None or value < 0:
                raise ConfigError(f"{option} must be a whole number of at least 0, not {value!r}")
        if whole(self.folds) is None or not 1 <= self.folds <= MOST_FOLDS:
            raise ConfigError(f"folds must be a whole number from 1 to {MOST_FOLDS}, not {self.folds!r}")
        if whole(self.fold_repeats) is None or not 1 <= self.fold_repeats <= MOST_FOLDS:
            raise ConfigError(
                f"fold_repeats must be a whole number from 1 to {MOST_FOLDS}, not {self.fold_repeats!r}"
            )
        if self.fold_repeats > 1 and self.folds == 1:
            raise ConfigError("fold_repeats cuts the folds again, and there are none: pass folds, too")
        if self.folds > 1 and (self.noise or self.label_noise or self.train_size is not None):
            raise ConfigError(
                "folds train on every example but those of the test part, without noise: leave out "
                "train_size, noise and label_noise, or folds"
            )
        if number(self.label_noise) is None or not 0 <= self.label_noise < 1:
            raise ConfigError(f"label_noise must be a share in [0, 1), not {self.label_noise!r}")
        if number(self.noise) is None or not 0 <= self.noise < math.inf:
            raise ConfigError(f"noise must be a standard deviation of at least 0, not {self.noise!r}")

    def counts(self, examples: int) -> tuple[int, int, int]:
        """Return how many of `examples` examples go to training, validation and test.

        Raises:
            NASGymError: if there are not enough.
        """
        test = count(self.test_size, examples)
        validation = (
            count(self.validation_size, examples)
            if self.folds == 1
            else round((examples - test) / self.folds)
        )
        rest = examples - validation - test
        train = rest if self.train_size is None else count(self.train_size, examples)
        if examples < PARTS:
            raise DataError(
                f"the data have {examples} example{'s' * (examples != 1)}, and training, validation and test "
                "part need one each at least: bring more"
            )
        if min(train, validation, test) < 1 or train > rest:
            raise ConfigError(
                f"train_size {self.train_size}, validation_size {self.validation_size} and test_size "
                f"{self.test_size} do not fit {examples:,} examples: lower one so that each part has some"
            )
        return train, validation, test


SIZES = ("train_size", "validation_size", "test_size")
MOST_FOLDS = 100
OPTIONS = tuple(field.name for field in fields(Preparation))


def count(size: Size, examples: int) -> int:
    """Return a size as a number of examples."""
    return round(size * examples) if isinstance(size, float) else int(size)


def _check_size(option: str, size: Any) -> None:
    if size is None and option == "train_size":
        return
    valid = number(size) is not None and 0 < size < 1 if whole(size) is None else size >= 1
    if not valid:
        raise ConfigError(f"{option} must be a count of at least 1 or a share between 0 and 1, not {size!r}")
