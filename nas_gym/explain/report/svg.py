"""Figures of explanations as pictures, and as SVG whose colours follow the page it is in."""

from __future__ import annotations

import io
import re
import warnings
from html import escape
from typing import NamedTuple

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Canvas
from matplotlib.text import Text

from nas_gym._colours import PAPER
from nas_gym.explain.report import style
from nas_gym.explain.report.labels import WHOLE, fit_narrow, fit_ticks
from nas_gym.explain.section import Figure
from nas_gym.traces import SHOWN_WIDTH

PIXELS_PER_INCH = 144
NARROW_WIDTH = 3.3
# So that a figure of 7 inches fills a page, and letters are as large in a smaller one.
PIXELS_PER_POINT = 1.38
# Parts of pixels that a text may reach over the edge, by rounding.
EDGE = 0.5
# What Matplotlib writes around the drawing, of no use inside a page.
_PREAMBLE = re.compile(r"^.*?(?=<svg)", re.DOTALL)
_METADATA = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_OPENING = re.compile(r"<svg\b[^>]*>", re.DOTALL)
_SIZE = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')
_COLOURS = re.compile("|".join(style.VARIABLES), re.IGNORECASE)
# A group of lines, after the box that may be around them.
_CENTRED = re.compile(
    r'<g id="centred-([\d.]+)">((?:\s*<g\b.*?</g>)?\s*(?:<text\b.*?</text>\s*)+)</g>', re.DOTALL
)
_LINE = re.compile(r'(<text style="[^"]*)(" transform="translate\()[\d.]+')
_WHOLE = re.compile(rf'<g id="{WHOLE}([0-9a-f]+)">')
_FONT = re.compile(r"font-family: [^;\"]*|'DejaVu Sans'(?:, [\w-]+)*")
_STYLE = re.compile(r"<defs>\s*<style.*?</style>\s*</defs>", re.DOTALL)
_NUMBERS = re.compile(r'\b(?:d|x|y|transform|points)="[^"]*"', re.DOTALL)
_LONG = re.compile(r"(\.\d\d)\d+")


class Picture(NamedTuple):
    """A figure that was drawn.

    Attributes:
        png: on a light page, as a PNG file.
        svg: an ``<svg>`` element for a page that defines the variables of `style.VARIABLES`.
        narrow: the same, drawn again for a phone; "" where the first will do.
        small: the drawing for a phone as a PNG file, as wide as TensorBoard shows pictures, which makes wider
            ones too small to read; the first where that will do.
    """

    png: bytes
    svg: str
    narrow: str
    small: bytes


def drawn(figure: Figure, name: str) -> Picture:
    """Draw a figure.

    Args:
        figure: what to draw.
        name: unique in the page; what has an id in the SVG gets this before it.
    """
    with style.set_style(), mpl.rc_context({"svg.hashsalt": name}):
        canvas = laid_out(figure)
        _mark_centred(canvas)
        svg, png = _as_svg(canvas), _as_png(canvas, PIXELS_PER_INCH)
    wide = _embeddable(svg, name, figure.alternative)
    narrow, small = _narrow(figure, f"{name}-narrow")
    return Picture(png, wide, narrow, small or png)


def _narrow(figure: Figure, name: str) -> tuple[str, bytes]:
    """Draw a figure for a phone, as SVG and PNG; nothing where it is narrow already or has no room there."""
    if figure.size[0] <= style.NARROW:
        return "", b""
    with style.set_style(), style.set_narrow_style(), mpl.rc_context({"svg.hashsalt": name}):
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("error", message=".*(layout|collapsed).*", category=UserWarning)
                canvas = laid_out(figure, is_narrow=True)
        except UserWarning:
            return "", b""
        _mark_centred(canvas)
        svg, png = _as_svg(canvas), _as_png(canvas, SHOWN_WIDTH / NARROW_WIDTH)
    return _embeddable(svg, name, figure.alternative), png


# `savefig` draws everything twice, once to lay it out, which has been done.
def _as_png(canvas: Canvas, dpi: float) -> bytes:
    file = io.BytesIO()
    canvas.set_facecolor(PAPER)
    canvas.set_dpi(dpi)
    FigureCanvasAgg(canvas).print_png(file)
    return file.getvalue()


def _as_svg(canvas: Canvas) -> str:
    file = io.StringIO()
    canvas.set_facecolor("none")
    FigureCanvasSVG(canvas).print_svg(file, metadata={"Date": None, "Creator": None})
    return file.getvalue()


def laid_out(figure: Figure, *, is_narrow: bool = False) -> Canvas:
    """Draw a figure with everything in its place, which nothing moves any more."""
    size = (NARROW_WIDTH, figure.narrow_height or figure.size[1]) if is_narrow else figure.size
    canvas = Canvas(figsize=size, dpi=PIXELS_PER_INCH, layout="constrained")
    FigureCanvasAgg(canvas)
    figure.draw(canvas)
    if is_narrow:
        fit_narrow(canvas)
    fit_ticks(canvas)
    canvas.draw_without_rendering()
    if cut_off(canvas):
        # Long labels of squares move the name of their axis after the squares have been placed.
        canvas.draw_without_rendering()
    # Laying out takes most of the time, and once is enough for all files.
    canvas.set_layout_engine("none")
    return canvas


def cut_off(canvas: Canvas) -> list[str]:
    """Return the texts that the edge of a figure cuts."""
    found, not_drawn = [], _not_drawn(canvas)
    for text in canvas.findobj(Text):
        assert isinstance(text, Text)
        if text.get_visible() and text.get_text() and text not in not_drawn:
            box = text.get_window_extent()
            right, top = canvas.bbox.width + EDGE, canvas.bbox.height + EDGE
            if min(box.x0, box.y0) < -EDGE or box.x1 > right or box.y1 > top:
                found.append(text.get_text())
    return found


def _not_drawn(canvas: Canvas) -> set[Text]:
    """Return the labels of ticks beyond the ends of an axis, which lie anywhere and are not drawn."""
    found = set[Text]()
    for axes in canvas.axes:
        for axis in (axes.xaxis, axes.yaxis):
            is_shown = axes.axison and axes.get_visible() and axis.get_visible()
            low, high = sorted(axis.get_view_interval())
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if not (is_shown and low <= tick.get_loc() <= high):
                    found |= {tick.label1, tick.label2}
    return found


def _mark_centred(canvas: Canvas) -> None:
    """Note the middle of centred texts of several lines, which the SVG places by their left ends.

    Those are where the lines begin in Matplotlib's letters, not in the narrower ones of a page.
    """
    for text in canvas.findobj(Text):
        assert isinstance(text, Text)
        if "\n" in text.get_text() and text.get_horizontalalignment() == "center" and not text.get_rotation():
            extent = text.get_window_extent()
            text.set_gid(f"centred-{(extent.x0 + extent.x1) / 2 * 72 / canvas.dpi:.2f}")


def _embeddable(svg: str, name: str, alternative: str) -> str:
    """Return the SVG without preamble, with ids of its own, in the colours and letters of the page."""
    for superfluous in (_PREAMBLE, _METADATA, _COMMENT, _STYLE):
        svg = superfluous.sub("", svg)
    size = _SIZE.search(svg)
    assert size is not None
    opening = (
        f'<svg viewBox="0 0 {size[1]} {size[2]}" style="--wide: {float(size[1]) * PIXELS_PER_POINT:.0f}px" '
        f'preserveAspectRatio="xMinYMid" role="img" aria-label="{escape(alternative)}">'
    )
    svg = _OPENING.sub(lambda _: opening, svg, count=1)
    svg = _CENTRED.sub(
        lambda group: _LINE.sub(rf"\1; text-anchor: middle\g<2>{group[1]}", f"<g>{group[2]}</g>"), svg
    )
    svg = _WHOLE.sub(lambda found: f"<g><title>{escape(bytes.fromhex(found[1]).decode())}</title>", svg)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'href="#', f'href="#{name}-', svg).replace("xlink:href", "href")
    svg = svg.replace("url(#", f"url(#{name}-")
    svg = _FONT.sub(lambda found: "font-family: inherit" if found[0][0] == "f" else "inherit", svg)
    svg = _NUMBERS.sub(lambda found: _LONG.sub(r"\1", found[0]).replace("\n", ""), svg)
    svg = _COLOURS.sub(lambda found: f"var({style.VARIABLES[found[0].lower()][0]})", svg)
    return re.sub(r">\s*\n\s*<", ">\n<", svg).strip()
