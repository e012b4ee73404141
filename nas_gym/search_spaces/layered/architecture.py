"""Architectures of layers in a row and choices for the whole, and their text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nas_gym.errors import ConfigError

Layer = tuple[int, str]
"""Width, and what is chosen beside it: an activation, an operation."""


@dataclass(frozen=True, slots=True)
class Layered:
    """Layers in a row, and what is chosen for the whole network.

    Attributes:
        wholes: what is chosen for the whole network, in the order of the space's aspects.
        layers: (width, name) from the input to the output.
    """

    wholes: tuple[str, ...]
    layers: tuple[Layer, ...]

    def __str__(self) -> str:
        return f"{', '.join(self.wholes)}: {' > '.join(map(layer_text, self.layers))}"


def layer_text(layer: Layer) -> str:
    """Return the text of a layer: ``"relu-64"``."""
    width, name = layer
    return f"{name}-{width}"


def parse(
    space: str, text: str, wholes: Mapping[str, Sequence[str]], layers: Sequence[Layer], most: int
) -> Layered:
    """Return the architecture of a text.

    Args:
        space: name of the space.
        text: the text.
        wholes: the choices for the whole network by aspect.
        layers: the layers to choose from.
        most: most layers.

    Raises:
        NASGymError: if the text is not an architecture of such a space.
    """
    head, colon, chain = text.partition(":")
    words = tuple(word.strip() for word in head.split(","))
    if not colon or len(words) != len(wholes):
        raise _misfit(space, text, wholes, layers)
    for word, (aspect, choices) in zip(words, wholes.items(), strict=True):
        if word not in choices:
            raise ConfigError(
                f"architecture {text!r} has {word!r} for its {aspect}: write one of {', '.join(choices)}"
            )
    known = {layer_text(layer): layer for layer in layers}
    parts = [part.strip() for part in chain.split(">")]
    for part in parts:
        if part not in known:
            raise ConfigError(
                f"architecture {text!r} has no valid layer {part!r}: write layers joined by ' > ', each of: "
                f"{', '.join(known)}"
            )
    if len(parts) > most:
        raise ConfigError(
            f"architecture {text!r} has {len(parts)} layers, the {space} space at most {most}: "
            "remove layers or raise max_layers"
        )
    return Layered(words, tuple(known[part] for part in parts))


def _misfit(
    space: str, text: str, wholes: Mapping[str, Sequence[str]], layers: Sequence[Layer]
) -> ConfigError:
    example = Layered(tuple(choices[0] for choices in wholes.values()), (layers[0], layers[-1]))
    return ConfigError(
        f"architecture {text!r} does not fit the {space} space: write {', '.join(wholes)}, a colon and "
        f"layers, like {str(example)!r}"
    )
