"""Writing the forms of a report: a reader finds a whole file, the new one or the one before."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from nas_gym._files import write_text, writing
from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.report.adopted import tell_adopted
from nas_gym.explain.report.html import as_html
from nas_gym.explain.report.markdown import as_markdown
from nas_gym.explain.report.page import Page, identifier, page_of, page_of_comparison
from nas_gym.explain.report.svg import Picture, drawn
from nas_gym.explain.section import Explanation
from nas_gym.traces import RunFolder


class Names(NamedTuple):
    """Names of the files of a report, and of the folder of its pictures."""

    html: str = "report.html"
    markdown: str = "report.md"
    numbers: str = "explanation.json"
    figures: str = "report_figures"


COMPARISON = Names(
    "comparison-of-policies.html",
    "comparison-of-policies.md",
    "comparison-of-policies.json",
    "comparison-of-policies_figures",
)
TOGETHER = Names(
    "comparison-explained.html",
    "comparison-explained.md",
    "comparison-explained.json",
    "comparison-explained_figures",
)


def write_explanation(
    evidence: Evidence, explanation: Explanation, folder: Path | None = None, *, keep_events: bool = False
) -> Path:
    """Write the report of a run and TensorBoard's events.

    Args:
        evidence: evidence of the run.
        explanation: explanation of the run.
        folder: folder of the report; None for the folder of the run.
        keep_events: whether to keep what earlier explanations wrote for TensorBoard.

    Returns:
        The file of the report as a web page.

    Raises:
        NASGymError: as `writing_alone`.
    """
    from nas_gym.explain.report.tensorboard import write_events

    folder = evidence.folder.path if folder is None else folder
    page = page_of(explanation)
    pictures = pictures_of(page)
    images = {name: picture.small for name, picture in pictures.items()}
    with writing_alone(folder):
        report = write_page(page, pictures, explanation.as_dict(), folder, Names())
        tell_adopted(folder, Names().html, Names().markdown)
        write_events(evidence, explanation, images, folder, keep=keep_events)
    return report


def write_comparison(comparison: Explanation, folder: Path, names: Names = COMPARISON) -> Path:
    """Write the report of the comparison of two runs, or of several runs together.

    Args:
        comparison: explanation of the runs.
        folder: folder of the report.
        names: `COMPARISON` for two runs, `TOGETHER` for several.

    Returns:
        The file of the report as a web page.

    Raises:
        NASGymError: as `writing_alone`.
    """
    kicker = "comparison of two searches" if names == COMPARISON else "several searches explained together"
    page = page_of_comparison(comparison, names.numbers, kicker)
    pictures = pictures_of(page)
    with writing_alone(folder):
        return write_page(page, pictures, comparison.as_dict(), folder, names)


@contextmanager
def writing_alone(folder: Path) -> Iterator[None]:
    """Hold a folder, which is made if it is not there, so that no other process writes a report there.

    Raises:
        NASGymError: if the folder cannot be written, or another writes there for too long.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with RunFolder(folder).explained_by_one():
            yield


def pictures_of(page: Page) -> dict[str, Picture]:
    """Return every figure of a report, drawn, by its identifier."""
    named = {identifier(section, figure): figure for section in page.sections for figure in section.figures}
    return {name: drawn(figure, name) for name, figure in named.items()}


def write_page(
    page: Page, pictures: Mapping[str, Picture], numbers: Mapping[str, Any], folder: Path, names: Names
) -> Path:
    """Write a report as a web page, as Markdown with a folder of pictures, and as numbers.

    Args:
        page: the report.
        pictures: figures of the report, as of `pictures_of`.
        numbers: contents of the JSON file.
        folder: folder of the report; it is made if it is not there.
        names: names of the files.

    Returns:
        The file of the web page.
    """
    texts = {
        names.numbers: json.dumps(numbers, indent=1, allow_nan=False) + "\n",
        names.markdown: as_markdown(
            page, lambda section, figure: f"{names.figures}/{identifier(section, figure)}.png"
        ),
        names.html: as_html(page, pictures),
    }
    folder.mkdir(parents=True, exist_ok=True)
    _write_pictures(pictures, folder / names.figures)
    for name, text in texts.items():
        write_text(folder / name, text)
    return folder / names.html


def _write_pictures(pictures: Mapping[str, Picture], folder: Path) -> None:
    """Write pictures into a new folder, and put it in the place of the old one."""
    unfinished = folder.with_name(folder.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    for name, picture in pictures.items():
        (unfinished / f"{name}.png").write_bytes(picture.png)
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(unfinished, folder)
