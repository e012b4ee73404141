"""Architectures in words that need no knowledge of the project."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from nas_gym.search_spaces.sketch import Sketch

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
SHORTCUT = "shortcut"
Place = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Description:
    """An architecture in words.

    Attributes:
        words: the whole, a phrase: ``"a network of two layers: 64 units with tanh, then ..."``.
        parts: what is at each place of its `Sketch`: at a box (number,), at a link (from, to). Boxes
            of the input and the output, and links that only lead on, are left out.
    """

    words: str
    parts: Mapping[Place, str]


def describe_chain(layers: Sequence[str], skips: Iterable[tuple[int, int]] = ()) -> Description:
    """Return the description of layers in a row, from their words and the shortcuts between them."""
    skips = list(skips)
    words = f"a network of {_number(len(layers))} layer{'s' * (len(layers) > 1)}: {', then '.join(layers)}"
    if skips:
        ways = [f"from {_end(source)} to {_end(target)}" for source, target in skips]
        words += f"; with {'a shortcut' if len(skips) == 1 else 'shortcuts'} {_joined(ways)}"
    parts: dict[Place, str] = {(number,): layer for number, layer in enumerate(layers, start=1)}
    return Description(words, parts | dict.fromkeys(skips, SHORTCUT))


def describe_graph(noun: str, boxes: Sequence[str], links: Iterable[tuple[int, int, str]]) -> Description:
    """Return the description of a graph with something on each of its links.

    Args:
        noun: what the whole is called ("cell").
        boxes: the words of the boxes, from the input to the output.
        links: (from, to, words) of each.
    """
    links = list(links)
    parts: dict[Place, str] = {(number,): boxes[number] for number in range(1, len(boxes) - 1)}
    parts |= {(source, target): words for source, target, words in links}
    if not links:
        return Description(f"a {noun} without any connection, so that its output is constant", parts)
    names = ["its input", *boxes[1:-1], "its output"]
    told = [f"{words or 'a connection'} from {names[i]} to {names[j]}" for i, j, words in links]
    count = f"{_number(len(told))} connection{'s' * (len(told) > 1)}"
    return Description(f"a {noun} with {count}: {_joined(told)}", parts)


def describe_choices(values: Mapping[str, str], sketch: Sketch) -> Description:
    """Return the description of a value for each of some names."""
    told = [f"{name} {value}" for name, value in values.items()]
    return Description(f"a network with {_joined(told)}", describe_sketch(sketch).parts)


def describe_sketch(sketch: Sketch) -> Description:
    """Return the description that a sketch allows by the labels of its boxes and links."""
    skips = [(source, target) for source, target, label in sketch.links if label == "skip"]
    plain = [link for link in sketch.links if link[2] != "skip"]
    boxes = [label.replace("_", " ") for label in sketch.boxes]
    steps = [(number, number + 1, "") for number in range(len(boxes) - 1)]
    if sorted(plain) == steps and len(boxes) > 2:
        return describe_chain(boxes[1:-1], skips)
    links = [
        (source, target, SHORTCUT if label == "skip" else label.replace("_", " "))
        for source, target, label in sketch.links
    ]
    return describe_graph("network", boxes, links)


def activation_words(name: str) -> str:
    """Return an activation in words."""
    return "no activation" if name == "identity" else name.replace("_", " ")


def _joined(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _end(number: int) -> str:
    return "the input" if number == 0 else f"layer {number}"


def _number(count: int) -> str:
    return NUMBERS[count] if count < len(NUMBERS) else str(count)
