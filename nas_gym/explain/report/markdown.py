"""An explanation as Markdown, `report.md`, with its figures as pictures in a folder beside it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from nas_gym._markdown import escaped
from nas_gym.explain.report.page import Page, method_of, numeric_columns, texts_of
from nas_gym.explain.section import Figure, Section, Table

_MARKED = re.compile(r"(`[^`]+`|\*\*[^*]+\*\*)")

Link = Callable[[Section, Figure], str]


def as_markdown(page: Page, link: Link) -> str:
    """Return the page as Markdown.

    Args:
        page: what to show.
        link: where a figure of a section is, relative to the text.
    """
    blocks = [f"# {plain(page.title)}", plain(page.kicker)]
    if page.tiles:
        blocks.append(
            "\n".join(f"- **{plain(name)}**: {plain(value)}{_note(note)}" for name, value, note in page.tiles)
        )
    for section in page.sections:
        blocks += section_blocks(section, link)
    if page.facts:
        blocks += [
            "## About this run",
            _rows(("", ""), [[name, value] for name, value in page.facts], [False, False]),
        ]
    return "\n\n".join([*blocks, plain(page.closing)]) + "\n"


def section_blocks(section: Section, link: Link | None = None, level: int = 2) -> list[str]:
    """Return a section as blocks of Markdown, without its figures where no link leads to them."""
    blocks = [f"{'#' * level} {plain(section.question)}"]
    blocks += [plain(sentence) for sentence in section.answer]
    blocks += [plain(sentence) for sentence in section.details]
    if section.trust:
        blocks.append(f"> **How far to trust this.** {plain(section.trust)}")
    if link is not None:
        for figure in section.figures:
            alternative = re.sub(r"[\[\]\n]", " ", figure.alternative)
            blocks += [f"![{alternative}]({link(section, figure)})", f"*{plain(figure.caption)}*"]
    for table in section.tables:
        blocks += table_blocks(table)
    return [*blocks, plain(where)] if (where := method_of(section)) else blocks


def table_blocks(table: Table, most: int | None = None) -> list[str]:
    """Return a table as blocks of Markdown: its caption and its rows.

    Args:
        table: the table.
        most: rows that are shown at most; None for all.
    """
    texts = texts_of(table)
    shown = texts if most is None else texts[:most]
    blocks = [f"**{plain(table.caption)}**", _rows(table.columns, shown, numeric_columns(table))]
    if len(shown) < len(texts):
        blocks.append(f"and {len(texts) - len(shown)} more rows, which the report has")
    return blocks


def plain(text: str) -> str:
    """Return a text that Markdown shows as it is, save for code between backticks and strong text."""
    parts = _MARKED.split(text.replace("\n", " "))
    return "".join(_part(part) if number % 2 else escaped(part) for number, part in enumerate(parts))


def _part(part: str) -> str:
    """Return what is between marks as strong text or as code."""
    if part.startswith("**"):
        return f"**{escaped(part[2:-2])}**"
    # A bar in code would end a cell of a table.
    return escaped(part.strip("`")) if "|" in part else part


def _rows(columns: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[bool]) -> str:
    rule = ["---:" if is_number else "---" for is_number in numeric]
    lines = [[plain(cell) for cell in columns], rule, *([plain(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _note(note: str) -> str:
    return f" ({plain(note)})" if note else ""
