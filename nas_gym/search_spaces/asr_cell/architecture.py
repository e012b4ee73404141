"""The architectures of the cell of NAS-Bench-ASR: three operations in a row, and shortcuts around them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from nas_gym.errors import ConfigError, unknown

NODES = 3
OPERATIONS = ("zero", "linear", "conv5", "conv5d2", "conv7", "conv7d2")
PRESENT = OPERATIONS[1:]
SKIPS = tuple((source, target) for target in range(1, NODES + 1) for source in range(target))
"""Shortcuts from the value of a node (0 is the input of the cell) to that of a later one."""
KERNELS = {"conv5": (5, 1), "conv5d2": (5, 2), "conv7": (7, 1), "conv7d2": (7, 2)}
"""Kernel and dilation of each convolution."""
IN_WORDS = {
    "zero": "nothing",
    "linear": "a linear layer for each frame",
    "conv5": "a convolution over 5 frames",
    "conv5d2": "a convolution over 5 frames of every second",
    "conv7": "a convolution over 7 frames",
    "conv7d2": "a convolution over 7 frames of every second",
}
EXAMPLE = "conv5+0 > linear > conv7d2+0+2"


@dataclass(frozen=True, slots=True)
class AsrCell:
    """A cell: the operation of each node, and which of `SKIPS` are there, in their order."""

    operations: tuple[str, ...]
    skips: tuple[bool, ...]

    def __str__(self) -> str:
        return " > ".join(
            "+".join([operation, *map(str, self.sources(node))])
            for node, operation in enumerate(self.operations, start=1)
        )

    def sources(self, node: int) -> list[int]:
        """Return the nodes that a shortcut leads from to a node."""
        pairs = zip(SKIPS, self.skips, strict=True)
        return [source for (source, target), there in pairs if there and target == node]


def parse_cell(text: str) -> AsrCell:
    """Return the cell of a text.

    Raises:
        NASGymError: naming the node that is wrong.
    """
    nodes = [part.strip() for part in text.split(">")]
    if len(nodes) != NODES:
        raise ConfigError(
            f"cell {text!r} has {len(nodes)} nodes joined by '>', expected {NODES}: write it like {EXAMPLE!r}"
        )
    operations, skips = [], set()
    for node, part in enumerate(nodes, start=1):
        operation, *sources = part.split("+")
        if operation not in OPERATIONS:
            raise unknown(f"operation of node {node} of cell {text!r}", operation, OPERATIONS)
        known = list(map(str, range(node)))
        if not set(sources) <= set(known) or sorted(set(sources)) != sources:
            raise ConfigError(
                f"cell {text!r} has {part!r} for node {node}, expected an operation and numbers of earlier "
                f"nodes, ascending, of {', '.join(known)}: write it like {EXAMPLE!r}"
            )
        operations.append(operation)
        skips |= {(int(source), node) for source in sources}
    return AsrCell(tuple(operations), tuple(pair in skips for pair in SKIPS))


def isomorphism_text(cell: AsrCell) -> str:
    """Return a text that cells computing the same share: the value of the last node as a nested sum.

    ``x`` is the input of the cell, 0 is zero, ``conv5(...)`` an operation on a value. The terms of a sum are
    sorted, each with how often it is there, so that what is not read and the order of what is added do not
    count. Operations of zero are zero, their biases aside.
    """
    values: list[Counter[str]] = [Counter({"x": 1})]
    for node, operation in enumerate(cell.operations, start=1):
        before, terms = values[-1], Counter[str]()
        if operation != "zero" and before:
            terms[f"{operation}({_sum(before)})"] += 1
        for source in cell.sources(node):
            terms += values[source]
        values.append(terms)
    return _sum(values[-1])


def _sum(terms: Counter[str]) -> str:
    return "+".join(term if count == 1 else f"{count}*{term}" for term, count in sorted(terms.items())) or "0"
