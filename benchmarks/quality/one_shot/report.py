"""The table of use.py: test accuracies with the tests between agents that every comparison has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from landscapes import LANDSCAPES
from nas_agents.comparison.analysis import analyse
from nas_agents.comparison.ranking import Analysis
from nas_agents.comparison.records import Run

AGAINST = {"random": "random", "the largest network": "largest"}


def tabulated(lines: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> str:
    """Return the table of all landscapes in Markdown, with what it says in sentences.

    Of each landscape the seeds count that every agent has finished, so that runs are paired.
    """
    analyses = {name: analysed([each for each in lines if each["landscape"] == name]) for name in LANDSCAPES}
    known = {name: found for name, found in analyses.items() if found is not None}
    if not known:
        return "no landscape has a seed that two agents finished"
    heads = [
        f"{name}: {LANDSCAPES[name].about} (seeds: {found.agents[0].runs})" for name, found in known.items()
    ]
    rows = [f"| agent | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for label in labels:
        cells = [_cell(found, label) for found in known.values()]
        if any(cell != "-" for cell in cells):
            rows.append(f"| {label} | {' | '.join(cells)} |")
    refused: dict[tuple[str, str], list[str]] = {}
    for each in lines:
        if "refused" in each:
            refused.setdefault((each["landscape"], each["refused"]), []).append(each["label"])
    reasons = [f"- {', '.join(by)} on {where}: {reason}" for (where, reason), by in refused.items()]
    verdicts = [f"- {name}: {sentence}" for name, found in known.items() for sentence in found.verdict]
    return "\n".join([*rows, "", "Not searched:", *reasons, "", "Tests:", *verdicts])


def analysed(lines: Sequence[Mapping[str, Any]]) -> Analysis | None:
    """Return the comparison of the runs of a landscape; None where there is nothing to compare."""
    seeds: dict[str, set[int]] = {}
    for each in lines:
        if "refused" not in each:
            seeds.setdefault(each["label"], set()).add(each["seed"])
    common = set.intersection(*seeds.values()) if seeds else set()
    if len(seeds) < 2 or not common:
        return None
    return analyse(
        [Run.from_result(each) for each in lines if each["seed"] in common and "refused" not in each]
    )


def _cell(found: Analysis, label: str) -> str:
    row = next((each for each in found.agents if each.agent == label), None)
    if row is None:
        return "-"
    interval = f"{row.test.value:.3f}"
    if row.test.is_known:
        interval += f" ({row.test.lower:.3f} to {row.test.upper:.3f})"
    interval = interval.replace("0.", ".")
    said = []
    for pair in found.pairs:
        other = {pair.first: pair.second, pair.second: pair.first}.get(label)
        if pair.significant and other in AGAINST:
            higher = (pair.difference > 0) == (pair.first == label)
            said.append(f"{'above' if higher else 'below'} {AGAINST[other]}")
    return f"{interval}{'; ' if said else ''}{', '.join(said)}"
