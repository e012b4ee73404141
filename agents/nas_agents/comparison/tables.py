"""The cells and the tables of reports: numbers with their intervals, as Markdown and as LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nas_agents.comparison.statistics import Interval

if TYPE_CHECKING:
    from nas_agents.comparison.ranking import AgentSummary

LATEX = {letter: f"\\{letter}" for letter in "&%$#_{}"}
LATEX |= {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "²": "$^2$"}
LEFT = ("agent", "access", "goes by")
EFFORT_HEADS = (
    "evaluations charged",
    "distinct ones",
    "recorded seconds",
    "failed evaluations",
    "ended early",
    "runs",
)


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; bars within cells are escaped."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def latex(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    r"""Return a LaTeX ``tabular`` with the rules of booktabs; columns of numbers are set to the right."""
    columns = "".join("l" if head in LEFT else "r" for head in heads)
    lines = [" & ".join(_escaped(cell) for cell in line) + r" \\" for line in (heads, *rows)]
    body = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", lines[0], r"\midrule", *lines[1:]]
    return "\n".join([*body, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _escaped(cell: str) -> str:
    return "".join(LATEX.get(letter, letter) for letter in cell)


def interval(each: Interval, digits: int = 3) -> str:
    """Return ``0.612 [0.598, 0.631]``, or ``0.612 [-]`` of runs too alike to tell how others would differ."""
    if not each.is_known:
        return f"{each.value:.{digits}f} [-]"
    return f"{each.value:.{digits}f} [{each.lower:.{digits}f}, {each.upper:.{digits}f}]"


def percent(each: Interval | None) -> str:
    """Return the interval of a share as ``[10%, 40%]``, nothing for none."""
    return "" if each is None else f"[{each.lower:.0%}, {each.upper:.0%}]"


def share(part: float | None) -> str:
    """Return a part of all runs in percent, a dash for none that is known."""
    return "-" if part is None else f"{part:.0%}"


def count(number: float | None) -> str:
    """Return a number of evaluations, a dash for none."""
    return "-" if number is None else f"{number:.0f}"


def p_value(p: float) -> str:
    """Return a p-value with two significant digits."""
    return f"{p:.2g}"


def effort_cells(row: AgentSummary) -> tuple[str, ...]:
    """Return the columns of `EFFORT_HEADS`."""
    means = (f"{row.evaluations:.1f}", f"{row.distinct:.1f}", f"{row.seconds:.2f}")
    return (*means, str(row.failed), str(row.early), str(row.runs))
