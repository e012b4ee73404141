"""Drawing the figures of a section, as a report does."""

from __future__ import annotations

import warnings

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas

from nas_gym.explain import Section
from nas_gym.explain.report import style


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
