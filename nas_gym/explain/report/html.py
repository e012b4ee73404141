"""An explanation as one web page that needs nothing else: `report.html`.

The page loads nothing, runs no script, and holds its figures as SVG in the colours of the page, so
it opens from disk, light or dark, on a phone and on paper.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from nas_gym.explain.report import style
from nas_gym.explain.report.page import Page, identifier, method_of, numeric_columns, texts_of
from nas_gym.explain.report.phrases import counted, listed
from nas_gym.explain.report.svg import NARROW_WIDTH, Picture
from nas_gym.explain.section import Figure, Section, Table

# Colours of the page beside those of figures: on a light page and on a dark one.
_PAGE_COLOURS = {
    "--ground": ("#f4f6f8", "#0f1419"),
    "--line": ("#e1e6eb", "#2c353f"),
    "--code": ("#f1f4f7", "#222a33"),
    "--shade": ("#1f293330", "#000000a0"),
    "--link": ("#005f96", "#79c0f2"),
}
_LETTERS = (
    'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "DejaVu Sans", sans-serif'
)
_OPEN_ROWS = 8
_LONG = 16
_SHORT = 9
TALL = 1.5
"""Height by width above which a drawing for a phone does not fit a column on paper."""
MANY = 6
"""Columns above which a table is set smaller."""
_MARKED = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*")


def as_html(page: Page, pictures: Mapping[str, Picture]) -> str:
    """Return the page, valid HTML; every text is escaped.

    Args:
        page: what to show.
        pictures: the figures by their identifiers.
    """
    shown = [section for section in page.sections if section.is_applicable]
    sections = [_section(section, pictures, is_first=section is shown[0]) for section in shown]
    html: str = _template().render(
        style=Markup(_css()),  # noqa: S704 - made of this package's own constants
        title=page.title,
        kicker=page.kicker,
        tiles=page.tiles,
        sections=sections,
        facts=page.facts,
        closing=page.closing,
    )
    return html


def marked(text: str) -> Markup:
    """Return a sentence, escaped, with what is between backticks as code, between double stars strong."""
    pieces, end = [], 0
    for found in _MARKED.finditer(text):
        pieces.append(escape(text[end : found.start()]))
        code, strong = found.groups()
        if code is not None:
            pieces.append(Markup("<code>{}</code>").format(code))
        else:
            pieces.append(Markup("<strong>{}</strong>").format(strong))
        end = found.end()
    return Markup("").join([*pieces, escape(text[end:])])


def _section(section: Section, pictures: Mapping[str, Picture], *, is_first: bool) -> Mapping[str, Any]:
    """Return what the template shows of a section: its first figure in the text, all else folded.

    The first page folds nothing; a section without a finding shows no figure.
    """
    shown = 1 if section.has_finding else 0
    figures = [_figure(section, figure, pictures) for figure in section.figures]
    tables = [
        _table(section, table, is_open=is_first or (number == 0 and len(table.rows) <= _OPEN_ROWS))
        for number, table in enumerate(section.tables)
    ]
    return {
        "id": section.key,
        "question": section.question,
        "withheld": section.withheld,
        "has_finding": section.has_finding,
        "answer": [marked(sentence) for sentence in section.answer],
        "trust": marked(section.trust),
        "about": section.about,
        "figures": figures[:shown],
        "tables": tables if is_first else [],
        "details": [marked(sentence) for sentence in section.details],
        "folded_figures": figures[shown:],
        "folded_tables": [] if is_first else tables,
        "folded": _folded(len(section.details), len(figures[shown:]), 0 if is_first else len(tables)),
        "method": marked(method_of(section)),
    }


def _folded(details: int, figures: int, tables: int) -> str:
    """Return what is folded away, in words; "" for nothing."""
    parts = [
        counted(count, noun)
        for count, noun in ((details, "remark"), (figures, "figure"), (tables, "table"))
        if count
    ]
    return listed(parts)


def _figure(section: Section, figure: Figure, pictures: Mapping[str, Picture]) -> Mapping[str, Any]:
    picture = pictures[identifier(section, figure)]
    return {
        "id": f"{identifier(section, figure)}-figure",
        "svg": Markup(picture.svg),  # noqa: S704 - Matplotlib escapes
        "narrow": Markup(picture.narrow),  # noqa: S704 - Matplotlib escapes
        "tall": not picture.narrow or (figure.narrow_height or figure.size[1]) > TALL * NARROW_WIDTH,
        "caption": marked(figure.caption),
    }


def _table(section: Section, table: Table, *, is_open: bool) -> Mapping[str, Any]:
    texts = texts_of(table)
    rows = [[marked(cell) for cell in row] for row in texts]
    return {
        "id": f"{identifier(section, table)}-table",
        "caption": marked(table.caption),
        "columns": table.columns,
        "looks": _looks(table, texts),
        "many": len(table.columns) > MANY,
        "rows": rows[: table.shown],
        "rest": rows[table.shown :],
        "open": is_open,
    }


def _looks(table: Table, texts: Sequence[Sequence[str]]) -> list[str]:
    """Return the class of each column: numbers stand right, long texts need room, short ones a line."""
    longest = [max((len(row[n]) for row in texts), default=0) for n in range(len(table.columns))]
    return [
        "number" if is_numeric else "long" if length > _LONG else "short" if length <= _SHORT else ""
        for is_numeric, length in zip(numeric_columns(table), longest, strict=True)
    ]


@cache
def _template() -> Any:
    environment = Environment(
        loader=PackageLoader("nas_gym.explain.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=False,
    )
    return environment.get_template("report.html")


@cache
def _css() -> str:
    from importlib.resources import files

    pairs = [(name, light, dark) for name, light, dark in style.VARIABLES.values()]
    pairs += [(name, light, dark) for name, (light, dark) in _PAGE_COLOURS.items()]
    light = _variables([(name, value) for name, value, _ in pairs])
    dark = _variables([(name, value) for name, _, value in pairs])
    sheet = files("nas_gym.explain.report").joinpath("templates/report.css").read_text(encoding="utf-8")
    letters = f":root {{ --letters: {_LETTERS}; color-scheme: light dark; }}"
    on_dark = f"@media screen and (prefers-color-scheme: dark) {{ {dark} }}"
    return "\n".join([letters, light, on_dark, sheet])


def _variables(values: Sequence[tuple[str, str]]) -> str:
    return ":root { " + " ".join(f"{name}: {value};" for name, value in values) + " }"
