"""A comparison in words and tables: for the terminal, as Markdown, as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from nas_agents.comparison.analysis import Comparison
from nas_agents.comparison.statistics import Interval
from nas_gym.traces.run_folder import write_text

HOW_TO_READ = """\
- **Test accuracy** is that of the network that a search chose, retrained with 3 training seeds that no search
  used; no agent saw it. The table gives its interquartile mean over the agent's runs (the mean of the middle
  half) and a 95% bootstrap interval. With few seeds such intervals are too narrow: of normally distributed
  scores they hold the true value in about 94% of cases with 10 seeds, 89% with 5, 75% with 3.
- **Fresh validation** is the validation accuracy of the same retrained networks.
- **Best seen** is the best accuracy during the search. It is optimistic: the search selected on it. The
  curves show it too.
- **Access**: a `walk` agent only steps from the start state, a `query` agent may ask for any architecture.
  They answer different questions; compare like with like first.
- **Evaluations** are the distinct networks a run asked for, whether a store had them or not; **seconds** are
  those that training them took when they were trained.
- **P(better)** is the probability that a run of the first agent scores above one of the second; 0.5 is even.
- **p (Holm)** is corrected for the number of pairs. A p-value above 0.05 is no proof that two agents are
  equal.
"""


@dataclass(frozen=True, slots=True)
class Setting:
    """What was compared, for the head and the foot of a report.

    Attributes:
        environment: id of the environment.
        space: name of the search space.
        task: name of the task.
        budget: distinct evaluations, or ``{"seconds": s}``.
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
            return f"{seeds}, {self.budget} distinct evaluations each"
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
    for heading in ("access", "test accuracy [95%]"):
        table.add_column(heading, no_wrap=True)
    for heading in ("val.", "seen*", "evals", "seconds"):
        table.add_column(heading, justify="right", no_wrap=True)
    for rank, row in enumerate(comparison.agents, start=1):
        numbers = (f"{row.validation.value:.3f}", f"{row.seen.value:.3f}")
        effort = (f"{row.evaluations:.0f}", f"{row.seconds:.1f}")
        table.add_row(str(rank), row.agent, row.access, interval(row.test), *numbers, *effort)
    return table


def markdown(comparison: Comparison, setting: Setting, figures: Sequence[Path]) -> str:
    """The whole report as Markdown."""
    parts = [
        f"# {setting.where}",
        f"{len(comparison.agents)} agents, {setting.effort}.",
        *[f"> **Missing:** {sentence}" for sentence in setting.missing],
        "## Ranking",
        "By test accuracy of the chosen network: interquartile mean and 95% bootstrap interval over seeds.",
        ranking(comparison),
        "## Differences",
        f"Kruskal-Wallis test that the agents do not differ at all: p = {p_value(comparison.omnibus)}.",
        differences(comparison),
        *comparison.verdict,
        "## Networks found",
        "Of each agent's chosen networks the one with the best fresh validation accuracy.",
        networks(comparison),
        "## Figures",
        *[f"![{figure.stem.replace('_', ' ')}]({figure.name})" for figure in figures],
        "## How to read this",
        HOW_TO_READ.strip(),
        foot(setting),
    ]
    return "\n\n".join(parts) + "\n"


def ranking(comparison: Comparison) -> str:
    """The ranking as a Markdown table."""
    heads = ("rank", "agent", "access", "test accuracy", "fresh validation", "best seen (optimistic)")
    more = ("distinct evaluations", "recorded seconds", "failed evaluations", "ended early", "runs")
    rows = [
        (
            str(rank),
            row.agent,
            row.access,
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


def differences(comparison: Comparison) -> str:
    """The pairwise tests as a Markdown table."""
    heads = ("first", "second", "mean difference", "P(better)", "p", "p (Holm)", "significant at 5%")
    rows = [
        (
            pair.first,
            pair.second,
            f"{pair.difference:+.4f}",
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
    heads = ("agent", "architecture", "fresh validation", "test accuracy")
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


def p_value(p: float) -> str:
    """A p-value with two significant digits."""
    return f"{p:.2g}"
