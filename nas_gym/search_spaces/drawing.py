"""An architecture as it is drawn: boxes in the order in which data flows, links between them, notes beside.

A `Sketch` has a box for whatever can be edited, in an order that observations and codes rely on; a drawing
has what the network computes. Where both are the same, `as_drawing` makes one of the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from nas_gym.search_spaces.sketch import Sketch

LinkKind = Literal["", "skip", "sum", "jump", "attention", "rest", "forecast", "state"]
MarkKind = Literal["", "self-attention", "causal", "neighbours", "steps"]
LINK_WORDS: Mapping[str, str] = {
    "skip": "a shortcut",
    "sum": "what is added to the result of a layer",
    "jump": "an earlier layer that is read out, too",
    "attention": "attention: what a layer looks for in another",
    "rest": "what is left of the window",
    "forecast": "a forecast; those of all blocks are added up",
    "state": "the state that the next step begins with",
}
"""What a link of each kind is; one of kind ``""`` only leads on."""
MARK_WORDS: Mapping[str, str] = {
    "self-attention": "self-attention: every position attends to all positions",
    "causal": "self-attention: every position attends to those up to itself",
    "neighbours": "message passing: every node hears its neighbours along the edges",
    "steps": "recurrence: the sequence is read step by step, with a state",
}
"""What the sign in a box of each kind stands for."""
Place = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Box:
    """A box of a drawing.

    Attributes:
        label: a short text, as in a `Sketch`.
        words: what it is, as reports say it; "" for the input and the output of the network.
        numbers: numbers of the boxes of the sketch that it shows, none where it is not a choice.
        layer: layer of the nodes of the network whose weights it has, "" for none. Of several boxes of one
            layer the last one tells the weights of all.
        kind: what it is in the first place, which chooses its colour (see `Sketch.box_kinds`).
        mark: sign in the box, one of `MARK_WORDS`, "" for none.
    """

    label: str
    words: str = ""
    numbers: tuple[int, ...] = ()
    layer: str = ""
    kind: int | None = None
    mark: MarkKind = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a drawing.

    Attributes:
        source, target: numbers of boxes in the drawing. What a box gives to others is its result with what
            sums add to it.
        kind: one of `LINK_WORDS`, "" for a link that only leads on. A ``"sum"`` is added to the result of its
            target; all others are what the target reads.
        label: what happens on the link, as in a `Sketch`; "" for nothing.
        words: the same, as reports say it.
    """

    source: int
    target: int
    kind: LinkKind = ""
    label: str = ""
    words: str = ""

    @property
    def passes(self) -> bool:
        """Whether it goes around boxes."""
        return self.kind == "sum" or self.span != 1

    @property
    def span(self) -> int:
        """How many boxes on its target is; negative for one that leads back."""
        return self.target - self.source


@dataclass(frozen=True, slots=True)
class Note:
    """What holds for the whole network, or no box shows.

    Attributes:
        title: what it is about.
        words: what holds, as reports say it.
        label: a short text, as in a `Sketch`; "" for what is not chosen.
        numbers: numbers of the boxes of the sketch that it shows.
    """

    title: str
    words: str
    label: str = ""
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Drawing:
    """An architecture as it is drawn.

    Attributes:
        boxes: boxes from the input (first) to the output (last), in the order in which data flows.
        links: links between them.
        layers: numbers of the boxes that are layers, of which an architecture has more or fewer.
        notes: what holds for the whole network.
    """

    boxes: tuple[Box, ...]
    links: tuple[Link, ...]
    layers: tuple[int, ...]
    notes: tuple[Note, ...] = ()

    def shown(self, place: Place) -> Box | Link | Note | None:
        """Return what shows a place of the sketch; None where nothing does, or it is no place.

        Args:
            place: a box, or the two ends of a link, in the numbering of the sketch.
        """
        if not place:
            return None
        if len(place) == 1:
            items: tuple[Box | Note, ...] = (*self.boxes, *self.notes)
            return next((item for item in items if place[0] in item.numbers), None)
        source, target = place
        into = [link for link in self.links if target in self.boxes[link.target].numbers]
        between = [link for link in into if source in self.boxes[link.source].numbers]
        return next(iter([*between, *into]), None)

    @property
    def numbers(self) -> tuple[int, ...]:
        """Numbers of the boxes of the sketch that boxes and notes show."""
        of_boxes = (number for box in self.boxes for number in box.numbers)
        return (*of_boxes, *(number for note in self.notes for number in note.numbers))

    @property
    def row(self) -> tuple[tuple[str, ...], tuple[int | None, ...]]:
        """Labels and kinds of the boxes, then of the notes that are chosen, for small pictures."""
        chosen = [note.label for note in self.notes if note.label]
        labels = (*(box.label for box in self.boxes), *chosen)
        return labels, (*(box.kind for box in self.boxes), *(None for _ in chosen))

    @property
    def joined(self) -> frozenset[int]:
        """The boxes to whose results something is added."""
        return frozenset(link.target for link in self.links if link.kind == "sum")


def as_drawing(sketch: Sketch, parts: Mapping[Place, str]) -> Drawing:
    """Return a sketch as a drawing, for spaces whose sketch is what the network computes.

    Args:
        sketch: the architecture as a graph.
        parts: what is at each place of it in words, see `Description`.
    """
    last = len(sketch.boxes) - 1
    rows = enumerate(zip(sketch.boxes, sketch.box_layers, sketch.box_kinds, strict=True))
    boxes = [
        Box(label, parts.get((number,), label) if 0 < number < last else "", (number,), layer, kind)
        for number, (label, layer, kind) in rows
    ]
    links = [
        Link(source, target, "skip")
        if label == "skip"
        else Link(source, target, "", label, parts.get((source, target), label) if label else "")
        for source, target, label in sketch.links
    ]
    return Drawing(tuple(boxes), tuple(links), tuple(range(1, last)))


def around_cells(noun: str, parts: int, cells: int, between: str) -> str:
    """Return what is around a cell in words.

    Args:
        noun: what parts of the network are called ("stage").
        parts: number of them.
        cells: cells of each.
        between: what is between two of them.
    """
    count = f"{cells} such cell{'s' * (cells > 1)}"
    many = f"{parts} {noun}s of {count} each with a {between} between them" if parts > 1 else count
    return f"a convolution; {many}; the mean; a linear layer"


class Draft:
    """A drawing in the making, from the input on.

    Args:
        sketch: the architecture as a graph, for the labels, layers and kinds of boxes.
        parts: what is at each place of it in words, see `Description`.
        names: names of the first boxes of the sketch behind its input, which is what is chosen for the whole.
    """

    def __init__(self, sketch: Sketch, parts: Mapping[Place, str], names: Iterable[str] = ()) -> None:
        self._sketch, self._parts = sketch, parts
        self._names = {name: number for number, name in enumerate(names, start=1)}
        self._boxes = [Box("input", "", (0,))]
        self._links: list[Link] = []
        self._notes: list[Note] = []

    @property
    def layers(self) -> range:
        """The numbers, in the sketch, of the boxes behind what is chosen for the whole."""
        return range(len(self._names) + 1, len(self._sketch.boxes) - 1)

    def box(
        self,
        *of: int | str,
        label: str = "",
        words: str = "",
        layer: str | None = None,
        mark: MarkKind = "",
        reads: Sequence[int] | None = None,
    ) -> int:
        """Append a box and return its number.

        Args:
            of: the boxes of the sketch that it shows, by number or name.
            label: its label, by default those of the boxes that it shows.
            words: what it is in words, by default as for the boxes that it shows.
            layer: its layer of the network, by default that of the first box that it shows.
            mark: its sign, one of `MARK_WORDS`.
            reads: the boxes that lead to it, by default the one appended before.
        """
        sketch, numbers = self._sketch, self._numbers(of)
        found = layer if layer is not None else sketch.box_layers[numbers[0]] if numbers else ""
        kind = sketch.box_kinds[numbers[0]] if numbers else None
        label = label or ", ".join(sketch.boxes[number] for number in numbers)
        self._boxes.append(Box(label, words or self._words(numbers), numbers, found, kind, mark))
        last = len(self._boxes) - 1
        for source in (last - 1,) if reads is None else reads:
            self.link(source, last)
        return last

    def link(self, source: int, target: int, kind: LinkKind = "") -> None:
        """Append a link between boxes, by their numbers in the drawing."""
        self._links.append(Link(source, target, kind))

    def note(self, *names: str, words: str = "") -> None:
        """Append a note for what is chosen for the whole under each name, of those that there are.

        Args:
            names: the names.
            words: what holds, by default what the description says.
        """
        for name in names:
            if name in self._names:
                numbers = self._numbers((name,))
                label = self._sketch.boxes[numbers[0]]
                self._notes.append(Note(name, words or self._words(numbers), label, numbers))

    def remark(self, title: str, words: str) -> None:
        """Append a note on what is not chosen."""
        self._notes.append(Note(title, words))

    def end(self, reads: Sequence[int] | None = None, kind: LinkKind = "") -> Drawing:
        """Append the output and return the drawing.

        Args:
            reads: the boxes that lead to the output, by default the one appended before.
            kind: kind of their links.
        """
        output, last = len(self._boxes), len(self._sketch.boxes) - 1
        taken = any(last in box.numbers for box in self._boxes)
        self._boxes.append(Box("output", "", () if taken else (last,), "output"))
        self._links += [Link(source, output, kind) for source in ((output - 1,) if reads is None else reads)]
        found = [number for number, box in enumerate(self._boxes) if set(box.numbers) & set(self.layers)]
        layers = tuple(found or range(1, output))
        return Drawing(tuple(self._boxes), tuple(self._links), layers, tuple(self._notes))

    def _numbers(self, of: Iterable[int | str]) -> tuple[int, ...]:
        return tuple(self._names[each] if isinstance(each, str) else each for each in of)

    def _words(self, numbers: Iterable[int]) -> str:
        return ", ".join(self._parts.get((number,), self._sketch.boxes[number]) for number in numbers)
