"""Which examples go to which part: by chance, by name, by groups that stay together, or by time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from nas_gym.errors import ConfigError, DataError
from nas_gym.tasks.preparation import SIZES, Preparation, count
from nas_gym.tasks.splits import (
    PARTS,
    Split,
    check_parts,
    dealt,
    fold_parts,
    grouped_folds,
    in_order,
    stratified,
)

AGAIN = 1_000_003  # between the seeds of repeated cuts, so that those of two split seeds do not meet
UNUSED = -1
"""The part of an example that goes nowhere."""


@dataclass(frozen=True, eq=False)
class Division:
    """What examples come with that says which part they go to; each None where it says nothing.

    Attributes:
        parts: the place of each example's part in `PARTS`, or `UNUSED`, int64 (n,). Where no example is of
            the validation part, some of the training part are drawn for it.
        groups: number of each example's group, int64 (n,); a group is never in two parts.
        times: what the examples are ordered by, float64 (n,): training is before validation and test.
        gap: examples left out before the validation and the test part, of an order by time.
        clock: the times as they were written.
        begins: where examples are windows of time, when each begins, float64 (n,): of an order by time those
            are left out that would reach into a later part, so that no time is in two parts.
        names: what `parts`, `groups` and `times` are called, such as ``{"groups": "column 'patient'"}``.
        sized: whether the parts were drawn in the sizes that the options ask for.
        documented: whether the task's own documentation tells of it, so that nobody need be warned.
    """

    parts: np.ndarray | None = None
    groups: np.ndarray | None = None
    times: np.ndarray | None = None
    gap: int = 0
    clock: Sequence[Any] = ()
    names: tuple[tuple[str, str], ...] = ()
    sized: bool = False
    begins: np.ndarray | None = None
    documented: bool = False

    def at(self, rows: np.ndarray) -> Division:
        """Return the division of some examples."""
        return replace(
            self,
            parts=None if self.parts is None else self.parts[rows],
            groups=None if self.groups is None else self.groups[rows],
            times=None if self.times is None else self.times[rows],
            clock=[self.clock[row] for row in rows] if len(self.clock) else (),
            begins=None if self.begins is None else self.begins[rows],
        )

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to be drawn."""
        return self.parts is not None and set(range(len(PARTS))) <= set(np.unique(self.parts).tolist())

    def called(self, what: str) -> str:
        """Return what the parts, groups or times are called."""
        return dict(self.names).get(what, what)


@dataclass(frozen=True, eq=False)
class Divided:
    """The parts of a task.

    Attributes:
        parts: indices of the training, validation and test examples.
        folds: as of `nas_gym.tasks.Task`.
        words: why the examples are where they are, in one clause.
    """

    parts: Split
    folds: tuple[np.ndarray, ...]
    words: str

    def of_folds(self) -> Iterator[dict[str, np.ndarray]]:
        """Yield, for each fold but the first, the indices of its training and its validation part by name."""
        both = np.concatenate(self.parts[:2])
        for number, places in enumerate(self.folds[1:], 2):
            kept = np.ones(len(both), dtype=bool)
            kept[places] = False
            yield {f"fold-{number} train": both[kept], f"fold-{number} validation": both[places]}


@dataclass(frozen=True, eq=False)
class Strata:
    """What every part needs its share of.

    Attributes:
        y: int64 (n,) in [0, classes); all 0 of values and several labels.
        names: a name per class; ("",) where there are none.
        labels: which labels each example has, 0 or 1, (n, labels); None where it has one class or none.
    """

    y: np.ndarray
    names: Sequence[str]
    labels: np.ndarray | None = None

    def at(self, rows: np.ndarray) -> Strata:
        """Return the strata of some examples."""
        return Strata(self.y[rows], self.names, None if self.labels is None else self.labels[rows])

    @property
    def counts(self) -> np.ndarray:
        """How often each example has each class or label, int64 (n, labels)."""
        if self.labels is not None:
            return self.labels.astype(np.int64)
        counts: np.ndarray = np.eye(len(self.names), dtype=np.int64)[self.y]
        return counts


def divided(
    strata: Strata, division: Division | None, preparation: Preparation, options: Sequence[str]
) -> Divided:
    """Return which examples go where.

    Args:
        strata: what every part needs its share of.
        division: what the examples come with; None for nothing.
        preparation: sizes, seed and folds.
        options: names of the options that the user passed.

    Raises:
        NASGymError: if the parts would lack a class or examples, or an option has nothing to say.
    """
    division = division or Division()
    _check_options(division, preparation, options)
    if division.parts is None:
        sizes = preparation.counts(len(strata.y))
        parts, words = _drawn(strata, division, sizes, preparation.split_seed)
    else:
        parts, words = _named(strata, division, preparation)
    _check(strata, division, parts)
    train, validation, _ = parts
    return Divided(parts, _folds(strata, division, train, validation, preparation), words)


def _check_options(division: Division, preparation: Preparation, options: Sequence[str]) -> None:
    if division.groups is not None and division.times is not None:
        raise ConfigError(
            f"{division.called('groups')} and {division.called('times')} would both split the examples: "
            "leave group or time out"
        )
    if division.parts is not None:
        settled = (*SIZES, "split_seed", "folds") if division.is_complete else ("train_size", "test_size")
        for option in ("folds",) if division.sized else settled:
            if option in options and (option != "folds" or preparation.folds > 1):
                raise ConfigError(
                    f"the data comes in parts, which leaves nothing to {option}: leave the option out"
                )
        if division.gap:
            raise ConfigError(
                f"{division.called('parts')} says the parts, which leaves nothing to gap: leave gap out, or "
                "leave split out and the parts follow the time"
            )
    if division.times is not None and preparation.folds > 1:
        raise ConfigError(
            f"the examples are in order of {division.called('times')}, and folds would train on later "
            "examples than they are judged by: leave folds out"
        )


def _drawn(
    strata: Strata, division: Division, sizes: Sequence[int], seed: int
) -> tuple[tuple[np.ndarray, ...], str]:
    """Return parts of these sizes, two or three of them, and why they are so."""
    if division.times is not None:
        parts = in_order(division.times, sizes, division.gap, division.called("times"))
        parts = parts if division.begins is None else _apart(division.times, division.begins, parts)
        return parts, _of_time(division, parts)
    if division.groups is not None or strata.labels is not None:
        groups = np.arange(len(strata.y)) if division.groups is None else division.groups
        parts = dealt(groups, strata.counts, sizes, seed, division.called("groups"))
        if division.groups is None:
            return parts, "at random, with a like share of each label in every part"
        numbers = [str(len(np.unique(groups[part]))) for part in parts]
        held = f"{', '.join(numbers[:-1])} and {numbers[-1]} in {_listed(len(parts))}"
        return parts, f"by {division.called('groups')}, whose groups stay together: {held}"
    parts = stratified(strata.y, sizes, strata.names, seed)
    classes = ", with the same share of each class in every part" if len(strata.names) > 1 else ""
    return parts, f"at random{classes}"


def _apart(times: np.ndarray, begins: np.ndarray, parts: Split) -> Split:
    """Return parts without the windows that reach into a later part.

    Raises:
        NASGymError: if that leaves a part nothing.
    """
    kept = [
        *(part[times[part] < begins[later].min()] for part, later in pairwise(parts)),
        parts[-1],
    ]
    for name, part in zip(PARTS, kept, strict=False):
        if not len(part):
            raise DataError(
                f"the {name} part has no window that does not reach into the next part: lower window or "
                "horizon, or add rows"
            )
    return tuple(kept)


def _named(strata: Strata, division: Division, preparation: Preparation) -> tuple[Split, str]:
    """Return parts that were named; where none is for validation, it is drawn from the training part."""
    assert division.parts is not None
    train, validation, test = (np.flatnonzero(division.parts == place) for place in range(len(PARTS)))
    for part, places in (("train", train), ("test", test)):
        if not len(places):
            raise DataError(f"the {part} part has no examples: move some there")
    words = f"by {division.called('parts')}"
    if not len(validation):
        size = (
            count(preparation.validation_size, len(train))
            if preparation.folds == 1
            else round(len(train) / preparation.folds)
        )
        if not 1 <= size < len(train):
            raise ConfigError(
                f"validation_size {preparation.validation_size} does not fit the {len(train):,} examples "
                "of the train part: lower it so that both have some"
            )
        own = Division(None, division.groups, division.times, division.gap, division.clock, division.names)
        (kept, drawn), how = _drawn(
            strata.at(train), own.at(train), (len(train) - size, size), preparation.split_seed
        )
        train, validation = train[kept], train[drawn]
        words += f", and validation is drawn from train {how}"
    unused = int((division.parts == UNUSED).sum())
    if unused:
        words += f"; {unused:,} examples are in no part"
    return (train, validation, test), words


def _check(strata: Strata, division: Division, parts: Split) -> None:
    if len(strata.names) > 1:
        check_parts(strata.y, parts, strata.names)
    if division.groups is not None:
        _check_groups(division, division.groups, parts)
    if division.parts is not None and division.times is not None:
        _check_times(division, division.times, parts)


def _check_groups(division: Division, groups: np.ndarray, parts: Split) -> None:
    owner: dict[int, str] = {}
    for part, places in zip(PARTS, parts, strict=True):
        for group in np.unique(groups[places]).tolist():
            if owner.setdefault(group, part) != part:
                at = int(np.flatnonzero(groups == group)[0]) + 1
                raise DataError(
                    f"{division.called('parts')} puts the group of example {at:,} into the {owner[group]} "
                    f"and the {part} part, though {division.called('groups')} says that groups stay "
                    "together: mend one of them or leave group out"
                )


def _check_times(division: Division, times: np.ndarray, parts: Split) -> None:
    named = list(zip(PARTS, parts, strict=True))
    for (earlier, before), (later, after) in pairwise(named):
        last, first = before[times[before].argmax()], after[times[after].argmin()]
        if times[last] >= times[first]:
            raise DataError(
                f"{division.called('parts')} puts {division.clock[last]} into the {earlier} part and "
                f"{division.clock[first]} into the {later} part, though by {division.called('times')} each "
                "part is later than the one before: mend one of them or leave time out"
            )


def _folds(
    strata: Strata, division: Division, train: np.ndarray, validation: np.ndarray, preparation: Preparation
) -> tuple[np.ndarray, ...]:
    """Return the validation part of each fold, see `Task.folds`.

    Raises:
        NASGymError: if there are too few examples or groups, or another shuffle cuts them as one before.
    """
    if preparation.folds == 1:
        return ()
    both = np.concatenate([train, validation])
    places = np.arange(len(both))
    folds, seed, repeats = preparation.folds, preparation.split_seed, preparation.fold_repeats
    cuts = [(places[len(train) :], places[: len(train)], folds, seed)]
    # Of a cut of all examples the first part is empty, and it counts as one of the folds.
    cuts += [(places[:0], places, folds + 1, seed + repeat * AGAIN) for repeat in range(1, repeats)]
    if division.groups is not None or strata.labels is not None:
        groups = np.arange(len(strata.y)) if division.groups is None else division.groups
        parts = [grouped_folds(groups[both], strata.counts[both], *cut) for cut in cuts]
    else:
        parts = [fold_parts(strata.y[both], *cut) for cut in cuts]
    if len({frozenset(part.tobytes() for part in cut) - {b""} for cut in parts}) < repeats:
        raise ConfigError(
            f"fold_repeats={repeats} would cut the groups twice into the same folds, since few are of "
            "one size: lower fold_repeats, or leave it out"
        )
    return tuple(part for cut in parts for part in cut if len(part))


def _of_time(division: Division, parts: Sequence[np.ndarray]) -> str:
    assert division.times is not None
    ends = []
    for name, part in zip(PARTS, parts, strict=False):
        ordered = part[division.times[part].argsort(kind="stable")]
        ends.append(f"{name} from {division.clock[ordered[0]]} to {division.clock[ordered[-1]]}")
    if division.begins is not None:
        apart = (
            "no window reaches into a later part, but windows of a part overlap, so that intervals for new "
        )
        return f"by {division.called('times')}: {', '.join(ends)}; {apart}examples are too narrow"
    gap = f"; {division.gap:,} examples are left out before each later part" if division.gap else ""
    return f"by {division.called('times')}: {', '.join(ends)}{gap}"


def _listed(parts: int) -> str:
    names = PARTS[:parts]
    return f"{', '.join(names[:-1])} and {names[-1]}"
