"""The report and TensorBoard's tabs of an explanation in a real browser: light, dark, narrow, on paper."""

from __future__ import annotations

import shutil

import pytest

from nas_gym.explain import explain_evidence, read_evidence, write_explanation
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
    "text": "Measured on 200 evaluations.",
    "images": "1_choices/bars",
    "histograms": "accuracies/by depth",
    "distributions": "accuracies/by depth",
}


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
    assert widths
    assert min(widths) > 300
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
    table = page.locator("#choices details").first
    rows = table.locator("tbody tr")
    assert not rows.first.is_visible()
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


@pytest.mark.parametrize("tab", TABS)
def test_a_tab_of_tensorboard_shows_the_explanation(browser, served, tab):
    page, complaints, _ = opened(browser, f"{served}/#{tab}", viewport={"width": 1500, "height": 1200})
    page.get_by_text(TABS[tab]).first.wait_for(state="attached", timeout=30_000)
    assert complaints == []
    page.close()
