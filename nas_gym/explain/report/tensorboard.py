"""An explanation in TensorBoard: the run ``explanation`` inside the run that it explains.

It holds texts, images, histograms and points, and no scalar: TensorBoard counts the scalars of a run
inside another as metrics of the other, so its table of hyperparameters would fill with them.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tensorboard.compat.proto.summary_pb2 import Summary  # type: ignore[attr-defined]
from tensorboard.plugins.image.metadata import create_summary_metadata
from tensorboard.util.tensor_util import make_tensor_proto
from torch.utils.tensorboard.summary import histogram

from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.report.markdown import section_blocks
from nas_gym.explain.report.page import identifier
from nas_gym.explain.report.projector import write_points
from nas_gym.explain.section import Explanation, Section
from nas_gym.traces import EventFile, summaries

FOLDER = "explanation"
BUCKETS = 30


def write_events(
    evidence: Evidence,
    explanation: Explanation,
    pictures: Mapping[str, bytes],
    folder: Path,
    *,
    keep: bool = False,
) -> None:
    """Write an explanation for TensorBoard, at the step of the run's distinct evaluations.

    Args:
        evidence: what was explained.
        explanation: of it.
        pictures: its figures as PNG, by their identifiers.
        folder: of the run; the events go into the folder ``explanation`` in it.
        keep: keep what earlier explanations of a run that goes on have written.
    """
    target = folder / FOLDER
    if not keep and target.is_dir():
        for old in target.glob("events.out.tfevents.*"):
            old.unlink()
    with closing(EventFile(target)) as events:
        _write_texts(events, explanation, len(evidence.seen))
        _write_images(events, explanation, pictures, len(evidence.seen))
        _write_histograms(events, evidence)
    write_points(target, evidence)


def tag_of(number: int, section: Section) -> str:
    """The tag of a section, which sorts as in the report."""
    return f"{number}_{section.key}/{section.question}"


def _write_texts(events: EventFile, explanation: Explanation, step: int) -> None:
    for number, section in enumerate(explanation.all_sections):
        blocks = section_blocks(section)
        events.summary(summaries.text(tag_of(number, section), "\n\n".join(blocks)), step)


def _write_images(
    events: EventFile, explanation: Explanation, pictures: Mapping[str, bytes], step: int
) -> None:
    for number, section in enumerate(explanation.all_sections):
        for figure in section.figures:
            name = identifier(section, figure)
            value = _image(f"{number}_{section.key}/{figure.name}", pictures[name], figure.caption)
            events.summary(Summary(value=[value]), step)


def _image(tag: str, png: bytes, caption: str) -> Any:
    """A picture with its caption, which TensorBoard shows beside it."""
    width, height = Image.open(io.BytesIO(png)).size
    tensor = make_tensor_proto([str(width).encode(), str(height).encode(), png])
    about = create_summary_metadata(display_name=tag, description=caption)
    return Summary.Value(tag=tag, tensor=tensor, metadata=about)


def _write_histograms(events: EventFile, evidence: Evidence) -> None:
    """The accuracies that the run saw, all of them and by the value of each choice."""
    accuracies = np.array([one.accuracy for one in evidence.succeeded])
    if not len(accuracies):
        return
    edges = _edges(accuracies)
    events.summary(histogram("accuracies/all", accuracies, edges), 0)
    for variable, options in _options(evidence).items():
        for number, where in enumerate(options.values()):
            if where.any():
                found = accuracies[where]
                events.summary(histogram(f"accuracies/by {variable}", found, edges), number)


def _options(evidence: Evidence) -> Mapping[str, Mapping[Any, np.ndarray]]:
    """For each choice and each of its options which successful evaluations had it, bool (evaluations,)."""
    space = evidence.search_space
    encoded = [space.encode(one.architecture) for one in evidence.succeeded]
    active = [space.active_variables(one.architecture) for one in evidence.succeeded]
    return {
        name: {
            option: np.array(
                [
                    name in used and values[name] == number
                    for values, used in zip(encoded, active, strict=True)
                ]
            )
            for number, option in enumerate(variable.choices)
        }
        for name, variable in space.variables.items()
    }


def _edges(accuracies: np.ndarray) -> np.ndarray:
    low, high = accuracies.min(), accuracies.max()
    return np.linspace(low - 1e-6, high + 1e-6, BUCKETS + 1)
