"""How much the examples of each class count in the loss."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from nas_gym._checks import number
from nas_gym.errors import ConfigError, unknown

BALANCED = "balanced"
ClassWeight = str | Mapping[Any, float]
"""``"balanced"``, or a weight for each label; those of labels that are not named count 1."""


def check_class_weight(class_weight: object) -> None:
    """Check an option ``class_weight``, whatever the classes are.

    Raises:
        NASGymError: if it is neither ``"balanced"`` nor weights above 0 by label.
    """
    if class_weight is None or class_weight == BALANCED:
        return
    if not isinstance(class_weight, Mapping):
        raise unknown("class_weight", class_weight, (BALANCED,))
    for label, given in class_weight.items():
        weight = number(given)
        if weight is None or not 0 < weight < math.inf:
            raise ConfigError(
                f"the class_weight of {label!r} must be a number above 0, not {given!r}: only the ratios of "
                "the weights matter"
            )


def weights_by_class(class_weight: Mapping[Any, float], names: Sequence[str]) -> tuple[float, ...]:
    """Return the weight of each class, (classes,), 1 where none is named.

    Args:
        class_weight: weights by label, as it came or as its name.
        names: names of the classes.

    Raises:
        NASGymError: for a label that is no class.
    """
    weights = dict.fromkeys(names, 1.0)
    for label, weight in class_weight.items():
        name = str(label) if str(label) in weights else _name_of_number(label, names)
        if name is None:
            raise unknown("label of class_weight", str(label), names)
        weights[name] = float(weight)
    return tuple(weights.values())


def _name_of_number(label: Any, names: Sequence[str]) -> str | None:
    """Return the name that is the same number as a label in another form, such as ``1`` of 1.0."""
    for name in names:
        try:
            if float(name) == float(label):
                return name
        except (TypeError, ValueError):
            continue
    return None
