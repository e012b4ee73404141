"""The report over several tasks, beside the reports of each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nas_agents.comparison.across import Across
from nas_agents.comparison.report import COUNTED, Setting, foot, interval, markdown_table, p_value

HOW_TO_READ = """\
- **Score**: test accuracy of the chosen network (on a table its validation accuracy at full fidelity)
  above guessing, (accuracy - guessing) / (1 - guessing), so that tasks can be put together: 0 is the
  accuracy of the best constant answer, 1 is perfect. The table gives the mean over tasks of the
  {estimand} over the runs on each, by which agents are ranked and tested, with a 95% interval over more
  runs on these tasks (a bootstrap within each task, widened for few runs; in simulations it held the truth
  in 94 to 99% of cases). How much the score would differ on other tasks is not in it.
- **Mean rank**: of the agent's {estimand} within each task, averaged over tasks; 1 is best.
- **P(better)**: the probability that a run of the first agent scores above one of the second on the same
  task, averaged over tasks, with Newcombe's 95% interval over more runs on these tasks. It says how
  often, not by how much, and does not decide what is significant.
- **p**: a sign-flip test over tasks of the difference in score, the larger of its p-value and that of
  Student's t; **p (Holm)** corrected for the number of pairs. It is for tasks like these. Friedman's test
  asks by ranks within tasks whether the agents differ at all."""


def across_markdown(across: Across, setting: Setting, figures: Sequence[Path]) -> str:
    """The whole report as Markdown."""
    omnibus = "" if across.omnibus is None else f"Friedman test: p = {p_value(across.omnibus)}."
    parts = [
        f"# {setting.environment}, {setting.space} on {len(across.tasks)} tasks",
        f"{len(across.agents)} agents on {', '.join(across.tasks)}: {setting.effort}.",
        *[f"> **Caution:** {sentence}" for sentence in setting.cautions],
        *[f"> **Missing:** {sentence}" for sentence in setting.missing],
        *([f"> {COUNTED}"] if setting.missing else []),
        "## Ranking",
        _ranking(across),
        "## Differences",
        *([omnibus] if omnibus else []),
        _differences(across),
        *across.verdict,
        "## Figures",
        *[f"![{figure.stem.replace('_', ' ')}]({figure.name})" for figure in figures],
        "## How to read this",
        HOW_TO_READ.format(estimand=across.estimand.name),
        foot(setting),
    ]
    return "\n\n".join(parts) + "\n"


def _ranking(across: Across) -> str:
    rows = [
        (str(rank), row.agent, row.access, interval(row.score), f"{row.rank:.2f}")
        for rank, row in enumerate(across.agents, start=1)
    ]
    return markdown_table(("rank", "agent", "access", "score", "mean rank"), rows)


def _differences(across: Across) -> str:
    rows = [
        (
            pair.first,
            pair.second,
            f"{pair.difference:+.4f}",
            interval(pair.improvement, digits=2),
            "-" if pair.p is None else p_value(pair.p),
            "-" if pair.adjusted is None else p_value(pair.adjusted),
            "**yes**" if pair.significant else "no",
        )
        for pair in across.pairs
    ]
    heads = ("first", "second", "difference of scores", "P(better)", "p", "p (Holm)", "significant at 5%")
    return markdown_table(heads, rows)
