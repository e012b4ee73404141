"""Landscapes on which a full training takes hundredths of a second, for all kinds of agents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from perceptrons import LAYERS, Perceptrons

DATA = {"name": "mnist1d", "train_size": 500, "validation_size": 1000, "test_size": 2000}


@dataclass(frozen=True)
class Landscape:
    """A search space on the data, with a recipe.

    Attributes:
        space: the search space, by name or with options.
        recipe: how a network is trained alone.
        largest: text of the network with the most parameters.
        about: what it is.
    """

    space: str | Mapping[str, Any]
    recipe: Mapping[str, Any]
    largest: str
    about: str

    def options(self, store: str) -> dict[str, Any]:
        """Return the options of its environment."""
        return {
            "search_space": self.space,
            "task": DATA,
            "evaluator": {"name": "train", "recipe": self.recipe},
            "store": store,
            "device": "cpu",
        }


LANDSCAPES = {
    "cell": Landscape(
        {
            "name": "cell",
            "channels": [8],
            "operations": ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3"],
        },
        {"epochs": 8, "batch_size": 100, "learning_rate": 0.07},
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|",
        "4,096 cells of 8 channels",
    ),
    "blocks": Landscape(
        {"name": Perceptrons.name},
        {"epochs": 8, "batch_size": 125, "learning_rate": 0.02},
        ", ".join(f"layer {layer}=wide" for layer in range(1, LAYERS + 1)),
        "3,125 perceptrons of five blocks",
    ),
    "mlp": Landscape(
        {"name": "mlp"},
        {"epochs": 5, "batch_size": 125, "learning_rate": 0.02},
        " > ".join(["relu-64"] * 4),
        "4,680 perceptrons of one to four layers, whose widths differ",
    ),
}
