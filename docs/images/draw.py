"""Draw the pictures of the README anew, from the runs of `make demo` and of the README's run on a table.

    make demo
    nas-gym search --env NASTable-MLP-v0 --agent q-learning --budget 200
    nas-gym explain tensorboard_logs/NASTable-MLP-v0-mlp-mnist1d/q-learning/seed0
    python docs/images/draw.py tensorboard_logs

It needs a Chromium browser and playwright, which `pip install -e '.[dev]'` brings.
"""

from __future__ import annotations

import argparse
import io
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Locator, Page, sync_playwright
from tensorboard import program

HERE = Path(__file__).parent
COMPARED, ON_A_TABLE = "NAS-v0-mlp-mnist1d", "NASTable-MLP-v0-mlp-mnist1d/q-learning/seed0"
FIGURES = ("scores.png", "incumbent_by_evaluations.png")
SCREEN, REPORT = {"width": 1400, "height": 1200}, {"width": 1000, "height": 1350}
# The projector needs WebGL, which a machine without a GPU has by SwiftShader alone.
FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WAIT = 60_000
GAP, WIDTH = 24, 1400
LEFT = 560
COLOURS = 256


def main() -> None:
    """Draw the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("runs", type=Path, help="folder that the runs were written into")
    parser.add_argument("--into", type=Path, default=HERE, help="folder of the pictures")
    options = parser.parse_args()
    pictures = {"demo": compared(options.runs / COMPARED)}
    with browser() as page_of:
        pictures["report"] = report(page_of, options.runs / ON_A_TABLE)
        pictures["tensorboard"] = board(page_of, options.runs / ON_A_TABLE)
    for name, picture in pictures.items():
        picture.quantize(COLOURS).save(options.into / f"{name}.png", optimize=True)


def compared(folder: Path) -> Image.Image:
    """Return what the agents found, and how they got there, of a comparison that `nas-gym compare` wrote."""
    figures = [Image.open(folder / name).convert("RGB") for name in FIGURES]
    height = min(figure.height for figure in figures)
    scaled = [each.resize((each.width * height // each.height, height)) for each in figures]
    together = beside(scaled)
    return together.resize((WIDTH, together.height * WIDTH // together.width), Image.Resampling.LANCZOS)


def report(page_of: Callable[..., Page], run: Path) -> Image.Image:
    """Return the first screen of a report."""
    page = page_of(viewport=REPORT, color_scheme="light")
    page.goto((run / "report.html").resolve().as_uri())
    return shot(page)


def board(page_of: Callable[..., Page], run: Path) -> Image.Image:
    """Return what a run shows in TensorBoard: its policy, the embedding of its networks, an episode."""
    url = served(run)
    page = page_of(viewport=SCREEN, color_scheme="light")
    heat_map = card(page, url, "images", "tf-image-loader", "policy/heat_map")
    episode = card(page, url, "text", "tf-text-loader", "episodes")
    points = projector(page, url)
    left, right = fit(heat_map, LEFT), fit(points, WIDTH - LEFT - GAP)
    row = beside([left, right.crop((0, 0, right.width, min(right.height, left.height)))])
    return above([row, fit(episode, WIDTH)])


def card(page: Page, url: str, tab: str, kind: str, tag: str) -> Image.Image:
    """Return the card of a tag in a tab of TensorBoard."""
    page.goto(f"{url}#{tab}&tagFilter={tag}")
    page.reload()
    found: Locator = page.locator(kind, has_text=tag).first
    found.wait_for(timeout=WAIT)
    page.wait_for_timeout(1500)
    return Image.open(io.BytesIO(found.screenshot())).convert("RGB")


def projector(page: Page, url: str) -> Image.Image:
    """Return the points of the embedding."""
    page.goto(f"{url}#projector")
    page.reload()
    page.wait_for_timeout(6000)
    frame = next(each for each in page.frames if each.url.endswith("projector_binary.html"))
    frame.get_by_text("Total variance described").first.wait_for(state="attached", timeout=WAIT)
    page.wait_for_timeout(1500)
    canvas = frame.locator("#scatter").first
    return Image.open(io.BytesIO(canvas.screenshot())).convert("RGB")


def served(folder: Path) -> str:
    """Return the address of a TensorBoard on this machine, which ends with this process."""
    server = program.TensorBoard()
    server.configure(argv=[None, "--logdir", str(folder), "--host", "127.0.0.1", "--port", "0"])
    return str(server.launch())


@contextmanager
def browser() -> Iterator[Callable[..., Page]]:
    """Give a function that opens a page."""
    path = next(filter(None, map(shutil.which, BROWSERS)))
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield started.new_page
        started.close()


def shot(page: Page) -> Image.Image:
    """Return what a page shows."""
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def fit(picture: Image.Image, width: int) -> Image.Image:
    """Return a picture of a width."""
    size = (width, picture.height * width // picture.width)
    return picture.resize(size, Image.Resampling.LANCZOS)


def beside(pictures: list[Image.Image]) -> Image.Image:
    """Return pictures side by side on white, their tops in a line."""
    width = sum(each.width for each in pictures) + GAP * (len(pictures) - 1)
    return placed(pictures, (width, max(each.height for each in pictures)), across=True)


def above(pictures: list[Image.Image]) -> Image.Image:
    """Return pictures one above the other on white."""
    height = sum(each.height for each in pictures) + GAP * (len(pictures) - 1)
    return placed(pictures, (max(each.width for each in pictures), height), across=False)


def placed(pictures: list[Image.Image], size: tuple[int, int], *, across: bool) -> Image.Image:
    """Return pictures on white, each after the other."""
    page: Any = Image.new("RGB", size, "white")
    at = 0
    for each in pictures:
        page.paste(each, (at, 0) if across else (0, at))
        at += GAP + (each.width if across else each.height)
    return page


if __name__ == "__main__":
    main()
