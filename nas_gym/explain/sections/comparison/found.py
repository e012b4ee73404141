"""The networks that two runs found and tried, beside each other."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.report.phrases import counted, listed, percent
from nas_gym.explain.section import Section, Table
from nas_gym.explain.sections.comparison.figures import best_figure
from nas_gym.search_spaces import Architecture, SearchSpace

FOUND = ("found", "What did each run find?")
TRIED = ("tried", "What did each run try?")


class _ValueUse(NamedTuple):
    """How often each run tried a value of a choice, and the mean score of those networks."""

    choice: str
    value: str
    shares: tuple[float, float]
    scores: tuple[float | None, float | None]


def compare_found(runs: tuple[Evidence, Evidence], names: tuple[str, str]) -> Section:
    """Return the network that each run chose, and in what they differ."""
    chosen, label = tuple(run.chosen for run in runs), runs[0].metric.label
    gap = chosen[0].score - chosen[1].score
    better = int(gap < 0)
    differing = _differences(runs[0].search_space, chosen[0].architecture, chosen[1].architecture)
    same = f"{names[better]} found the better network by the {label} that it saw"
    if chosen[0].architecture == chosen[1].architecture:
        same = f"Both found the same network, by the {label} that they saw"
    elif gap == 0:
        same = f"Both found networks that are equally good by the {label} that they saw"
    verdict = (
        f"{same}: {chosen[0].score:.1%} ({names[0]}) and {chosen[1].score:.1%} ({names[1]}), "
        f"after {counted(len(runs[0].seen), 'evaluation')} and {len(runs[1].seen):,}."
    )
    common = _common(runs)
    numbers = {
        "difference": gap,
        "networks": [str(one.architecture) for one in chosen],
        "scores": [one.score for one in chosen],
        "evaluations": [len(run.seen) for run in runs],
        "differing_choices": [list(one) for one in differing],
        "evaluated_by_both": len(common),
    }
    return Section(
        *FOUND,
        answer=(
            verdict,
            f"Their networks differ in {listed([name for name, _, _ in differing])}."
            if differing
            else "Their networks differ in no choice.",
        ),
        trust=(
            f"Each run chose the network that did best in it, so its {label} is optimistic; `nas-gym "
            "compare` scores several runs by fresh seeds. One run each says little about the agents."
        ),
        tables=(
            Table(
                "networks",
                "The choices in which the two networks differ; - where a network does not have the choice.",
                ("choice", *names),
                tuple(differing),
            ),
        ),
        figures=(best_figure(runs, names),),
        numbers=numbers,
    )


def _differences(
    space: SearchSpace[Any], one: Architecture, other: Architecture
) -> list[tuple[str, str, str]]:
    found = []
    for name, variable in space.variables.items():
        words = [
            variable.choices[space.encode(each)[name]] if name in space.active_variables(each) else "-"
            for each in (one, other)
        ]
        if words[0] != words[1]:
            found.append((name, words[0], words[1]))
    return found


def _common(runs: tuple[Evidence, Evidence]) -> list[Architecture]:
    second = {str(one.architecture) for one in runs[1].seen}
    return list(
        {
            str(one.architecture): one.architecture for one in runs[0].seen if str(one.architecture) in second
        }.values()
    )


def compare_tried(runs: tuple[Evidence, Evidence], names: tuple[str, str]) -> Section:
    """Return how the evaluations of each run were spread over the choices, and their mean scores."""
    space, common, label = runs[0].search_space, _common(runs), runs[0].metric.label
    rows = []
    for name, variable in space.variables.items():
        for code, value in enumerate(variable.choices):
            (share, mean), (other_share, other_mean) = (_of_choice(run, name, code) for run in runs)
            rows.append(_ValueUse(name, value, (share, other_share), (mean, other_mean)))
    rows.sort(key=lambda row: -abs(row.shares[0] - row.shares[1]))
    most = rows[0]
    means = [float(np.mean([one.score for one in run.succeeded])) for run in runs]
    union = len({str(one.architecture) for run in runs for one in run.seen})
    return Section(
        *TRIED,
        answer=(
            f"Together they tried {union:,} networks, {len(common):,} of them in both runs. They "
            f"differ most in how often they tried {most.choice} {most.value}: in {percent(most.shares[0])} "
            f"of the networks of {names[0]} that have this choice, and in {percent(most.shares[1])} of "
            f"those of {names[1]}.",
            f"The networks that {names[0]} tried have a mean {label} of {means[0]:.1%}, those of {names[1]} "
            f"of {means[1]:.1%}.",
        ),
        trust="A value that one run tried more often need not be the reason why it did better or worse.",
        tables=(
            Table(
                "choices",
                "The share of networks with each value among those that have the choice, by run, and their "
                f"mean {label}.",
                ("choice", "value", *names, *(f"{label}, {name}" for name in names)),
                tuple(
                    (
                        row.choice,
                        row.value,
                        *(percent(share) for share in row.shares),
                        *(None if mean is None else round(mean, 4) for mean in row.scores),
                    )
                    for row in rows
                ),
            ),
        ),
        numbers={
            "networks": union,
            "evaluated_by_both": len(common),
            "mean_scores": means,
            "choices": [
                {
                    "choice": row.choice,
                    "value": row.value,
                    "shares": list(row.shares),
                    "scores": list(row.scores),
                }
                for row in rows
            ],
        },
    )


def _of_choice(run: Evidence, name: str, code: int) -> tuple[float, float | None]:
    """Return the share of a value among the networks that have the choice, and their mean score."""
    space = run.search_space
    having = [one for one in run.succeeded if name in space.active_variables(one.architecture)]
    chosen = [one.score for one in having if space.encode(one.architecture)[name] == code]
    share = len(chosen) / len(having) if having else 0.0
    return share, float(np.mean(chosen)) if chosen else None
