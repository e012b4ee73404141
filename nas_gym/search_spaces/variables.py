"""The variables of a search space: the choices that make an architecture, and where each of them is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

DEPTH = "depth"


@dataclass(frozen=True, slots=True)
class Variable:
    """One choice of the fixed-length form of an architecture.

    Attributes:
        name: its name, which no other variable of the space has ("layer 2 activation").
        choices: its values in words, at least one.
        group: what it belongs to, where the architecture has several alike ("layer", "edge", "skip");
            "" where it belongs to the whole.
        position: which of the group: (2,) for the second layer, (0, 3) for the edge from node 0 to
            node 3; () where it belongs to the whole.
        aspect: what is chosen there ("activation"); "" where the group says it (what is on an edge).
            ``"depth"`` is the number of positions in use, by which other variables are active or not.
    """

    name: str
    choices: tuple[str, ...]
    group: str = ""
    position: tuple[int, ...] = ()
    aspect: str = ""

    @classmethod
    def of_whole(cls, name: str, choices: Iterable[object]) -> Variable:
        """Return a variable that belongs to the whole architecture; its name is its aspect."""
        return cls(name, tuple(map(str, choices)), aspect=name)

    @classmethod
    def at(cls, group: str, position: Sequence[int], choices: Iterable[object], aspect: str = "") -> Variable:
        """Return a variable at a position, named by it: "layer 2 activation", "edge 0-3"."""
        variable = cls("", tuple(map(str, choices)), group, tuple(position), aspect)
        return replace(variable, name=f"{variable.place} {aspect}".rstrip())

    @property
    def place(self) -> str:
        """The group and the position in words ("layer 2"); "" where it belongs to the whole."""
        return f"{self.group} {'-'.join(map(str, self.position))}" if self.position else ""

    @property
    def is_depth(self) -> bool:
        """Whether it is the number of positions in use."""
        return self.aspect == DEPTH and not self.position


def by_name(variables: Iterable[Variable]) -> dict[str, Variable]:
    """Return variables by their names, in order."""
    return {variable.name: variable for variable in variables}
