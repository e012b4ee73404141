"""Edits by kind: what is added, removed or swapped for what, anywhere and at which position."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from nas_gym.explain.methods.anova.encoding import EncodedArchitectures, encode_architectures
from nas_gym.search_spaces import Architecture, Edit, SearchSpace


@dataclass(frozen=True, slots=True)
class EditKind:
    """A kind of edit.

    An edit that changes the value of a choice has an opposite, the two of which are one kind, so
    that both directions count: the effect of one is that of the other with the sign changed.

    Attributes:
        kind: ``"add"``, ``"remove"`` or ``"swap"``.
        words: description of an edit of this kind: ``"swap layer 2 activation from relu to tanh"``.
        opposite: words of its opposite, "" where that is another kind.
        anywhere: whether the position does not matter.
    """

    kind: str
    words: str
    opposite: str = ""
    anywhere: bool = False


def kinds_of(
    space: SearchSpace[Any], edit: Edit, name: str, old: int, new: int
) -> Iterator[tuple[EditKind, float]]:
    """Yield the kinds of an edit, with -1.0 where it is the opposite of that kind, else 1.0.

    Args:
        space: search space of the architectures.
        edit: the edit.
        name: name of the variable that it changed; "" for what was added or removed as a whole.
        old: number of the variable's choice before the edit.
        new: number of the variable's choice after it.
    """
    if not name:
        yield EditKind(edit.kind, edit.words), 1.0
        words = f"{edit.kind} {edit.value or f'a {edit.aspect}'}"
        yield EditKind(edit.kind, f"{words}, anywhere", anywhere=True), 1.0
        return
    variable = space.variables[name]
    sign = 1.0 if old < new else -1.0
    source, target = variable.choices[min(old, new)], variable.choices[max(old, new)]
    kind = "add" if edit.kind == "remove" else edit.kind
    yield _swap(kind, name, source, target), sign
    if variable.position:
        general = f"{variable.aspect or variable.group}, anywhere,"
        yield _swap(kind, general, source, target, anywhere=True), sign


def _swap(kind: str, name: str, source: str, target: str, *, anywhere: bool = False) -> EditKind:
    return EditKind(
        kind, f"swap {name} from {source} to {target}", f"swap {name} from {target} to {source}", anywhere
    )


@dataclass(frozen=True, eq=False)
class Edits:
    """Edits between architectures.

    Attributes:
        kinds: the different kinds.
        before: row of the architecture before each edit, int (m,).
        after: row of the architecture after it, int (m,).
        kind: number of the kind of each edit, int (m,); an edit of two kinds is there twice.
        sign: -1.0 for the opposite of the kind, else 1.0, float64 (m,).
    """

    kinds: tuple[EditKind, ...]
    before: np.ndarray
    after: np.ndarray
    kind: np.ndarray
    sign: np.ndarray


def edits_between(
    space: SearchSpace[Any], rows: dict[Architecture, int], *, inside: bool
) -> tuple[Edits, EncodedArchitectures]:
    """Return all edits of architectures, and all architectures that they connect.

    Args:
        space: search space of the architectures.
        rows: row of each architecture; without `inside` the architectures that edits lead to are added.
        inside: whether to leave out edits that lead to other architectures.
    """
    found: list[tuple[int, int, int]] = []
    for architecture, row in list(rows.items()):
        for action in range(1, len(space.actions)):
            after = space.edited(architecture, action)
            if after is not None and after != architecture and (not inside or after in rows):
                found.append((row, rows.setdefault(after, len(rows)), action))
    encoded = encode_architectures(space, rows)
    ends = np.array(found, dtype=np.int64).reshape(-1, 3)
    keys, which = np.unique(_changes(space, encoded, ends), axis=0, return_inverse=True)
    kinds: dict[EditKind, int] = {}
    edits: list[np.ndarray] = [np.empty((0, 4))]
    for number, (action, column, old, new) in enumerate(keys):
        name = encoded.names[column] if column >= 0 else ""
        these = ends[which.reshape(-1) == number, :2]
        for kind, sign in kinds_of(space, space.actions[action], name, int(old), int(new)):
            numbers = np.full((len(these), 2), [kinds.setdefault(kind, len(kinds)), sign])
            edits.append(np.hstack([these, numbers]))
    rows_of = np.vstack(edits)
    before, to, kind_of = rows_of[:, :3].astype(np.int64).T
    return Edits(tuple(kinds), before, to, kind_of, rows_of[:, 3]), encoded


def _changes(space: SearchSpace[Any], encoded: EncodedArchitectures, ends: np.ndarray) -> np.ndarray:
    """Return (action, variable, choice before, choice after) for each (before, after, action), int (m, 4).

    The last three are -1, 0 and 0 where an addition or removal changes more than one variable, such as a
    layer that brings its own choices and renumbers others, or none that is active before and after.
    """
    before, after, action = ends.T
    resizes = np.array([edit.kind != "swap" for edit in space.actions], dtype=bool)[action]
    old, new = encoded.codes[before], encoded.codes[after]
    shared = (old != new) & (old >= 0) & (new >= 0)
    first = shared.argmax(axis=1)[:, None]
    values = [np.take_along_axis(each, first, 1)[:, 0] for each in (old, new)]
    changes = np.column_stack([action, first[:, 0], *values])
    several = ((old != new).sum(axis=1) > 1) | (encoded.depth[before] != encoded.depth[after])
    changes[(resizes & several) | ~shared.any(axis=1), 1:] = (-1, 0, 0)
    return changes
