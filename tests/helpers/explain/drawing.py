"""Drawing the figures of a section, as a report does."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from PIL import Image

from nas_gym.explain import Section
from nas_gym.explain.report import style, writer
from nas_gym.explain.report.svg import Picture


def draw_all(section: Section) -> None:
    """Draw every figure; a warning is an error, and each has words for those who cannot see it."""
    for figure in section.figures:
        assert figure.caption
        assert figure.alternative
        with warnings.catch_warnings(), style.set_style():
            warnings.simplefilter("error")
            canvas = Canvas(figsize=figure.size, layout="constrained")
            figure.draw(canvas)
            FigureCanvasAgg(canvas).draw()


@contextmanager
def undrawn() -> Iterator[None]:
    """Write reports with an empty picture for each figure, where a test is of what is said.

    Drawing takes most of the time of a report; the tests in `tests/explain/report` have reports drawn.
    """
    file = io.BytesIO()
    Image.new("RGB", (2, 1)).save(file, "png")
    empty = Picture(file.getvalue(), '<svg viewBox="0 0 2 1"></svg>', "", file.getvalue())
    with patch.object(writer, "drawn", lambda figure, name: empty):
        yield
