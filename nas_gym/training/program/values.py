"""The values that the members of a chunk compute, numbered through, and what is known of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from nas_gym.networks import Network, Node, Shape
from nas_gym.training.program.reduced_graph import signature
from nas_gym.training.program.templates import NOT_KNOWN, Template, Templates

Ids = NDArray[np.int64]
"""Values by their position among all of a chunk."""
Reached = tuple[bool, ...]


class Values:
    """Every value of every member, those of members of one form side by side.

    A value is known by its position, so that what concerns many of them is arithmetic on arrays.

    Args:
        networks: network of each member.
        to_input: whether gradients must reach the inputs, too.

    Attributes:
        members: member of each value.
        numbers: number in the network of the node that computes it.
        outputs: for each member the value that its network gives.
        signatures: what values must share to be computed by one kernel, by rank.
        futures: what sorts values with a like continuation together, by rank.
        trainable: whether a gradient must reach the value.
        drawn: random numbers that initial weights of earlier nodes take; `NOT_KNOWN` for some.
        inputs: how many values it reads.
        readers: how many times it is read.
        remaining: values of the longest path from it to the output.
        overwritable: whether its only reader may overwrite it.
    """

    def __init__(self, networks: Iterable[Network], *, to_input: bool = False) -> None:
        templates = Templates(networks, to_input=to_input)
        patterns: dict[Reached, int] = {}
        starts, parts = 0, []
        for template in templates:
            parts.append(_Part(template, starts, patterns, templates))
            starts += len(parts[-1].members)
        joined = partial(_joined, parts)
        self.members, self.numbers = joined("members"), joined("numbers")
        self.inputs, self.readers = joined("inputs"), joined("readers")
        self.remaining = joined("remaining")
        self.trainable, self.drawn = joined("trainable") == 1, joined("drawn")
        self._kinds, self._patterns = joined("kinds"), joined("patterns")
        self._sources, self._places, self._targets = (
            joined(name) for name in ("sources", "places", "targets")
        )
        self._first_source = np.cumsum(self.inputs) - self.inputs
        self._first_target = np.cumsum(self.readers) - self.readers
        self._nodes: list[Node] = [kind.node for kind in templates.kinds]
        self._read = [kind.read for kind in templates.kinds]
        kept = np.array([node.operation.keeps_result for node in self._nodes], dtype=bool)
        self.overwritable = (self.readers == 1) & ~kept[self._kinds]
        self.outputs = np.empty(sum(len(part.outputs) for part in parts), dtype=np.int64)
        for part in parts:
            self.outputs[part.template.members] = part.outputs
        self.signatures = self._signatures(list(patterns))
        self.futures = _futures(self.signatures, parts)

    def __len__(self) -> int:
        return len(self.members)

    def node(self, id_: int) -> Node:
        """Return a node that computes what the value's own does."""
        return self._nodes[int(self._kinds[id_])]

    def read(self, id_: int) -> tuple[Shape, ...]:
        """Return the shapes of what a value's node reads, () where they are alike."""
        return self._read[int(self._kinds[id_])]

    def sources(self, ids: Ids, position: int) -> tuple[Ids, Ids]:
        """Return what values read at an input position, and as which of its readers each does so."""
        at = self._first_source[ids] + position
        return self._sources[at], self._places[at]

    def targets(self, ids: Ids) -> Ids:
        """Return what reads values, as often as it does."""
        counts = self.readers[ids]
        before = np.cumsum(counts) - counts
        at = np.arange(counts.sum()) + np.repeat(self._first_target[ids] - before, counts)
        found: Ids = self._targets[at]
        return found

    def _signatures(self, patterns: Sequence[Reached]) -> Ids:
        codes, places = np.unique(self._kinds * len(patterns) + self._patterns, return_inverse=True)
        pairs = [divmod(int(code), len(patterns)) for code in codes]
        texts = [signature(self._nodes[kind], patterns[pattern], self._read[kind]) for kind, pattern in pairs]
        rank = {text: place for place, text in enumerate(sorted(set(texts)))}
        return np.array([rank[text] for text in texts], dtype=np.int64)[places]


class _Part:
    """The values of the members of one form: for each of them a row, for each computed node a column."""

    def __init__(
        self, template: Template, start: int, patterns: dict[Reached, int], templates: Templates
    ) -> None:
        self.template, columns = template, template.columns
        numbers = columns.numbers
        self.starts = start + len(numbers) * np.arange(len(template.members))
        kinds = np.array(template.kinds, dtype=np.int64)
        self.kinds = kinds[:, numbers].ravel()
        self.drawn = _drawn(kinds, templates)[:, numbers].ravel()
        self.members = np.repeat(np.array(template.members, dtype=np.int64), len(numbers))
        self.numbers, self.inputs = self._each(numbers), self._each(columns.inputs)
        self.readers, self.trainable = self._each(columns.readers), self._each(columns.trainable)
        self.remaining = self._each(columns.remaining)
        pattern = [patterns.setdefault(reached, len(patterns)) for reached in columns.reached]
        self.patterns = self._each(np.array(pattern, dtype=np.int64))
        self.sources, self.places = self._moved(columns.sources), self._each(columns.places)
        self.targets, self.outputs = self._moved(columns.targets), self._moved(columns.output)

    def _each(self, column: Ids) -> Ids:
        """The same of every member."""
        return np.tile(column, len(self.starts)) if len(self.starts) > 1 else column

    def _moved(self, columns: Ids) -> Ids:
        """Columns of every member as values."""
        return np.add.outer(self.starts, columns).ravel()


def _joined(parts: Sequence[_Part], name: str) -> Ids:
    return np.concatenate([getattr(part, name) for part in parts])


def _drawn(kinds: Ids, templates: Templates) -> Ids:
    """The random numbers drawn before each node, (members, nodes)."""
    each = np.array([kind.drawn for kind in templates.kinds], dtype=np.int64)[kinds]
    before = np.cumsum(each, axis=1) - each
    return np.where((each == NOT_KNOWN).any(1, keepdims=True), NOT_KNOWN, before)


def _futures(signatures: Ids, parts: Sequence[_Part]) -> Ids:
    """Rank values by the signatures of their first readers, the first readers of these and so on."""
    steps: list[list[Ids]] = []  # for each part the signatures one reader on, two readers on, ...
    for part in parts:
        following = part.template.columns.following
        rows, columns = len(part.starts), len(following) - 1
        own = signatures[part.starts[0] : part.starts[0] + rows * columns].reshape(rows, columns)
        ended = np.hstack([own, np.full((rows, 1), -1)])
        steps.append([])
        reached = following[:-1]
        while (reached < columns).any():
            steps[-1].append(ended[:, reached].ravel())
            reached = following[reached]
    keys = np.full((max(map(len, steps)) + 1, len(signatures)), -1, dtype=np.int32)
    for part, each in zip(parts, steps, strict=True):
        start = int(part.starts[0])
        for step, found in enumerate(each):
            keys[step, start : start + len(found)] = found
    order = np.lexsort(keys[::-1])
    ordered = keys[:, order]
    ranks = np.zeros(len(signatures), dtype=np.int64)
    ranks[order[1:]] = np.cumsum((ordered[:, 1:] != ordered[:, :-1]).any(0))
    return ranks
