"""Every tab that a run writes to renders in a real browser without an error on the console."""

from __future__ import annotations

import shutil
import time

import pytest

from nas_gym.traces import Trace
from tests.helpers.fakes import fake_env
from tests.helpers.serving import tensorboard
from tests.helpers.traced_runs import q_learning

pytestmark = pytest.mark.browser

# The projector needs WebGL, and a machine without a GPU has it by SwiftShader alone.
FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
CHROMIUM = next(
    (path for path in ("chromium", "chromium-browser", "google-chrome") if shutil.which(path)), None
)

# What a tab shows that nothing else on the page does.
SHOWN = {
    "timeseries": "1_search/best_score",
    "scalars": "tag: 1_search/best_score",
    "custom_scalars": "scores of the start state's edits",
    "images": "architectures/top",
    "graphs": "output",
    "distributions": "policy/visited_states",
    "histograms": "policy/start_state",
    "text": "Was it still getting better?",
    "hparams": "q-learning",
}


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A page of a browser, with the address of a TensorBoard."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install playwright"
    )
    if CHROMIUM is None:
        pytest.skip("there is no Chromium: install the package chromium")
    folder = tmp_path_factory.mktemp("runs")
    env = Trace(fake_env(), folder / "NAS-v0-mlp/q/seed0", agent="q-learning", config={"budget": 12})
    q_learning(env, 12)
    env.close()
    with tensorboard(folder) as server, playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which(CHROMIUM), args=FLAGS)
        opened = browser.new_page(viewport={"width": 1500, "height": 1200})
        yield opened, server.url
        browser.close()


@pytest.fixture
def errors(page):
    """The errors on the page's console during a test."""
    found: list[str] = []

    def on_console(message):
        if message.type == "error":
            found.append(message.text)

    def on_error(error):
        found.append(str(error))

    page[0].on("console", on_console)
    page[0].on("pageerror", on_error)
    yield found
    page[0].remove_listener("console", on_console)
    page[0].remove_listener("pageerror", on_error)


def open_tab(page, tab):
    opened, url = page
    opened.goto(f"{url}/#{tab}")
    opened.reload()
    return opened


@pytest.mark.parametrize("tab", SHOWN)
def test_a_tab_shows_the_run_without_an_error(page, errors, tab):
    opened = open_tab(page, tab)
    opened.get_by_text(SHOWN[tab]).first.wait_for(state="attached", timeout=30_000)
    opened.wait_for_timeout(500)
    assert errors == []


def test_images_are_drawn(page, errors):
    opened = open_tab(page, "images")
    opened.locator("#main-image, tf-image-loader img, img").first.wait_for(state="attached", timeout=30_000)
    # Images live in shadow roots, which only a walk through them reaches.
    widths = """() => {
        const found = [];
        const walk = (root) => root.querySelectorAll("*").forEach((element) => {
            if (element.tagName === "IMG") found.push(element.naturalWidth);
            if (element.shadowRoot) walk(element.shadowRoot);
        });
        walk(document);
        return found;
    }"""
    opened.wait_for_function(f"() => ({widths})().filter((width) => width > 100).length >= 2", timeout=30_000)
    assert errors == []


def projector_frame(opened):
    """The frame in a frame that draws the points."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for frame in opened.frames:
            if frame.url.endswith("projector_binary.html"):
                return frame
        opened.wait_for_timeout(200)
    raise AssertionError(f"no projector among {[frame.url for frame in opened.frames]}")


def test_the_projector_draws_the_points(page, errors):
    opened = open_tab(page, "projector")
    frame = projector_frame(opened)
    frame.get_by_text("Points: 12").first.wait_for(state="attached", timeout=60_000)
    frame.get_by_text("Total variance described").first.wait_for(state="attached", timeout=60_000)
    assert errors == []
