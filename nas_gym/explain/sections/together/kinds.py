"""Which of the best networks are good for the same reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nas_gym.explain.evidence.together import Together
from nas_gym.explain.sections.together.best import BestNetworks, Candidate

DECIDING = 3
"""Networks that agree in so many of the choices that matter most are of one kind."""
NONE = "none"
"""What stands for an option of a choice that a network does not have."""


@dataclass(frozen=True, eq=False)
class Kind:
    """Networks that agree in the choices that matter most.

    Attributes:
        options: their option of each of these choices; `NONE` where they do not have the choice.
        networks: the networks, the best first.
        differing: other choices in which they differ.
    """

    options: dict[str, str]
    networks: tuple[Candidate, ...]
    differing: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Kinds:
    """The best networks by what makes them good.

    Attributes:
        kinds: groups of networks that agree in the choices that matter most, the largest first.
        shared: choices that matter in which all of them agree, and their option.
        avoided: choices that matter in which they differ, and the options that none of them has.
        free: choices that matter of which every option occurs among them.
        open: choices that are not shown to matter in which they differ.
    """

    kinds: tuple[Kind, ...]
    shared: dict[str, str]
    avoided: dict[str, tuple[str, ...]]
    free: tuple[str, ...]
    open: tuple[str, ...]


def kinds_of(together: Together, best: BestNetworks, mattering: Sequence[str]) -> Kinds:
    """Return the best networks, grouped by their options of the choices that matter most.

    Args:
        together: the runs.
        best: the best networks.
        mattering: the choices that are shown to matter, the most important first.
    """
    space = together.evidence.search_space
    values = {}
    for one in best.leading:
        codes, active = space.encode(one.architecture), space.active_variables(one.architecture)
        values[str(one)] = {
            name: variable.choices[codes[name]] if name in active else NONE
            for name, variable in space.variables.items()
            if len(variable.choices) > 1
        }
    groups: dict[tuple[str, ...], list[Candidate]] = {}
    for one in best.leading:
        groups.setdefault(tuple(values[str(one)][name] for name in mattering[:DECIDING]), []).append(one)
    others = [
        name for name in space.variables if name not in mattering and len(space.variables[name].choices) > 1
    ]

    def seen(name: str, networks: Sequence[Candidate]) -> list[str]:
        return list(dict.fromkeys(values[str(one)][name] for one in networks))

    kinds = [
        Kind(
            dict(zip(mattering[:DECIDING], options, strict=True)),
            tuple(networks),
            tuple(name for name in (*mattering[DECIDING:], *others) if len(seen(name, networks)) > 1),
        )
        for options, networks in groups.items()
    ]
    occurring = {name: seen(name, best.leading) for name in mattering}
    missing = {
        name: tuple(value for value in space.variables[name].choices if value not in occurring[name])
        for name in mattering
    }
    shared = {name: found[0] for name, found in occurring.items() if len(found) == 1}
    return Kinds(
        tuple(sorted(kinds, key=lambda kind: -len(kind.networks))),
        shared,
        {name: gone for name, gone in missing.items() if gone and name not in shared},
        tuple(name for name, gone in missing.items() if not gone),
        tuple(name for name in others if len(seen(name, best.leading)) > 1),
    )
