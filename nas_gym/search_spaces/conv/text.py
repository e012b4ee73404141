"""Reading an architecture of the conv space from its text."""

from __future__ import annotations

import re
from collections.abc import Mapping

from nas_gym.errors import ConfigError
from nas_gym.search_spaces.conv.architecture import Conv, Layer, Skip, skip_pairs


def parse_conv(text: str, layers: Mapping[str, Layer], max_layers: int) -> Conv:
    """Return the architecture of a text, white space and the order of skips aside.

    Args:
        text: layers joined by " > ", then " + skip i-j" for each skip.
        layers: the possible layers by their text.
        max_layers: most layers.

    Raises:
        NASGymError: for an unknown layer, too many layers, or a skip that is malformed, impossible
            or there twice.
    """
    chain, *skips = text.split("+")
    parts = [part.strip() for part in chain.split(">")]
    for part in parts:
        if part not in layers:
            raise ConfigError(
                f"architecture {text!r} has no valid layer {part!r}: {_layers_in_words(layers)}"
            )
    if len(parts) > max_layers:
        raise ConfigError(
            f"architecture {text!r} has {len(parts)} layers, the conv space at most {max_layers}: "
            "remove layers or raise max_layers"
        )
    found: set[Skip] = set()
    for part in skips:
        skip = _parse_skip(part.strip(), len(parts), text)
        if skip in found:
            raise ConfigError(f"architecture {text!r} has {part.strip()!r} twice: write each skip once")
        found.add(skip)
    return Conv(tuple(layers[part] for part in parts), frozenset(found))


def _parse_skip(part: str, depth: int, text: str) -> Skip:
    match = re.fullmatch(r"skip\s+(\d+)\s*-\s*(\d+)", part)
    if match is None:
        raise ConfigError(
            f"architecture {text!r} has no valid skip {part!r}: write ' + skip 0-2' after the layers"
        )
    skip = (int(match[1]), int(match[2]))
    if skip not in skip_pairs(depth):
        raise ConfigError(
            f"architecture {text!r} has no place for {part!r}: a skip i-j needs "
            f"0 <= i, i + 2 <= j <= {depth}, the number of layers"
        )
    return skip


def _layers_in_words(layers: Mapping[str, Layer]) -> str:
    convolutions = [layer for layer in layers.values() if not layer.pools]
    operations = dict.fromkeys(layer.operation for layer in convolutions)
    channels = dict.fromkeys(str(layer.channels) for layer in convolutions)
    activations = dict.fromkeys(layer.activation for layer in convolutions)
    pools = "".join(f" or {name!r}" for name, layer in layers.items() if layer.pools)
    return (
        f"write layers joined by ' > ', each like {str(convolutions[0])!r}{pools} (operation one of "
        f"{', '.join(operations)}; channels of {', '.join(channels)}; activation of {', '.join(activations)})"
    )
