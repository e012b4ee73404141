"""Writing the comparison of two runs: where their policies agree, where they part, and who was right."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from nas_gym.explain.report.page import Page, facts_in_words
from nas_gym.explain.report.writer import Names, pictures_of, write_page, writing_alone
from nas_gym.explain.section import Explanation
from nas_gym.explain.sections.comparison.section import compare

NAMES = Names(
    "comparison-of-policies.html",
    "comparison-of-policies.md",
    "comparison-of-policies.json",
    "comparison-of-policies_figures",
)
CLOSING = (
    f"Every number of this report is in {NAMES.numbers} beside it. How it is computed is in "
    "docs/explanations.md of nas-gym."
)


def write_comparison(
    first: Path,
    second: Path,
    *,
    budget: int | None = None,
    seed: int = 0,
    store: Any = "user",
    folder: Path | None = None,
) -> tuple[Explanation, Path]:
    """Compare two runs and write the report.

    Args:
        first: folder of a run.
        second: folder of another.
        budget: trainings that may be made to say who was right; None for 200 at most.
        seed: of every random draw.
        store: of evaluators that train.
        folder: where the report is written; None for the folder that both runs are in.

    Returns:
        The comparison, and the file of the report as a web page.

    Raises:
        NASGymError: if a folder holds no run, both are the same, or they have different spaces or tasks.
    """
    comparison = compare(first, second, budget=budget, seed=seed, store=store)
    page = Page(
        title=comparison.title,
        kicker="comparison of two searches",
        sections=tuple(comparison.all_sections),
        facts=(("runs", comparison.run), *facts_in_words(comparison.facts)),
        closing=CLOSING,
    )
    place = common_folder(first, second) if folder is None else folder
    pictures = pictures_of(page)
    with writing_alone(place):
        return comparison, write_page(page, pictures, comparison.as_dict(), place, NAMES)


def common_folder(first: Path, second: Path) -> Path:
    """The nearest folder that both runs are in, or the current one where they have nothing in common."""
    try:
        common = Path(os.path.commonpath([first.resolve().parent, second.resolve().parent]))
    except ValueError:
        return Path()
    return Path() if common == Path(common.anchor) else Path(os.path.relpath(common))
