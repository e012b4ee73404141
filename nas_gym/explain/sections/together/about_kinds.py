"""What makes the best networks good, as a section."""

from __future__ import annotations

from typing import Any

from nas_gym.explain.report.phrases import listed
from nas_gym.explain.section import Section, Table, withheld
from nas_gym.explain.sections.together.figures import kinds_figure
from nas_gym.explain.sections.together.findings import Findings
from nas_gym.explain.sections.together.kinds import DECIDING, Kinds
from nas_gym.explain.sections.together.text_choices import in_common

KINDS = ("kinds", "Which networks are good for the same reasons?")


def kinds_section(found: Findings) -> Section:
    """Return the section on kinds of good networks; withheld where no choice is shown to matter."""
    kinds, best = found.kinds, found.best
    mattering = [one.name for one in found.shown]
    answer = tuple(in_common(found))
    if not mattering or len(best.leading) == 1:
        return withheld(*KINDS, " ".join(answer), {"networks": [str(one) for one in best.leading]})
    rows = tuple(
        (
            listed([f"{name} {value}" for name, value in kind.options.items()]),
            len(kind.networks),
            f"{kind.networks[0].score:.1%}",
            str(kind.networks[0]),
            listed(list(kind.differing)) or None,
        )
        for kind in kinds.kinds
    )
    return Section(
        *KINDS,
        answer,
        trust=f"Which networks are the best is known by {best.source}; which choices matter, by the "
        "evaluations of all runs. That a network has what matters does not prove that this is why it is "
        "good.",
        tables=(
            Table(
                "kinds",
                "Kinds of the best networks: their options of the choices that matter most, how many are of "
                "the kind, the best of them, and other choices in which they differ.",
                ("what matters", "networks", "best", "such as", "differ in"),
                rows,
            ),
        ),
        figures=(kinds_figure(found.together, best, kinds, mattering[:DECIDING]),),
        numbers=_kinds_numbers(kinds),
    )


def _kinds_numbers(kinds: Kinds) -> dict[str, Any]:
    return {
        "kinds": [
            {
                "options": dict(kind.options),
                "networks": [str(one) for one in kind.networks],
                "differing": list(kind.differing),
            }
            for kind in kinds.kinds
        ],
        "shared": dict(kinds.shared),
        "avoided": {name: list(values) for name, values in kinds.avoided.items()},
        "free": list(kinds.free),
        "open": list(kinds.open),
    }
