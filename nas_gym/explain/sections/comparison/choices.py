"""How much each choice matters by one run and by the other, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from scipy.stats import kendalltau

from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.report.phrases import deviation_in_points, finite, listed
from nas_gym.explain.section import Section, Settings, Table, withheld
from nas_gym.explain.sections.choices.section import explain_choices
from nas_gym.explain.sections.comparison.figures import choices_figure

CHOICES = ("choices", "Which choices matter in each run?")
LEADING = 3
Entry = Mapping[str, Any]


def compare_choices(runs: tuple[Evidence, Evidence], names: tuple[str, str], seed: int) -> Section:
    """Return the importances of the choices by each run's evaluations."""
    label = runs[0].metric.label
    sections = [explain_choices(run, Settings(0, seed)) for run in runs]
    for section, name in zip(sections, names, strict=True):
        if section.withheld:
            return withheld(*CHOICES, f"There is no answer from the run of {name}: {section.answer[0]}")
    found = [{one["name"]: one for one in section.numbers["choices"]} for section in sections]
    table = sections[0].numbers["table"] or {}
    exact = {one["name"]: spread(one["importance"]) for one in table.get("choices", ())}
    both = [name for name in found[0] if all(one[name]["importance"] is not None for one in found)]
    both.sort(key=lambda name: -sum(one[name]["importance"] for one in found))
    order = [*both, *(name for name in found[0] if name not in both)]
    agreement = _agreement(found, both)
    return Section(
        *CHOICES,
        answer=tuple(_words(found, names, both, agreement, exact)),
        trust=(
            "Each column is estimated from the evaluations of that run alone, as averages over all "
            "networks of the space; where both intervals are wide, a difference between them says nothing."
        ),
        tables=(_table(found, names, order, exact, label),),
        figures=(
            (choices_figure([_bars(one, both) for one in found], both, names, exact, label),) if both else ()
        ),
        numbers={
            "kendall_tau": agreement,
            "choices": [
                {
                    "choice": name,
                    "importances": [one[name]["importance"] for one in found],
                    "significant": [one[name]["significant"] for one in found],
                    "table": exact.get(name),
                }
                for name in order
            ],
        },
        facts=tuple(
            replace(fact, key=f"{fact.key}, {name}")
            for section, name in zip(sections, names, strict=True)
            for fact in section.facts
        ),
    )


def spread(variance: float | None) -> float | None:
    """Return the standard deviation in points, 0 where the estimated variance is negative."""
    return deviation_in_points(None if variance is None else max(0.0, variance))


def _bars(found: Mapping[str, Entry], shown: Sequence[str]) -> list[tuple[float, float, float]]:
    """Return each choice's spread with its interval; without one, the spread itself three times."""
    bars = []
    for name in shown:
        one = found[name]
        middle = spread(one["importance"]) or 0.0
        low, high = spread(one["low"]), spread(one["high"])
        bars.append((middle, middle if low is None else low, middle if high is None else high))
    return bars


def _agreement(found: Sequence[Mapping[str, Entry]], both: Sequence[str]) -> float | None:
    if len(both) < 2:
        return None
    first, second = ([one[name]["importance"] for name in both] for one in found)
    tau = float(kendalltau(first, second).statistic)
    return finite(tau)


def _words(
    found: Sequence[Mapping[str, Entry]],
    names: tuple[str, str],
    both: Sequence[str],
    agreement: float | None,
    exact: Mapping[str, float | None],
) -> list[str]:
    leading = [
        [name for name, one in run.items() if one["significant"] and one["importance"] is not None]
        for run in found
    ]
    told = [
        f"{name}, what matters most is {listed(each[:LEADING]) if each else 'no choice beyond chance'}"
        for name, each in zip(names, leading, strict=True)
    ]
    sentences = [f"By the evaluations of {told[0]}; by those of {told[1]}."]
    if leading[0] and leading[0][:LEADING] == leading[1][:LEADING]:
        sentences = [f"What matters most is {listed(leading[0][:LEADING])}, by the evaluations of both runs."]
    if agreement is not None:
        sentences.append(
            f"The two orders of {len(both)} choices agree with Kendall's tau {agreement:.2f} (1 is the same "
            "order)."
        )
    apart = [name for name in both if _apart(found[0][name], found[1][name])]
    sentences.append(
        f"Their 95% intervals do not overlap for {listed(apart)}."
        if apart
        else "Their 95% intervals overlap for every choice, so they do not contradict each other."
    )
    known = {name: value for name, value in exact.items() if value is not None}
    if known:
        first = max(known, key=lambda name: known[name])
        sentences.append(f"By the whole table {first} matters most, with {known[first]:.1f} points.")
    return sentences


def _apart(one: Entry, other: Entry) -> bool:
    if None in (one["low"], one["high"], other["low"], other["high"]):
        return False
    return bool(one["high"] < other["low"] or other["high"] < one["low"])


def _table(
    found: Sequence[Mapping[str, Entry]],
    names: tuple[str, str],
    order: Sequence[str],
    exact: Mapping[str, float | None],
    label: str,
) -> Table:
    heads = [head for name in names for head in (name, f"from, {name}", f"to, {name}")]
    whole = ("whole table",) if exact else ()
    return Table(
        "importances",
        f"The spread of mean {label} between the values of each choice in points, by each run with its 95% "
        "interval; a dash where the run does not determine it.",
        ("choice", *heads, *whole),
        tuple(
            (
                name,
                *(_rounded(spread(one[name][key])) for one in found for key in ("importance", "low", "high")),
                *((_rounded(exact.get(name)),) if exact else ()),
            )
            for name in order
        ),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
