"""The contents of a report, whatever its form: title, tiles, sections, and the facts of the run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nas_gym.explain.evidence.facts import NEW_EXAMPLES, SEEN, SELECTED_TEST, TEST
from nas_gym.explain.section import Cell, Explanation, Figure, Section, Table

Tile = tuple[str, str, str]
CLOSING = (
    "Every number of this report is in explanation.json beside it. What each explanation claims, how it is "
    "computed and when it fails is in docs/explanations.md of nas-gym."
)
SEEDS = {"fresh seeds": "retrained", "recorded seeds": "recorded in the table"}
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
        sections=tuple(explanation.all_sections),
        tiles=_tiles(explanation.facts, explanation.metric.label),
        facts=facts_in_words(explanation.facts),
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
        facts=(("runs", comparison.run), *facts_in_words(comparison.facts)),
        closing=f"Every number of this report is in {numbers} beside it. How it is computed is in "
        "docs/explanations.md of nas-gym.",
    )


def facts_in_words(facts: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the names and the values of facts as texts."""
    return tuple((name, _words(value)) for name, value in facts.items())


def _tiles(facts: Mapping[str, Any], label: str) -> tuple[Tile, ...]:
    tiles = [*_test_tiles(facts, label)]
    seen = facts.get(SEEN.format(label))
    if seen is not None and not any(name.startswith(SELECTED_TEST.format(label)) for name in facts):
        tiles.append(("best seen", f"{seen:.1%}", "validation; optimistic"))
    evaluations = facts["distinct evaluations"]
    of = facts.get("architectures in the space")
    tiles.append(("networks tried", f"{evaluations:,}", f"of {of:,} possible" if of else ""))
    tiles.append(("agent", str(facts["agent"]), str(facts["state of the run"])))
    return tuple(tiles)


def _test_tiles(facts: Mapping[str, Any], label: str) -> Iterator[Tile]:
    """Yield the test score, the one that the first page says to quote where there is one."""
    new, name = facts.get(NEW_EXAMPLES.format(label)), f"test {label}"
    if new is not None:
        interval = f"95% interval {new['low']:.1%} to {new['high']:.1%} for new examples"
        yield name, f"{new['score']:.1%}", interval
        return
    for seeds, how in SEEDS.items():
        score = facts.get(TEST.format(label, seeds))
        if score is not None:
            yield name, f"{score:.1%}", f"of the found network, {how}"
        selected = facts.get(f"{SELECTED_TEST.format(label)}, {seeds}")
        if selected is not None:
            yield name, f"{selected:.1%}", "the search selected on it; optimistic"


def _words(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_words(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_words(each) for each in value)
    return NOTHING if value is None else str(value)


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
        return f"{cell:,.{decimals}f}".replace("-", "\N{MINUS SIGN}")
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
