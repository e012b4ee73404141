"""A comparison in words and tables: for the terminal, as Markdown, as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from nas_agents.comparison.analysis import AgentSummary, Comparison
from nas_agents.comparison.how_to_read import how_to_read
from nas_agents.comparison.statistics import Interval
from nas_gym.files import write_text

AT_FULL_FIDELITY = "validation at full fidelity"
BY_TEST = "By test accuracy of the chosen network: interquartile mean and 95% bootstrap interval over seeds."
BY_REGRET = (
    "By regret of the chosen network to the best of the table: mean and 95% bootstrap interval over seeds."
)


@dataclass(frozen=True, slots=True)
class Setting:
    """What was compared, for the head and the foot of a report.

    Attributes:
        environment: id of the environment.
        space: name of the search space.
        task: name of the task.
        budget: evaluations by the full recipe, or ``{"seconds": s}``.
        seeds: runs per agent that were asked for.
        command: that makes the same comparison again.
        versions: of the packages.
        missing: the runs that failed, one sentence each.
    """

    environment: str
    space: str
    task: str
    budget: int | dict[str, float]
    seeds: int
    command: str
    versions: dict[str, str]
    missing: tuple[str, ...] = ()

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


def terminal_table(comparison: Comparison, setting: Setting) -> Table:
    """The ranking, narrow enough for 80 columns."""
    table = Table(
        title=f"{setting.where}: {setting.effort}",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    table.add_column("", no_wrap=True)
    # Of all columns only the agents' may be broken where the terminal is narrow.
    table.add_column("agent", overflow="fold")
    for heading in ("access", "regret [95%]" if comparison.has_regret else "test accuracy [95%]"):
        table.add_column(heading, no_wrap=True)
    numbers = ("test", "opt.", "to it") if comparison.has_regret else ("val.", "seen*")
    for heading in (*numbers, "evals", "seconds"):
        table.add_column(heading, justify="right", no_wrap=True)
    for rank, row in enumerate(comparison.agents, start=1):
        effort = (f"{row.evaluations:.0f}", f"{row.seconds:.{1 if row.seconds < 1000 else 0}f}")
        table.add_row(str(rank), row.agent, row.access, *_terminal_numbers(row), *effort)
    return table


def _terminal_numbers(row: AgentSummary) -> tuple[str, ...]:
    if row.regret is None:
        return (interval(row.test), f"{row.validation.value:.3f}", f"{row.seen.value:.3f}")
    regret = interval(row.regret, digits=4).replace("0.", ".")
    return (regret, f"{row.test.value:.3f}", share(row.optimal), count(row.evaluations_to_optimum))


def markdown(comparison: Comparison, setting: Setting, figures: Sequence[Path]) -> str:
    """The whole report as Markdown."""
    parts = [
        f"# {setting.where}",
        f"{len(comparison.agents)} agents, {setting.effort}.",
        *[f"> **Missing:** {sentence}" for sentence in setting.missing],
        "## Ranking",
        BY_REGRET if comparison.has_regret else BY_TEST,
        ranking(comparison),
        "## Differences",
        f"Kruskal-Wallis test that the agents do not differ at all: p = {p_value(comparison.omnibus)}.",
        differences(comparison),
        *comparison.verdict,
        "## Networks found",
        "Of each agent's chosen networks the one with the best validation accuracy by the ranking's seeds.",
        networks(comparison),
        "## Figures",
        *[f"![{figure.stem.replace('_', ' ')}]({figure.name})" for figure in figures],
        "## How to read this",
        how_to_read(comparison),
        foot(setting),
    ]
    return "\n\n".join(parts) + "\n"


def ranking(comparison: Comparison) -> str:
    """The ranking as a Markdown table."""
    scored: tuple[str, ...] = ("test accuracy", "fresh validation")
    if comparison.has_regret:
        scored = (
            "mean regret",
            "at the optimum",
            "evaluations to the optimum",
            *scored[:1],
            AT_FULL_FIDELITY,
        )
    heads = ("rank", "agent", "access", *scored, "best seen (optimistic)")
    more = ("evaluations charged", "recorded seconds", "failed evaluations", "ended early", "runs")
    rows = [
        (
            str(rank),
            row.agent,
            row.access,
            *_regret_columns(row),
            interval(row.test),
            interval(row.validation),
            interval(row.seen),
            f"{row.evaluations:.1f}",
            f"{row.seconds:.2f}",
            str(row.failed),
            str(row.early),
            str(row.runs),
        )
        for rank, row in enumerate(comparison.agents, start=1)
    ]
    return markdown_table(heads + more, rows)


def _regret_columns(row: AgentSummary) -> tuple[str, ...]:
    if row.regret is None:
        return ()
    return (interval(row.regret, digits=5), share(row.optimal), count(row.evaluations_to_optimum))


def differences(comparison: Comparison) -> str:
    """The pairwise tests as a Markdown table."""
    heads = ("first", "second", "mean difference", "P(better)", "p", "p (Holm)", "significant at 5%")
    rows = [
        (
            pair.first,
            pair.second,
            f"{pair.difference:+.{5 if comparison.has_regret else 4}f}",
            interval(pair.improvement, digits=2),
            p_value(pair.p) + ("" if pair.exact else " (random permutations)"),
            p_value(pair.adjusted),
            "**yes**" if pair.significant else "no",
        )
        for pair in comparison.pairs
    ]
    return markdown_table(heads, rows)


def networks(comparison: Comparison) -> str:
    """The best network of each agent as a Markdown table."""
    validation = AT_FULL_FIDELITY if comparison.has_regret else "fresh validation"
    heads = ("agent", "architecture", validation, "test accuracy")
    rows = [
        (
            row.agent,
            f"`{row.architecture}`",
            f"{row.architecture_validation:.3f}",
            f"{row.architecture_test:.3f}",
        )
        for row in comparison.agents
    ]
    return markdown_table(heads, rows)


def foot(setting: Setting) -> str:
    """How to make the comparison again, and with which versions it was made."""
    versions = ", ".join(f"{name} {version}" for name, version in setting.versions.items())
    return f"## Made with\n\n```\n{setting.command}\n```\n\n{versions}"


def write_json(values: dict[str, Any], setting: Setting, file: Path) -> None:
    """Write the setting and the values of a comparison as JSON."""
    write_text(file, json.dumps({"format": 1, "setting": asdict(setting)} | values, indent=1) + "\n")


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; bars within cells are escaped."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def interval(each: Interval, digits: int = 3) -> str:
    """``0.612 [0.598, 0.631]``."""
    return f"{each.value:.{digits}f} [{each.lower:.{digits}f}, {each.upper:.{digits}f}]"


def share(part: float | None) -> str:
    """A part of all runs in percent, a dash for none that is known."""
    return "-" if part is None else f"{part:.0%}"


def count(number: float | None) -> str:
    """A number of evaluations, a dash for none."""
    return "-" if number is None else f"{number:.0f}"


def p_value(p: float) -> str:
    """A p-value with two significant digits."""
    return f"{p:.2g}"
