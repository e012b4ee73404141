"""Splits: stratified by chance, of groups that stay together, and in order of time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nas_gym.errors import ConfigError, DataError

PARTS = ("train", "validation", "test")
Split = tuple[np.ndarray, ...]
RESTARTS = 20
FEW_GROUPS = 1000
"""Groups up to which they are dealt several times, since a few large ones may miss a class."""


def stratified(y: np.ndarray, counts: Sequence[int], class_names: Sequence[str], seed: int) -> Split:
    """Return indices of the training, validation and test examples, each in ascending order.

    Each class is shuffled once; the test part takes from its start, then the validation part, then
    the training part, so that the size of the training part changes no other part.

    Args:
        y: int64 (n,), labels in [0, classes).
        counts: examples of the training, validation and test part, together at most n; or of the first two.
        class_names: a name per class, for the errors.
        seed: seed of the shuffles.

    Raises:
        NASGymError: if a class or a part has too few examples for every part to have every class.
    """
    totals = np.bincount(y, minlength=len(class_names))
    _check(totals, counts, class_names)
    rng = np.random.default_rng(seed)
    shuffled = [rng.permutation(np.flatnonzero(y == label)) for label in range(len(totals))]
    used = np.zeros_like(totals)
    parts = []
    for later, size in enumerate(reversed(counts)):
        reserved = len(counts) - 1 - later
        take = _allocate(size, totals, totals - used - reserved)
        members = [shuffled[label][used[label] : used[label] + take[label]] for label in range(len(totals))]
        parts.append(np.sort(np.concatenate(members)))
        used += take
    return tuple(reversed(parts))


def fold_parts(
    y: np.ndarray, validation: np.ndarray, rest: np.ndarray, folds: int, seed: int
) -> tuple[np.ndarray, ...]:
    """Return the validation parts of all folds, of which the first is given; indices in ascending order.

    The other examples are cut into parts of nearly equal size, each with its share of every class: a class's
    shuffled examples are dealt one by one, and the next class goes on where the last one ended.

    Args:
        y: int64 (n,), labels in [0, classes); all 0 for values.
        validation: indices of the first fold's validation part.
        rest: indices of the examples of the other folds' validation parts.
        folds: number of folds, at least 2.
        seed: seed of the shuffles.

    Raises:
        NASGymError: if there are fewer examples than folds.
    """
    others = folds - 1
    if len(rest) < others:
        raise ConfigError(f"{folds} folds need more than {len(rest)} examples: lower folds")
    rng = np.random.default_rng([seed, folds])
    order = np.concatenate([rng.permutation(rest[y[rest] == label]) for label in np.unique(y[rest])])
    return (validation, *(np.sort(order[part::others]) for part in range(others)))


def dealt(
    groups: np.ndarray, counts: np.ndarray, sizes: Sequence[int], seed: int, name: str
) -> tuple[np.ndarray, ...]:
    """Return indices of parts of about these sizes, each in ascending order; no group is in two of them.

    Groups are dealt from the largest to the smallest, each to the part that lacks most of what it has
    (Sechidis, Tsoumakas and Vlahavas 2011, "On the Stratification of Multi-Label Data"). Of a few groups the
    best of several such deals is taken, by how far labels and sizes are off.

    Args:
        groups: number of each example's group, int64 (n,).
        counts: how often each example has each label, int64 (n, labels).
        sizes: wanted sizes; examples that they leave go to no part.
        seed: seed of the order of groups of one size.
        name: what the groups are called.

    Raises:
        NASGymError: if there are fewer groups than parts.
    """
    _, numbers = np.unique(groups, return_inverse=True)
    amount = int(numbers.max()) + 1
    if amount < len(sizes):
        raise DataError(
            f"{name} has {amount} group{'s' * (amount != 1)}, and each of {len(sizes)} parts needs one: add "
            "groups, or leave group out"
        )
    vectors = np.zeros((amount, counts.shape[1] + 1))
    np.add.at(vectors, numbers, np.concatenate([counts, np.ones((len(counts), 1))], axis=1))
    left = len(groups) - sum(sizes)
    shares = np.array([*sizes, *([left] if left else [])]) / len(groups)
    rng = np.random.default_rng([seed, amount])
    deals = [_deal(vectors, shares, len(sizes), rng) for _ in range(RESTARTS if amount <= FEW_GROUPS else 1)]
    _, owner = min(deals, key=lambda deal: deal[0])
    return tuple(np.flatnonzero(owner[numbers] == part) for part in range(len(sizes)))


def _deal(
    vectors: np.ndarray, shares: np.ndarray, needed: int, rng: np.random.Generator
) -> tuple[float, np.ndarray]:
    """Return how far one deal of groups is off, and the part of each group."""
    totals = vectors.sum(0)
    weights = 1 / np.maximum(totals, 1)
    short = shares[:, None] * totals
    order = rng.permutation(len(vectors))
    order = order[np.argsort(-vectors[order, -1], kind="stable")]
    owner = np.zeros(len(vectors), dtype=np.int64)
    held = np.zeros((len(shares), vectors.shape[1]))
    for later, group in enumerate(order):
        gain = short @ (weights * vectors[group])
        empty = held[:needed, -1] == 0
        if len(order) - later <= empty.sum():  # or a part would have none
            gain = np.where(np.pad(empty, (0, len(shares) - needed)), gain, -np.inf)
        part = int(gain.argmax())
        owner[group] = part
        short[part] -= vectors[group]
        held[part] += vectors[group]
    lacking = ((held[:needed] == 0) & (totals > 0)).sum()
    return float(lacking + (short**2 * weights).sum() / totals[-1]), owner


def grouped_folds(
    groups: np.ndarray, counts: np.ndarray, validation: np.ndarray, rest: np.ndarray, folds: int, seed: int
) -> tuple[np.ndarray, ...]:
    """Return the validation parts of all folds, of which the first is given; no group is in two of them.

    Args:
        groups: number of each example's group, int64 (n,).
        counts: how often each example has each label, int64 (n, labels).
        validation: indices of the first fold's validation part, of whole groups.
        rest: indices of the examples of the other folds' validation parts.
        folds: number of folds, at least 2.
        seed: seed of the order of groups of one size.

    Raises:
        NASGymError: if there are fewer groups than folds.
    """
    others, amount = folds - 1, len(np.unique(groups[rest]))
    if amount < others:
        raise ConfigError(f"{folds} folds need more than {amount + 1} groups: lower folds")
    sizes = [len(rest) * (place + 1) // others - len(rest) * place // others for place in range(others)]
    parts = dealt(groups[rest], counts[rest], sizes, seed, "groups")
    return (validation, *(rest[part] for part in parts))


def in_order(times: np.ndarray, sizes: Sequence[int], gap: int, name: str) -> tuple[np.ndarray, ...]:
    """Return indices of parts of about these sizes in order of time, each in ascending order.

    The last part is the latest. Examples of one time are in one part, so that a part begins where the time
    changes, at the change nearest to the size that was asked for.

    Args:
        times: float64 (n,).
        sizes: wanted sizes; where they leave examples, these are the earliest.
        gap: examples left out before each part but the first.
        name: what the times are called.

    Raises:
        NASGymError: if there are too few different times, or the gap leaves a part nothing.
    """
    order = np.argsort(times, kind="stable")
    ordered = times[order]
    changes = np.flatnonzero(ordered[1:] > ordered[:-1]) + 1
    if len(changes) < len(sizes) - 1:
        raise DataError(
            f"{name} has {len(changes) + 1} different time{'s' * (len(changes) > 0)}, and each of "
            f"{len(sizes)} parts needs one: leave time out"
        )
    starts, end, free = [], len(times), len(changes)
    for earlier, size in zip(range(len(sizes) - 1, 0, -1), reversed(sizes), strict=False):
        allowed = changes[earlier - 1 : free]  # so that each earlier part keeps a change of its own
        place = int(np.abs(allowed - (end - size)).argmin())
        free = earlier - 1 + place
        end = int(allowed[place])
        starts.append(end)
    starts.reverse()
    first = len(times) - sum(sizes)
    if starts[0] <= first:
        raise ConfigError(
            f"too many examples have one time of {name} for a train part of {sizes[0]:,}: raise "
            "train_size, or leave it out"
        )
    ends = [*(start - gap for start in starts), len(times)]
    parts = [order[max(start, 0) : max(end, 0)] for start, end in zip([first, *starts], ends, strict=True)]
    for part, places in zip(PARTS, parts, strict=False):
        if not len(places):
            raise ConfigError(f"a gap of {gap:,} leaves no example to the {part} part: lower gap")
    return tuple(np.sort(part) for part in parts)


def check_parts(y: np.ndarray, parts: Split, class_names: Sequence[str]) -> None:
    """Check that every part of a given split has every class.

    Raises:
        NASGymError: naming the part and the class.
    """
    for name, part in zip(PARTS, parts, strict=True):
        check_classes(y, name, part, class_names)


def check_classes(y: np.ndarray, name: str, part: np.ndarray, class_names: Sequence[str]) -> None:
    """Check that a part has every class.

    Args:
        y: int64 (n,), labels in [0, classes).
        name: of the part.
        part: its indices.
        class_names: a name per class.

    Raises:
        NASGymError: naming the part and the class.
    """
    missing = np.setdiff1d(np.arange(len(class_names)), y[part])
    if missing.size:
        raise DataError(
            f"the {name} part has no example of class {class_names[missing[0]]!r}: "
            "every part needs every class, move some there or leave the class out"
        )


def _check(totals: np.ndarray, counts: Sequence[int], class_names: Sequence[str]) -> None:
    rarest = int(totals.argmin())
    if totals[rarest] < len(counts):
        parts = "training and validation" if len(counts) == 2 else "training, validation and test"
        raise DataError(
            f"class {class_names[rarest]!r} has {totals[rarest]} of the at least {len(counts)} examples that "
            f"{parts} need: add examples, or merge or remove the class"
        )
    for name, size in zip(PARTS, counts, strict=False):
        if size < len(totals):
            raise ConfigError(
                f"the {name} part would have {size} examples for {len(totals)} classes: raise {name}_size"
            )


def _allocate(size: int, totals: np.ndarray, available: np.ndarray) -> np.ndarray:
    """Return how many of each class make a part of `size`: in proportion, at least one, at most available."""
    quota = size * totals / totals.sum()
    take: np.ndarray = np.clip(np.floor(quota).astype(np.int64), 1, available)
    while take.sum() < size:
        take[np.where(take < available, quota - take, -np.inf).argmax()] += 1
    while take.sum() > size:
        take[np.where(take > 1, quota - take, np.inf).argmin()] -= 1
    return take
