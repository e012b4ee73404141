"""The architectures of the cell space: an operation for each edge of a small acyclic graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from random import Random

from nas_gym.errors import ConfigError, unknown
from nas_gym.search_spaces.mixed_radix import MixedRadix

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
NODES = 4
IN_WORDS = {
    "none": "none",
    "skip_connect": "a direct connection",
    "nor_conv_1x1": "a convolution of width 1",
    "nor_conv_3x3": "a convolution of width 3",
    "avg_pool_3x3": "an average over windows of 3",
}
PLACES = MixedRadix([len(OPERATIONS)] * len(EDGES))
EXAMPLE = "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|skip_connect~2|"


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell; `edges` holds the operation of each of `EDGES`, in their order."""

    edges: tuple[str, ...]

    def __str__(self) -> str:
        return "+".join(
            "".join(f"|{operation}~{source}" for source, operation in self.inputs(node)) + "|"
            for node in range(1, NODES)
        )

    def inputs(self, node: int) -> list[tuple[int, str]]:
        """Return the edges into a node: (source, operation), by source."""
        return [
            (source, operation)
            for (source, target), operation in zip(EDGES, self.edges, strict=True)
            if target == node
        ]


def parse_cell(text: str, operations: Sequence[str]) -> Cell:
    """Return the cell of an official NAS-Bench-201 string, white space around it aside.

    Raises:
        NASGymError: naming the node or the edge that is wrong.
    """
    nodes = text.strip().split("+")
    if len(nodes) != NODES - 1:
        raise ConfigError(
            f"cell {text!r} describes {len(nodes)} nodes joined by '+', expected {NODES - 1}: "
            f"write it like '{EXAMPLE}'"
        )
    edges: list[str] = []
    for node, part in enumerate(nodes, start=1):
        edges += _parse_node(part, node, text, operations)
    return Cell(tuple(edges))


def official_index(cell: Cell) -> int:
    """Return the number of a cell in NAS-Bench-201 and NATS-Bench, in range(15,625), as papers use it."""
    return _official_numbers()[_place(cell)]


def official_cell(index: int) -> Cell:
    """Return the cell of an official number in range(15,625); the inverse of `official_index`."""
    digits = PLACES.digits(official_order()[index])
    return Cell(tuple(OPERATIONS[digit] for digit in digits))


@cache
def official_order() -> tuple[int, ...]:
    """Return the places of the cells in the official order; a place counts through `OPERATIONS` by `EDGES`.

    The authors of NAS-Bench-201 listed all cells so, the last edge fastest, and shuffled the list with
    Python's generator and the seed 88 (`generate_meta_info` of their `exps/NAS-Bench-201/main.py`).
    """
    places = list(range(PLACES.size))
    Random(88).shuffle(places)
    return tuple(places)


@cache
def _official_numbers() -> dict[int, int]:
    return {place: number for number, place in enumerate(official_order())}


def _place(cell: Cell) -> int:
    return PLACES.number([OPERATIONS.index(operation) for operation in cell.edges])


def isomorphism_text(cell: Cell) -> str:
    """Return a text that cells computing the same share, the unique string of NAS-Bench-201.

    The value of the output written as a nested sum: 0 is the input of the cell, # is zero, an edge
    is ``(value)@operation``, a skip connection the value itself, and the terms of each node's sum
    are sorted as texts. As there (Dong and Yang 2020, zeros considered: 6,466 classes of the 15,625
    cells), a node that has only zeros coming in is zero where it has one edge (node 1), and the
    terms of a node that is skipped stay together. So equal texts mean equal functions at equal
    weights, batch normalisation's shift of a zero aside, but not every such pair has equal texts.
    """
    values = ["0"]
    for node in range(1, NODES):
        terms = []
        for source, operation in cell.inputs(node):
            if operation == "none" or values[source] == "#":
                terms.append("#")
            elif operation == "skip_connect":
                terms.append(values[source])
            else:
                terms.append(f"({values[source]})@{operation}")
        values.append("+".join(sorted(terms)))
    return values[-1]


def _parse_node(part: str, node: int, text: str, operations: Sequence[str]) -> list[str]:
    edges = part[1:-1].split("|")
    if len(part) < 2 or part[0] != "|" or part[-1] != "|" or len(edges) != node:
        raise ConfigError(
            f"cell {text!r} has {part!r} for node {node}, expected {node} edges between bars: "
            f"write it like '{'|'.join(['', *(f'none~{source}' for source in range(node)), ''])}'"
        )
    found = []
    for source, edge in enumerate(edges):
        operation, tilde, start = edge.partition("~")
        if not tilde or start != str(source):
            raise ConfigError(
                f"cell {text!r} has {edge!r} as edge {source}-{node}, expected an operation and "
                f"'~{source}': write it like 'none~{source}'"
            )
        if operation not in operations:
            raise unknown(f"operation on edge {source}-{node} of cell {text!r}", operation, operations)
        found.append(operation)
    return found
