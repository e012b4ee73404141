"""The contents of a report, whatever its form: title, tiles, sections, and the facts of the run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from nas_gym.explain.fact import QUOTE
from nas_gym.explain.section import Cell, Explanation, Figure, Section, Table

Tile = tuple[str, str, str]
METHODS = "docs/explanations.md"
"""The page of the documentation that says how each section is computed and when it fails."""
CLOSING = (
    f"Every number of this report is in explanation.json beside it. {METHODS} is in the "
    "repository of nas-gym."
)
DECIMALS = 4
NOTHING = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Page:
    """A report before it has a form.

    Attributes:
        title: title of the report.
        kicker: kind of report, a few words.
        sections: the sections, the summary first.
        tiles: name, value and a note of each fact that is shown at the top.
        facts: name and value of each fact that is shown at the end.
        closing: the last sentence.
    """

    title: str
    kicker: str
    sections: tuple[Section, ...]
    tiles: tuple[Tile, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    closing: str = ""


def page_of(explanation: Explanation) -> Page:
    """Return the report of a run."""
    return Page(
        title=explanation.title,
        kicker="explanation of a search",
        sections=tuple(section for section in explanation.all_sections if section.is_applicable),
        tiles=_tiles(explanation),
        facts=facts_in_words(explanation),
        closing=CLOSING,
    )


def page_of_comparison(
    comparison: Explanation, numbers: str, kicker: str = "comparison of two searches"
) -> Page:
    """Return the report of the comparison of two runs, or of several runs together.

    Args:
        comparison: explanation of the runs.
        numbers: name of the file of its numbers.
        kicker: kind of report, a few words.
    """
    return Page(
        title=comparison.title,
        kicker=kicker,
        sections=tuple(comparison.all_sections),
        facts=(("runs", comparison.run), *facts_in_words(comparison)),
        closing=f"Every number of this report is in {numbers} beside it. How it is computed is in "
        "docs/explanations.md of nas-gym.",
    )


def facts_in_words(explanation: Explanation) -> tuple[tuple[str, str], ...]:
    """Return the names and the values of facts as texts, in which the score has the name of its metric."""
    label = explanation.metric.label
    return tuple((name, _words(value, label)) for name, value in explanation.facts.items())


def _tiles(explanation: Explanation) -> tuple[Tile, ...]:
    """Return the facts of the first page in short: the number to quote, size, networks tried, agent."""
    facts, tiles = explanation.facts, [*_quote_tiles(explanation)]
    weights = explanation.summary.numbers.get("parameters")
    if weights:
        tiles.append(("size", f"{weights:,}", "weights"))
    evaluations = facts["distinct evaluations"]
    of = facts.get("architectures in the space")
    tiles.append(("networks tried", f"{evaluations:,}", f"of {of:,} possible" if of else ""))
    tiles.append(("agent", str(facts["agent"]), str(facts["state of the run"])))
    return tuple(tiles)


def _quote_tiles(explanation: Explanation) -> Iterator[Tile]:
    """Yield the score that the first page says to quote, or says not to."""
    quote = next((fact for fact in explanation.summary.facts if fact.key == QUOTE), None)
    if quote is None or not isinstance(quote.estimate, float):
        return
    name = f"test {explanation.metric.label}"
    if explanation.summary.numbers["selected_on_test"]:
        yield name, f"{quote.estimate:.1%}", "the search chose by it; optimistic"
    elif quote.low is None or quote.high is None:
        yield name, f"{quote.estimate:.1%}", "without an interval"
    else:
        ends = f"{100 * quote.low:.1f} to {quote.high:.1%}"
        yield name, f"{quote.estimate:.1%}", f"95% interval {ends}, {quote.over}"


def _words(value: Any, label: str) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        named = {label if name == "score" else name: each for name, each in value.items()}
        return ", ".join(f"{name} {_words(each, label)}" for name, each in named.items())
    if isinstance(value, list | tuple):
        return ", ".join(_words(each, label) for each in value)
    return NOTHING if value is None else str(value)


def method_of(section: Section) -> str:
    """Return where a reader finds how a section is computed and when it fails; "" for nowhere."""
    if not section.method or section.withheld:
        return ""
    return f"How this is computed and when it fails: `{METHODS}`, {section.method}"


def identifier(section: Section, item: Figure | Table) -> str:
    """Return a name of a figure or table that is unique in the report, fit for files, tags and ids."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", f"{section.key}-{item.name}")


def texts_of(table: Table) -> list[list[str]]:
    """Return the rows as texts; the numbers of a column have as many decimals as the most precise needs."""
    columns = [_column([row[n] for row in table.rows]) for n in range(len(table.columns))]
    return [list(row) for row in zip(*columns, strict=True)]


def numeric_columns(table: Table) -> list[bool]:
    """Return for each column whether it holds numbers alone, so that it is aligned to the right."""
    return [
        any(_is_number(row[n]) for row in table.rows)
        and all(row[n] is None or _is_number(row[n]) for row in table.rows)
        for n in range(len(table.columns))
    ]


def _column(cells: Sequence[Cell]) -> list[str]:
    floats = [cell for cell in cells if isinstance(cell, float)]
    decimals = max((_decimals(value) for value in floats), default=0)
    return [_text(cell, decimals) for cell in cells]


def _text(cell: Cell, decimals: int) -> str:
    if cell is None:
        return NOTHING
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return f"{round(cell, decimals) + 0.0:,.{decimals}f}".replace("-", "\N{MINUS SIGN}")
    if isinstance(cell, int):
        return f"{cell:,}".replace("-", "\N{MINUS SIGN}")
    return cell


def _decimals(value: float) -> int:
    """Return the decimals that show the value to about four digits, without zeros at the end."""
    size = abs(value)
    most = DECIMALS if size < 10 else 2 if size < 1000 else 0
    text = f"{value:.{most}f}"
    return len(text.rstrip("0").partition(".")[2])


def _is_number(cell: Cell) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool)
