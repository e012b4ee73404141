"""The forms of a report: valid, self-contained, escaped, and the same content in each."""

from __future__ import annotations

import html
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from nas_gym.explain import Figure, Table, registry
from nas_gym.explain.report import style
from nas_gym.explain.report.html import as_html
from nas_gym.explain.report.markdown import plain
from nas_gym.explain.report.page import METHODS, numeric_columns, page_of, texts_of
from nas_gym.explain.report.svg import drawn
from nas_gym.explain.report.writer import Names, pictures_of, write_page
from nas_gym.explain.section import Explanation
from nas_gym.explain.sections.summary import section as summary_section
from nas_gym.tasks import Classes
from nas_gym.traces import SHOWN_WIDTH
from tests.helpers.explain import sections

ACCURACY = Classes(("a", "b")).metric
FACTS = {"distinct evaluations": 3, "agent": "random", "state of the run": "finished"}
VOID = {"meta", "link", "br", "img", "input", "hr"}


class Reader(HTMLParser):
    """Reads a page strictly: every element is closed in order, every id is there once."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def pictures():
    return pictures_of(sections.page())


@pytest.fixture(scope="module")
def report(pictures):
    return as_html(sections.page(), pictures)


@pytest.fixture(scope="module")
def read(report):
    reader = Reader()
    reader.feed(report)
    assert reader.open == []
    return reader


def test_the_page_is_well_formed_and_every_id_is_there_once(read):
    ids = [attributes["id"] for _, attributes in read.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = [
        a["href"] for name, a in read.tags if (a.get("href") or "").startswith("#") and name in "a use"
    ]
    assert {target[1:] for target in targets} <= set(ids)


def test_clip_paths_of_figures_are_found(report):
    ids = set(re.findall(r'id="([^"]+)"', report))
    assert set(re.findall(r"url\(#([^)]+)\)", report)) <= ids


def test_the_page_needs_nothing_else(report, read):
    assert not read.all("script")
    assert [link["href"] for link in read.all("link")] == ["data:,"]
    for name, attributes in read.tags:
        for attribute in ("src", "href", "xlink:href"):
            value = attributes.get(attribute) or ""
            assert value.startswith(("#", "data:")) or not value, (name, value)
    assert "url(http" not in report
    assert "@import" not in report
    assert "default-src 'none'" in report


def test_every_text_is_escaped(report, read):
    assert "<script" not in report
    assert sections.NASTY.replace("`", "") in read.text
    assert "<code>a|b</code>" in report


def test_every_figure_has_words(read):
    drawings = [attributes for attributes in read.all("svg") if attributes.get("role") == "img"]
    assert [drawing["aria-label"] for drawing in drawings] == [
        words for words in ("Activation .4, depth .2.", "In the middle.") for _ in ("wide", "narrow")
    ]
    assert len(read.all("figcaption")) == len(read.all("figure")) == 2


def test_trust_stands_beside_the_answer_and_a_withheld_answer_says_why(read):
    assert "How far to trust this. Measured on 200 evaluations." in read.text
    assert "There is no policy." in read.text
    assert {"class": "withheld"} in read.all("li")


def test_long_tables_fold(read):
    tables = [each for each in read.all("details") if each["class"] == "table"]
    assert len(tables) == 2
    assert len(read.all("label")) == 1
    assert "show all 20 rows" in read.text
    assert len(read.all("tr")) == 1 + 20 + 1 + 4 + 2


def section_of(page, **more):
    """Return the page with its first section replaced by a summary and a section with `more`."""
    summary = page.sections[0]
    other = replace(summary, key="other", question="What else?", details=("A remark.",), **more)
    return replace(page, sections=(replace(summary, figures=()), other))


def shown(page):
    html = as_html(page, pictures_of(page))
    return html.split('id="other"')[1].split("</section>")[0]


def test_the_answer_and_one_figure_are_shown_and_the_rest_is_folded():
    text = shown(section_of(sections.page()))
    open_, folded = text.split('<details class="folded">')
    assert open_.count("<figure") == 1
    assert "<table" not in open_
    assert "A remark." in folded
    assert folded.count("<figure") == 1
    assert folded.count("<table") == 2
    assert "More: 1 remark, 1 figure and 2 tables" in folded


def test_a_section_without_a_finding_shows_no_figure():
    text = shown(section_of(sections.page(), has_finding=False))
    open_, folded = text.split('<details class="folded">')
    assert "<figure" not in open_
    assert folded.count("<figure") == 2


def test_each_section_names_where_its_method_is_told():
    text = shown(section_of(sections.page(), method="Which choices matter?"))
    assert "How this is computed and when it fails: <code>docs/explanations.md</code>, Which choices" in text
    assert "How this is computed" not in shown(section_of(sections.page()))


def test_every_heading_that_a_section_names_exists():
    text = (Path(__file__).parents[3] / METHODS).read_text()
    headings = {line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")}
    named = [question.method for question in registry.questions()] + [summary_section.QUESTION]
    assert len(named) == 1 + len(registry.QUESTIONS)
    assert set(named) <= headings


def test_a_question_that_does_not_apply_is_left_out():
    page = sections.page()
    last = replace(page.sections[-1], is_applicable=False)
    explanation = Explanation("run", "Why?", page.sections[0], (last,), ACCURACY, FACTS)
    assert [section.key for section in page_of(explanation).sections] == ["summary"]


def test_the_contents_stand_after_the_first_section(report):
    assert report.index("</section>") < report.index('class="contents"') < report.index('id="policy"')


def test_a_figure_is_drawn_again_for_a_phone_unless_it_is_narrow(pictures):
    bars = pictures["summary-bars"]
    wide, narrow = (re.search(r"--wide: (\d+)px", svg)[1] for svg in (bars.svg, bars.narrow))
    assert int(narrow) < 340 < int(wide)
    assert Image.open(io.BytesIO(bars.small)).width == SHOWN_WIDTH < Image.open(io.BytesIO(bars.png)).width
    small = drawn(replace(sections.FIGURE, size=(3.2, 2.0)), "x")
    assert small.narrow == ""
    assert small.small == small.png


def test_long_names_are_wrapped_on_a_phone_and_whole_as_a_title():
    name = "swap the activation of the third layer from identity to hyperbolic tangent"

    def draw(canvas):
        axes = canvas.add_subplot()
        axes.barh([0, 1], [1, 2])
        axes.set_yticks([0, 1], [name, "add relu-64 before layer 1"])

    narrow = drawn(Figure("bars", "", "", draw, (7.0, 3.0)), "bars").narrow
    assert f"<title>{name}</title>" in narrow
    assert ">add relu-64 before<" in narrow
    assert ">layer 1<" in narrow


def test_figures_take_the_colours_of_the_page(report):
    assert "var(--series-0)" in report
    light_only = report.split("</style>")[1]
    for colour in style.VARIABLES:
        assert colour not in light_only
    assert report.count("@media screen and (prefers-color-scheme: dark)") == 1
    for variable, _, dark in style.VARIABLES.values():
        assert f"{variable}: {dark};" in report


def test_every_colour_is_readable_on_its_page():
    def luminance(colour):
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    def contrast(one, other):
        high, low = sorted((luminance(one), luminance(other)), reverse=True)
        return (high + 0.05) / (low + 0.05)

    _, light_page, dark_page = style.VARIABLES[style.PAPER]
    for name, light, dark in style.VARIABLES.values():
        least = {"--paper": 1, "--faint": 1.2, "--ink": 7, "--muted": 4.5}.get(name, 2.8)
        assert contrast(light, light_page) >= least, name
        assert contrast(dark, dark_page) >= least, name


def test_centred_lines_stay_centred_in_the_letters_of_the_page():
    svg = drawn(Figure("tree", "", "", sections.boxes), "x").svg
    lines = re.findall(r"<text style=\"([^\"]*)\" transform=\"translate\(([\d.]+) ", svg)
    assert len(lines) == 2
    assert all("text-anchor: middle" in attribute_preferences for attribute_preferences, _ in lines)
    assert lines[0][1] == lines[1][1]


def test_a_drawing_is_the_same_each_time():
    assert drawn(sections.FIGURE, "x") == drawn(sections.FIGURE, "x")


def test_markdown_has_the_same_content(tmp_path, pictures):
    page = sections.page()
    write_page(page, pictures, {"numbers": 1}, tmp_path, Names())
    text = (tmp_path / "report.md").read_text()
    for section in page.sections:
        assert f"## {plain(section.question)}" in text
        assert all(plain(sentence) in text for sentence in section.answer)
    links = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)
    assert links == ["report_figures/summary-bars.png", "report_figures/summary-a-map.png"]
    assert all((tmp_path / link).read_bytes().startswith(b"\x89PNG") for link in links)
    assert text.count("| layer ") == 20
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "explanation.json",
        "report.html",
        "report.md",
        "report_figures",
    ]


def test_markdown_shows_texts_as_they_are():
    import markdown

    shown = markdown.markdown(plain(sections.NASTY))
    assert html.unescape(re.sub(r"</?p>", "", shown)) == sections.NASTY.replace("`", "")


def test_a_report_that_is_written_again_leaves_nothing_of_the_old_one(tmp_path, pictures):
    old = tmp_path / "report_figures"
    old.mkdir()
    (old / "gone.png").write_bytes(b"")
    write_page(sections.page(), pictures, {}, tmp_path, Names())
    assert not (old / "gone.png").exists()


def test_numbers_of_a_column_have_the_same_decimals():
    table = Table("t", "", ("a", "b", "c"), (("x", 0.5, 1000), ("y", 0.125, None), ("z", -2.0, -3)))
    assert texts_of(table) == [
        ["x", "0.500", "1,000"],
        ["y", "0.125", "\N{EN DASH}"],
        ["z", "\N{MINUS SIGN}2.000", "\N{MINUS SIGN}3"],
    ]
    assert numeric_columns(table) == [False, True, True]
