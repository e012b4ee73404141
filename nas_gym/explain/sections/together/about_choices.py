"""Which choices matter by the evaluations of all runs, as a section."""

from __future__ import annotations

from nas_gym.explain.report.phrases import counted, deviation_in_points
from nas_gym.explain.section import Cell, Section, Table, withheld
from nas_gym.explain.sections.choices.figures import figures as choices_figures
from nas_gym.explain.sections.choices.tables import choices_table, values_table
from nas_gym.explain.sections.together.choices import ChoicesTogether
from nas_gym.explain.sections.together.findings import Findings
from nas_gym.explain.sections.together.text_choices import what_one_run_tells, which_choices

CHOICES = ("choices", "Which choices matter, by all runs?")


def choices_section(found: Findings) -> Section:
    """Return the section on choices; withheld where there are too few evaluations."""
    choices = found.choices
    if isinstance(choices, str):
        return withheld(*CHOICES, choices)
    used = choices.used
    # Intervals and stars are of the estimate; without pairs there is no map of them.
    figures = tuple(choices_figures(choices.findings))
    answer = [" ".join(which_choices(found)), *what_one_run_tells(found, by_how_many=True)]
    trust_words = [
        f"Estimated from {counted(len(used.y), 'different network')}, each counted once, as averages over "
        "all networks of the space and not over those that the agents preferred.",
        "A single run is asked by the same estimate with its own evaluations.",
    ]
    if used.left_out():
        trust_words.append(used.left_out())
    return Section(
        *CHOICES,
        tuple(answer),
        trust=" ".join(trust_words),
        tables=(
            _alone_table(found, choices),
            choices_table(choices.findings),
            values_table(choices.findings.estimated, choices.findings.label),
        ),
        figures=figures,
        numbers={
            **used.counts(),
            "asked_alone": choices.asked,
            "choices": [
                {
                    "name": one.name,
                    "shown": one.fact.is_shown,
                    "best": one.best,
                    "worst": one.worst,
                    "gap": one.gap,
                    "shown_by_runs_alone": one.alone,
                    "spread_in_points": deviation_in_points(one.importance.value),
                    "p": one.importance.p,
                }
                for one in choices.choices
            ],
        },
        facts=tuple(one.fact for one in choices.choices),
    )


def _alone_table(found: Findings, choices: ChoicesTogether) -> Table:
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            one.name,
            "shown" if one.fact.is_shown else str(one.fact.verdict),
            one.best or None,
            one.worst or None,
            round(100 * one.gap, 1) if one.best else None,
            f"{one.alone} of {choices.asked}",
        )
        for one in choices.choices
    )
    return Table(
        "together",
        f"What {counted(len(choices.used.y), 'network')} of {counted(len(found.together.runs), 'run')} say "
        "of each choice: whether it is shown to matter, its best and worst options and the points between "
        "them on average, and how many runs show by themselves that it matters.",
        ("choice", "all runs", "best", "worst", "points apart", "runs alone"),
        rows,
    )
