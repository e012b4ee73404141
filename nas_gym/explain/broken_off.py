"""What a section says that a limit by the clock has broken off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nas_gym.explain.fact import out_of_time
from nas_gym.explain.report.phrases import listed
from nas_gym.explain.section import Section


def broken_off(section: Section, missing: Sequence[str]) -> Section:
    """Return a section that says what there was no time for, after what it has.

    Args:
        section: the section.
        missing: what it lacks, each in words as in ``"There was no time for ..."``; none leaves it as it is.
    """
    if not missing:
        return section
    facts = tuple(out_of_time(what, section.question) for what in missing)
    said = f"There was no time for {listed(list(missing))}."
    return replace(section, answer=(*section.answer, said), facts=(*section.facts, *facts))
