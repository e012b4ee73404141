"""Sections as explanations make them, for tests of what is done with them."""

from __future__ import annotations

from typing import Any

import numpy as np

from nas_gym.explain import Evidence, Section, Table, registry
from nas_gym.explain.report import style
from nas_gym.explain.report.page import Page
from nas_gym.explain.section import Figure, Question, Settings, withheld

# What a page has to escape, as it may stand in the name of a task or in a message.
NASTY = "<script>alert('x')</script> & \"y\" | `a|b` *c* __d__"


def bars(canvas: Any) -> None:
    axes = canvas.subplots()
    names = ["layer 1 activation", "depth", "a < b & c"]
    axes.barh(names, [0.4, 0.2, 0.1], xerr=0.05, color=style.colour(0), ecolor=style.ink())
    axes.set_title("a title\nof two lines <b>")


def heat(canvas: Any) -> None:
    axes = canvas.subplots()
    canvas.colorbar(axes.imshow(np.arange(12.0).reshape(3, 4), aspect="auto"), label="attribution")
    axes.grid(visible=False)


def boxes(canvas: Any) -> None:
    axes = canvas.subplots()
    axes.set_axis_off()
    box = {"boxstyle": "round", "facecolor": style.paper(), "edgecolor": style.muted()}
    axes.text(0.5, 0.5, "depth is\nat least 3", ha="center", va="center", bbox=box)


FIGURE = Figure("bars", "Longer bars matter more.", "Activation .4, depth .2.", bars)
ROWS = tuple((f"layer {n}", 0.4 / (n + 1), 0.35 / (n + 1), 0.5 / (n + 1), 100 * n) for n in range(20))
TABLE = Table("importance", "Importance of each choice.", ("choice", "value", "low", "high", "seen"), ROWS)
CURVE = Table(
    "leaves",
    "How faithful a tree is.",
    ("leaves", "faithfulness (share)"),
    ((4, 0.5), (8, 0.8), (16, None), (32, 0.9)),
)


MAP = Figure("a map", "Where it looks.", "In the middle.", heat, (6.0, 3.0))


def made(key: str, question: str, figures: tuple[Figure, ...] = ()) -> Section:
    """A section with everything in it but figures, which take time to draw."""
    return Section(
        key,
        question,
        (f"The answer is `relu-64 > tanh-16`: {NASTY}.", "It is so."),
        "Measured on 200 evaluations.",
        tables=(TABLE, CURVE),
        figures=figures,
        numbers={"value": 0.4, "interval": [0.35, 0.5]},
    )


def page(title: str = "Why this network?") -> Page:
    """A report."""
    return Page(
        title,
        "explanation of a search",
        (
            made("summary", "What was found?", (FIGURE, MAP)),
            withheld("policy", "What was learned?", "There is no policy."),
        ),
        (("test accuracy", "71.3%", "trained anew"),),
        (("agent", "q-learning"), ("folder", NASTY)),
        "Closing words.",
    )


def questions(withhold: str = "") -> list[Question]:
    """The questions of the registry with answers that know nothing of the run; one may be withheld."""

    def question(real: Question) -> Question:
        def explain(evidence: Evidence, settings: Settings) -> Section:
            if real.key == withhold:
                return withheld(real.key, real.text, "There is none.")
            return made(real.key, real.text, (FIGURE,) if real.key == "choices" else ())

        return Question(real.key, real.text, explain)

    return [question(real) for real in registry.questions()]
