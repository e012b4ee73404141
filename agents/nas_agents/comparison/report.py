"""A comparison in words and tables: for the terminal, as Markdown, as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nas_agents.comparison.fronts.report import (
    SHORT_HEADS,
    about_networks,
    front_ranking,
    networks_of_fronts,
    ranked_by,
    short_numbers,
)
from nas_agents.comparison.how_to_read import how_to_read
from nas_agents.comparison.ranking import AgentSummary, Analysis
from nas_agents.comparison.tables import (
    EFFORT_HEADS,
    count,
    effort_cells,
    interval,
    markdown_table,
    p_value,
    percent,
    share,
)
from nas_gym.common import code, escaped, write_text

AT_FULL_FIDELITY = "validation at full fidelity"
SELECTED_ON = " (selected on)"
ON_TEST = (
    "The searches selected on test {metric}, the only one that was published of this table: every {metric} "
    "and every regret here is optimistic, and none of them is an independent measurement."
)
BY_TEST = (
    "Agents are ranked and tested by the test {metric} of the network that they chose: interquartile mean "
    "and 95% interval over more seeds of the same search."
)
BY_REGRET = (
    "Agents are ranked and tested by the regret of the network that they chose to the best of the table: "
    "mean and 95% interval over more seeds of the same search."
)
COUNTED = (
    "Runs that did not finish are left out of every figure; an agent whose searches break off where they "
    "go badly looks better for it."
)


@dataclass(frozen=True, slots=True)
class Setting:
    """What was compared, for the head and the foot of a report.

    Attributes:
        environment: id of the environment.
        space: name of the search space.
        task: name of the task.
        metric: what a score is called, such as ``"accuracy"``.
        budget: evaluations by the full recipe, or ``{"seconds": s}``.
        seeds: runs per agent that were asked for.
        command: command that makes the same comparison again.
        versions: package versions.
        missing: the runs that failed, one sentence each.
        tuned: the agents whose hyperparameters were chosen on the table that they run on.
        selects_on_test: whether the scores that the searches saw are test scores.
        started: what searches started from that did not start from nothing, in sentences.
    """

    environment: str
    space: str
    task: str
    metric: str
    budget: int | dict[str, float]
    seeds: int
    command: str
    versions: dict[str, str]
    missing: tuple[str, ...] = ()
    tuned: tuple[str, ...] = ()
    selects_on_test: bool = False
    started: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """Environment, space and task in words."""
        return f"{self.environment}, {self.space} on {self.task}"

    @property
    def effort(self) -> str:
        """Seeds and budget in words."""
        seeds = f"{self.seeds} seed{'s' * (self.seeds > 1)} per agent"
        if isinstance(self.budget, int):
            return f"{seeds}, {self.budget} evaluations each"
        return f"{seeds}, {self.budget['seconds']:g} recorded seconds each"

    @property
    def cautions(self) -> tuple[str, ...]:
        """What keeps the numbers from being taken at their face, in sentences."""
        tuned = tuple(
            f"{agent} was tuned on this table: its hyperparameters were chosen by searches of it, so that "
            "its rank here is optimistic."
            for agent in self.tuned
        )
        on_test = (ON_TEST.format(metric=self.metric),) if self.selects_on_test else ()
        return (*tuned, *self.started, *on_test)


def short_ranking(comparison: Analysis) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the heads and the rows of the ranking, narrow enough for 80 columns."""
    test = "test!" if comparison.selects_on_test else "test"
    regret = ("regret [95%]", test, "opt.", "to it")
    scored = regret if comparison.has_regret else (f"test {comparison.metric} [95%]", "val.", "seen*")
    if comparison.fronts is not None:
        scored = SHORT_HEADS
    rows = [
        (
            str(rank),
            row.agent,
            row.access,
            *_short_numbers(row, comparison),
            f"{row.evaluations:.0f}",
            f"{row.seconds:.{1 if row.seconds < 1000 else 0}f}",
        )
        for rank, row in zip(comparison.ranks, comparison.agents, strict=True)
    ]
    return ("", "agent", "access", *scored, "evals", "seconds"), rows


def _short_numbers(row: AgentSummary, comparison: Analysis) -> tuple[str, ...]:
    if comparison.fronts is not None:
        return short_numbers(row, comparison.fronts)
    if row.regret is None:
        return (interval(row.test), f"{row.validation.value:.3f}", f"{row.seen.value:.3f}")
    regret = interval(row.regret, digits=4).replace("0.", ".")
    return (regret, f"{row.test.value:.3f}", share(row.optimal), count(row.evaluations_to_optimum))


def markdown(comparison: Analysis, setting: Setting, figures: Sequence[Path]) -> str:
    """Return the whole report as Markdown."""
    missing = [f"> **Missing:** {escaped(sentence)}" for sentence in setting.missing]
    parts = [
        f"# {escaped(setting.where)}",
        f"{len(comparison.agents)} agents, {setting.effort}.",
        *[f"> **Caution:** {escaped(sentence)}" for sentence in setting.cautions],
        *missing,
        *([f"> {COUNTED}"] if missing else []),
        "## Ranking",
        _ranked_by(comparison),
        ranking(comparison),
        *comparison.notes,
        "## Differences",
        "Kruskal-Wallis test that the runs of all agents come from one distribution, by their ranks: "
        f"p = {p_value(comparison.omnibus)}.",
        differences(comparison),
        *comparison.verdict,
        *_by_access(comparison),
        "## Networks found",
        _about_networks(comparison),
        networks(comparison),
        "## Figures",
        *[f"![{figure.stem.replace('_', ' ')}]({figure.name})" for figure in figures],
        "## How to read this",
        how_to_read(comparison),
        foot(setting),
    ]
    return "\n\n".join(parts) + "\n"


def _ranked_by(comparison: Analysis) -> str:
    if comparison.fronts is not None:
        return ranked_by(comparison, comparison.fronts)
    return BY_REGRET if comparison.has_regret else BY_TEST.format(metric=comparison.metric)


def _about_networks(comparison: Analysis) -> str:
    if comparison.fronts is not None:
        return about_networks(comparison, comparison.fronts)
    return (
        f"Of each agent's chosen networks the one with the best {_chosen_by(comparison)}: that number is "
        "optimistic, since it chose the network."
    )


def _by_access(comparison: Analysis) -> Iterator[str]:
    """Return the agents of each access alone: their order, and what was found between them."""
    alone = comparison.by_access()
    if alone:
        yield "## By access"
    for access, each in alone.items():
        order = ", ".join(f"{rank}. {row.agent}" for rank, row in zip(each.ranks, each.agents, strict=True))
        yield f"Of the {access} agents alone, in order: {order}. {each.verdict[0]}"


def ranking(comparison: Analysis) -> str:
    """Return the ranking as a Markdown table."""
    if comparison.fronts is not None:
        return front_ranking(comparison, comparison.fronts)
    scored: tuple[str, ...] = (f"test {comparison.metric}{SELECTED_ON * comparison.selects_on_test}",)
    if comparison.has_regret:
        scored = ("mean regret", "at the optimum", "evaluations to the optimum", *scored)
    if not comparison.selects_on_test:
        scored += (AT_FULL_FIDELITY if comparison.has_regret else "fresh validation",)
    heads = ("rank", "agent", "access", *scored, "best seen (optimistic)")
    rows = [
        (
            str(rank),
            row.agent,
            row.access,
            *_regret_columns(row),
            interval(row.test),
            *([] if comparison.selects_on_test else [interval(row.validation)]),
            interval(row.seen),
            *effort_cells(row),
        )
        for rank, row in zip(comparison.ranks, comparison.agents, strict=True)
    ]
    return markdown_table(heads + EFFORT_HEADS, rows)


def _chosen_by(comparison: Analysis) -> str:
    if comparison.selects_on_test:
        return f"test {comparison.metric}"
    return AT_FULL_FIDELITY if comparison.has_regret else f"fresh validation {comparison.metric}"


def _regret_columns(row: AgentSummary) -> tuple[str, ...]:
    if row.regret is None:
        return ()
    share_found = f"{share(row.optimal)} {percent(row.optimal_interval)}"
    return (interval(row.regret, digits=5), share_found, count(row.evaluations_to_optimum))


def differences(comparison: Analysis) -> str:
    """Return the pairwise tests as a Markdown table."""
    what = f"difference of {comparison.estimand.name}s"
    heads = ("first", "second", what, "P(better)", "test", "p", "p (Holm)", "significant at 5%")
    rows = [
        (
            pair.first,
            pair.second,
            f"{pair.difference:+.{5 if comparison.has_regret else 4}f}",
            interval(pair.improvement, digits=2),
            ("by seed, " if pair.paired else "independent, ") + ("exact" if pair.exact else "random"),
            p_value(pair.p),
            p_value(pair.adjusted),
            "**yes**" if pair.significant else "no",
        )
        for pair in comparison.pairs
    ]
    return markdown_table(heads, rows)


def networks(comparison: Analysis) -> str:
    """Return the best network of each agent as a Markdown table, or a front of each."""
    if comparison.fronts is not None:
        return networks_of_fronts(comparison, comparison.fronts)
    chosen_by = _chosen_by(comparison)
    more = () if comparison.selects_on_test else (f"test {comparison.metric}",)
    heads = ("agent", "architecture", f"{chosen_by} (optimistic)", *more)
    rows = [
        (
            row.agent,
            code(row.architecture),
            f"{row.architecture_validation:.3f}",
            *([] if comparison.selects_on_test else [f"{row.architecture_test:.3f}"]),
        )
        for row in comparison.agents
    ]
    return markdown_table(heads, rows)


def foot(setting: Setting) -> str:
    """Return how to make the comparison again, and with which versions it was made."""
    versions = ", ".join(f"{name} {version}" for name, version in setting.versions.items())
    # Indented, since a command may hold what ends a fence.
    command = " ".join(setting.command.splitlines())
    return f"## Made with\n\n    {command}\n\n{versions}"


def write_json(values: dict[str, Any], setting: Setting, file: Path) -> None:
    """Write the setting and the values of a comparison as JSON."""
    write_text(file, json.dumps({"format": 1, "setting": asdict(setting)} | values, indent=1) + "\n")
