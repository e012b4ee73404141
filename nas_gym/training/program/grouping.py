"""Which nodes of which members run in one kernel, and in what order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from nas_gym.networks import Node, Shape
from nas_gym.training.program.values import Ids, Values

Value = tuple[int, int]  # (position of the member, number of the node)


@dataclass(frozen=True, eq=False)
class Group:
    """Equal operations of several members, run as one.

    Attributes:
        node: the operation.
        ids: what it computes, one value for each member.
        values: the same as (position of the member, number of the node).
        sources: for each input position what it reads, and as which of its readers each value does so.
        overwrites: whether it may overwrite its first inputs, which nothing else reads.
        trainable: whether gradients must reach it, and `passes` whether they must reach its first input.
        reached: for each input whether gradients must reach it.
        read: shapes of the inputs, where they are not all that of the first; else ().
    """

    node: Node
    ids: Ids
    values: tuple[Value, ...]
    sources: tuple[tuple[Ids, Ids], ...]
    overwrites: bool
    trainable: bool
    passes: bool
    reached: tuple[bool, ...] = ()
    read: tuple[Shape, ...] = ()


@dataclass(slots=True)
class _Ready:
    """Values that could be computed next, as one group.

    Attributes:
        remaining: of every value of the chunk, values of the longest path from it to an output.
        parts: the values.
        count: how many.
    """

    remaining: Ids
    parts: list[Ids] = field(default_factory=list)
    count: int = 0
    _measured: int = 0  # parts of which the paths are known
    _longest: int = 0
    _sum: int = 0

    def add(self, ids: Ids) -> None:
        """Add values."""
        self.parts.append(ids)
        self.count += len(ids)

    def paths(self) -> tuple[int, int]:
        """The longest path that remains from one of the values, and those from each of them added up."""
        for ids in self.parts[self._measured :]:
            remaining = self.remaining[ids]
            self._longest = max(self._longest, int(remaining.max()))
            self._sum += int(remaining.sum())
        self._measured = len(self.parts)
        return self._longest, self._sum


def schedule(values: Values) -> list[Group]:
    """Group the nodes of members greedily, by the rule that gives the fewest groups.

    The order of groups has no influence on a member's numbers.
    """
    order = _order(values, RULES[0])
    if len(values.outputs) > 1 and len(order) > FEW_GROUPS:
        order = min([order, *(_order(values, rule) for rule in RULES[1:])], key=len)
    return [_group(values, ids) for ids in order]


def _by_share(ready: _Ready, left: int) -> float:
    return ready.count / left


def _by_longest_path(ready: _Ready, _left: int) -> float:
    return ready.paths()[0]


def _by_sum_of_paths(ready: _Ready, _left: int) -> float:
    return ready.paths()[1]


Rule = Callable[[_Ready, int], float]
RULES: tuple[Rule, ...] = (_by_share, _by_longest_path, _by_sum_of_paths)
"""What runs next among signatures of which some values are not ready: that with the largest figure, by what
is ready and how many values are left. In the manner of Neubig, Goldberg and Dyer 2017 ("On-the-fly operation
batching", which takes the lowest mean depth). The second gives the fewest groups for cells, the third for
chains of different lengths: of 64 chains 533 groups, the first 638, the second 595."""
FEW_GROUPS = 64
"""So many groups take less time than another rule could spare."""


def _urgency(key: tuple[int, int], ready: _Ready, left: int, rule: Rule) -> tuple[object, ...]:
    """What sorts the groups that could run next, the first to run first."""
    return key[1] < 0, ready.count < left, -rule(ready, left), key


def _order(values: Values, rule: Rule) -> list[Ids]:
    """Return the values of each group; first always runs a signature whose remaining values are all ready."""
    waiting = values.inputs.copy()
    left = np.bincount(values.signatures).tolist()
    ready: dict[tuple[int, int], _Ready] = defaultdict(partial(_Ready, values.remaining))
    for signature, ids in _by_signature(values, np.flatnonzero(waiting == 0)):
        ready[signature, -1].add(ids)
    order: list[Ids] = []
    while ready:
        key = next(iter(ready))
        if len(ready) > 1:
            key = min(ready, key=lambda key: _urgency(key, ready[key], left[key[0]], rule))
        chosen = ready.pop(key)
        left[key[0]] -= chosen.count
        ids = np.concatenate(chosen.parts)
        if len(ids) > 1:
            ids = ids[np.lexsort((ids, values.futures[ids]))]
        targets = values.targets(ids)
        np.subtract.at(waiting, targets, 1)
        for signature, part in _by_signature(values, targets[waiting[targets] == 0]):
            # What runs in place stays with the group that it follows.
            origin = len(order) if values.node(part[0]).operation.in_place else -1
            ready[signature, origin].add(part)
        order.append(ids)
    return order


def _group(values: Values, ids: Ids) -> Group:
    pairs = tuple(zip(values.members[ids].tolist(), values.numbers[ids].tolist(), strict=True))
    sources = tuple(values.sources(ids, position) for position in range(values.inputs[ids[0]]))
    first = sources[0][0] if sources else ids[:0]
    overwrites = bool(sources) and bool(values.overwritable[first].all())
    # Alike in all values, since it is a part of the signature.
    trainable = bool(values.trainable[ids[0]])
    reached = tuple(bool(values.trainable[each[0]]) for each, _ in sources)
    passes = bool(reached) and reached[0]
    return Group(
        values.node(ids[0]), ids, pairs, sources, overwrites, trainable, passes, reached, values.read(ids[0])
    )


def _by_signature(values: Values, ids: Ids) -> list[tuple[int, Ids]]:
    """Split values, each counted once, by signature."""
    if len(ids) > 1:
        ids = np.unique(ids)
    signatures = values.signatures[ids]
    if len(ids) == 1:
        return [(int(signatures[0]), ids)]
    return [(int(each), ids[signatures == each]) for each in np.unique(signatures)]
