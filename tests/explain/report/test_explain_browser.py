"""The report and TensorBoard's tabs of an explanation in a real browser: light, dark, narrow, on paper."""

from __future__ import annotations

import re
import shutil

import pytest
from nas_agents.runs.run import RunSpec
from nas_agents.runs.run import run as run_agent

from nas_gym.explain import Settings, explain_evidence, read_evidence, write_explanation
from tests.helpers.explain import sections
from tests.helpers.explain.runs import recorded
from tests.helpers.serving import tensorboard
from tests.traces.test_browser import CHROMIUM, FLAGS

pytestmark = pytest.mark.browser

PAGES = {
    "light": {"viewport": {"width": 1300, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1300, "height": 900}, "color_scheme": "dark"},
    "narrow": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"},
    "narrow and dark": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
}
# What a tab shows of the explanation that nothing else on the page does.
TABS = {
    "text": "0_summary/What was found, and how good is it?",
    "images": "choices/bars",
    "histograms": "accuracies/by depth",
    "distributions": "accuracies/by depth",
}


PHONE = {"viewport": {"width": 360, "height": 780}}
DESK = {"viewport": {"width": 1280, "height": 1600}}
MOST_PAGES = 8
MLP = {"name": "mlp", "max_layers": 3, "widths": [16, 64], "activations": ["relu", "sigmoid"]}
CONV = {"name": "conv", "max_layers": 3, "operations": ["conv3"], "channels": [4, 8], "activations": ["relu"]}
TRAIN = {"name": "train", "recipe": {"epochs": 2}}
# The attributions of an image's every pixel take a while for each example.
FEW = {"name": "digits", "train_size": 300, "validation_size": 60, "test_size": 60}
# A run of each kind: agent, budget, environment.
RUNS = {
    "classes": ("q-learning", 14, {"search_space": MLP, "task": "digits", "evaluator": TRAIN}),
    "values": ("tpe", 10, {"search_space": MLP, "task": "diabetes", "evaluator": TRAIN}),
    "conv": ("q-learning", 4, {"search_space": CONV, "task": FEW, "evaluator": TRAIN, "horizon": 4}),
    "table": ("q-learning", 60, {"evaluator": {"name": "table", "benchmark": "mlp"}, "task": "mnist1d"}),
}
TOO_WIDE = """[...document.querySelectorAll("body *")]
    .filter(one => !one.closest("svg") && !one.closest(".skip"))
    .filter(one => one.getBoundingClientRect().right > innerWidth + 1)
    .map(one => one.outerHTML.slice(0, 80))"""
SCROLLED = """[...document.querySelectorAll(".scroll, figure, figure div")]
    .filter(one => one.scrollWidth > one.clientWidth).map(one => one.parentElement.id)"""
CUT = """[...document.querySelectorAll("figure svg")].filter(svg => svg.getBoundingClientRect().width)
    .flatMap(svg => { const edge = svg.getBoundingClientRect();
        return [...svg.querySelectorAll("text")]
            .map(text => [text.textContent, text.getBoundingClientRect()])
            .filter(([words, box]) => box.width && (box.left < edge.left - 3 || box.right > edge.right + 3))
            .map(([words]) => words); })"""


# These two take longest to explain and draw.
@pytest.fixture(
    scope="module",
    params=[pytest.param(kind, marks=pytest.mark.slow if kind in ("conv", "table") else ()) for kind in RUNS],
)
def real(request, tmp_path_factory):
    """The report of a run with every explanation, by the kind of run, as an address."""
    agent, budget, env = RUNS[request.param]
    folder = tmp_path_factory.mktemp(request.param) / "run"
    run_agent(RunSpec(agent, budget, str(folder), 0, "NAS-v0", env | {"store": "memory"}))
    evidence = read_evidence(folder, "memory")
    return write_explanation(evidence, explain_evidence(evidence, Settings(budget=12))).as_uri()


def unfolded(browser, url, **options):
    page, *_ = opened(browser, url, **options)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    return page


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_nothing_is_wider_than_the_page_and_nothing_scrolls_sideways(browser, real, size):
    page = unfolded(browser, real, **size)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert page.evaluate(TOO_WIDE) == []
    assert page.evaluate(SCROLLED) == []
    assert page.evaluate(CUT) == []
    page.close()


def test_letters_of_figures_can_be_read_on_a_phone(browser, real):
    page = unfolded(browser, real, **PHONE)
    sizes = page.locator("figure svg text").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect())"
        ".filter(box => box.width && box.width > box.height)"
        ".map(box => box.height)"
    )
    assert len(sizes) > 20
    assert sum(size < 7 for size in sizes) < 0.02 * len(sizes)
    page.close()


def test_it_prints_on_few_pages_and_folds_nothing_out(browser, real):
    page, *_ = opened(browser, real)
    for paper in ("A4", "Letter"):
        assert pages_of(page.pdf(format=paper)) <= MOST_PAGES
    page.emulate_media(media="print")
    shown = page.evaluate(
        "[...document.querySelectorAll('main section')].map(one => [...one.querySelectorAll('figure')]"
        ".filter(figure => figure.getBoundingClientRect().height).length)"
    )
    assert max(shown) == 1
    page.close()


def test_paper_has_two_columns_that_figures_fill(browser, real):
    page, *_ = opened(browser, real, viewport={"width": 673, "height": 1000})
    page.emulate_media(media="print")
    others = page.locator(".others")
    assert others.evaluate("one => getComputedStyle(one).columnCount") == "2"
    column = others.evaluate("one => one.clientWidth") / 2
    shown = page.locator(".others > section > figure svg").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect().width).filter(width => width)"
    )
    assert shown
    assert all(0.85 * column < width < column for width in shown)
    assert page.evaluate(CUT) == []
    page.close()


def pages_of(pdf: bytes) -> int:
    """The pages of a PDF file: the largest count of its tree of pages."""
    return max(int(count) for count in re.findall(rb"/Count (\d+)", pdf))


def test_the_first_page_is_one_screen_with_its_drawing(browser, real):
    page, *_ = opened(browser, real, **DESK)
    ends = page.locator("#summary > p:not(.method), #summary > figure").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect().bottom)"
    )
    assert max(ends) <= DESK["viewport"]["height"]
    page.close()


def test_a_narrow_page_begins_with_the_answer(browser, real):
    page, *_ = opened(browser, real, **PHONE)
    top = "one => one.getBoundingClientRect().top"
    assert page.locator("#summary").evaluate(top) < page.locator(".contents").evaluate(top)
    assert page.locator("#summary p").first.evaluate(top) < PHONE["viewport"]["height"]
    page.close()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder with the run of an agent, explained."""
    logdir = tmp_path_factory.mktemp("logs")
    evidence = read_evidence(recorded(logdir / "q-learning" / "seed0", budget=20))
    write_explanation(evidence, explain_evidence(evidence, None, sections.questions(withhold="policy")))
    return logdir


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install playwright"
    )
    if CHROMIUM is None:
        pytest.skip("there is no Chromium: install the package chromium")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=shutil.which(CHROMIUM), args=FLAGS)
        yield started
        started.close()


def opened(browser, url, **options):
    """A page, what it complained of, and what it asked the network for."""
    page = browser.new_page(**options)
    complaints, asked = [], []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(url)
    return page, complaints, asked


@pytest.fixture(scope="module")
def report(run):
    return (run / "q-learning" / "seed0" / "report.html").as_uri()


@pytest.mark.parametrize("kind", PAGES)
def test_the_report_opens_from_disk(browser, report, kind):
    page, complaints, asked = opened(browser, report, **PAGES[kind])
    page.get_by_text("Which choices matter?").first.wait_for()
    assert complaints == []
    assert [url for url in asked if not url.startswith("data:")] == [report]
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    widths = page.locator("figure svg").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect().width)"
    )
    assert sorted(widths)[len(widths) // 2] > 280  # of two drawings of a figure one is shown
    page.close()


def test_light_and_dark_differ_and_paper_is_light(browser, report):
    def colours(**options):
        page, *_ = opened(browser, report, **options)
        found = page.evaluate(
            "[getComputedStyle(document.body).color, "
            "getComputedStyle(document.querySelector('figure svg text')).fill]"
        )
        page.emulate_media(media="print")
        on_paper = page.evaluate("getComputedStyle(document.body).color")
        page.close()
        return found, on_paper

    light, light_paper = colours(**PAGES["light"])
    dark, dark_paper = colours(**PAGES["dark"])
    assert light[0] != dark[0]
    assert light[1] != dark[1]
    assert light_paper == dark_paper == light[0]


def test_tables_unfold(browser, report):
    page, *_ = opened(browser, report, **PAGES["light"])
    folded = page.locator("#choices details.folded")
    table = folded.locator("details.table").first
    rows = table.locator("tbody tr")
    assert not rows.first.is_visible()
    folded.locator("summary").first.click()
    table.locator("summary").click()
    assert rows.first.is_visible()
    assert not rows.last.is_visible()
    table.locator("input").check()
    assert rows.last.is_visible()
    page.close()


@pytest.fixture(scope="module")
def served(run):
    with tensorboard(run) as server:
        yield server.url


@pytest.mark.parametrize("tab", [*list(TABS)[:3], pytest.param("distributions", marks=pytest.mark.slow)])
def test_a_tab_of_tensorboard_shows_the_explanation(browser, served, tab):
    page, complaints, _ = opened(browser, f"{served}/#{tab}", viewport={"width": 1500, "height": 1200})
    page.get_by_text(TABS[tab]).first.wait_for(state="attached", timeout=30_000)
    assert complaints == []
    page.close()
