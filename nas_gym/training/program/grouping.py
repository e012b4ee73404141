"""Which nodes of which members run in one kernel, and in what order."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from nas_gym.networks import Node
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
        trainable: whether gradients must reach it, and `passes` whether they must reach its inputs.
    """

    node: Node
    ids: Ids
    values: tuple[Value, ...]
    sources: tuple[tuple[Ids, Ids], ...]
    overwrites: bool
    trainable: bool
    passes: bool


def schedule(values: Values) -> list[Group]:
    """Group the nodes of members greedily, in the manner of Neubig, Goldberg and Dyer 2017.

    Next runs the signature of whose remaining nodes the largest share is ready ("On-the-fly
    operation batching" takes the lowest mean depth, which measured a tenth more groups). The order of
    groups has no influence on a member's numbers.
    """
    waiting = values.inputs.copy()
    remaining = np.bincount(values.signatures).tolist()
    ready: dict[tuple[int, int], list[Ids]] = defaultdict(list)
    for signature, ids in _by_signature(values, np.flatnonzero(waiting == 0)):
        ready[signature, -1].append(ids)
    counts = {key: sum(map(len, parts)) for key, parts in ready.items()}
    groups: list[Group] = []
    while ready:
        key = min(counts, key=lambda key: (key[1] < 0, -counts[key] / remaining[key[0]], key))
        remaining[key[0]] -= counts.pop(key)
        ids = np.concatenate(ready.pop(key))
        if len(ids) > 1:
            ids = ids[np.lexsort((ids, values.futures[ids]))]
        targets = values.targets(ids)
        np.subtract.at(waiting, targets, 1)
        for signature, part in _by_signature(values, targets[waiting[targets] == 0]):
            # What runs in place stays with the group that it follows.
            origin = len(groups) if values.node(part[0]).operation.in_place else -1
            ready[signature, origin].append(part)
            counts[signature, origin] = counts.get((signature, origin), 0) + len(part)
        groups.append(_group(values, ids))
    return groups


def _group(values: Values, ids: Ids) -> Group:
    pairs = tuple(zip(values.members[ids].tolist(), values.numbers[ids].tolist(), strict=True))
    sources = tuple(values.sources(ids, position) for position in range(values.inputs[ids[0]]))
    first = sources[0][0] if sources else ids[:0]
    overwrites = bool(sources) and bool(values.overwritable[first].all())
    # Of all inputs or of none, since it is a part of the signature.
    trainable, passes = bool(values.trainable[ids[0]]), bool(values.trainable[first[:1]].any())
    return Group(values.node(ids[0]), ids, pairs, sources, overwrites, trainable, passes)


def _by_signature(values: Values, ids: Ids) -> list[tuple[int, Ids]]:
    """Split values, each counted once, by signature."""
    if len(ids) > 1:
        ids = np.unique(ids)
    signatures = values.signatures[ids]
    if len(ids) == 1:
        return [(int(signatures[0]), ids)]
    return [(int(each), ids[signatures == each]) for each in np.unique(signatures)]
