"""Fixed, stratified splits in which every part has every class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nas_gym.errors import ConfigError, DataError
from nas_gym.tasks.data import PARTS

Split = tuple[np.ndarray, np.ndarray, np.ndarray]


def stratified(y: np.ndarray, counts: Sequence[int], class_names: Sequence[str], seed: int) -> Split:
    """Return indices of the training, validation and test examples, each in ascending order.

    Each class is shuffled once; the test part takes from its start, then the validation part, then
    the training part, so that the size of the training part changes no other part.

    Args:
        y: int64 (n,), labels in [0, classes).
        counts: examples of the training, validation and test part, together at most n.
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
    test, validation, train = parts
    return train, validation, test


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


def check_parts(y: np.ndarray, parts: Split, class_names: Sequence[str]) -> None:
    """Check that every part of a given split has every class.

    Raises:
        NASGymError: naming the part and the class.
    """
    for name, part in zip(PARTS, parts, strict=True):
        missing = np.setdiff1d(np.arange(len(class_names)), y[part])
        if missing.size:
            raise DataError(
                f"the {name} part has no example of class {class_names[missing[0]]!r}: "
                "every part needs every class, move some there or leave the class out"
            )


def _check(totals: np.ndarray, counts: Sequence[int], class_names: Sequence[str]) -> None:
    rarest = int(totals.argmin())
    if totals[rarest] < len(counts):
        raise DataError(
            f"class {class_names[rarest]!r} has {totals[rarest]} of the at least {len(counts)} examples that "
            "training, validation and test need: add examples, or merge or remove the class"
        )
    for name, size in zip(PARTS, counts, strict=True):
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
