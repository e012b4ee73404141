"""An explanation in TensorBoard: the run ``explanation`` inside the run that it explains.

It holds texts, images, histograms and points, and no scalar: a curve over the rows of a table is none.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tensorboard.compat.proto.summary_pb2 import Summary  # type: ignore[attr-defined]
from tensorboard.plugins.histogram.metadata import create_summary_metadata as histogram_metadata
from tensorboard.plugins.image.metadata import create_summary_metadata
from tensorboard.plugins.projector.projector_config_pb2 import (  # type: ignore[attr-defined]
    EmbeddingInfo,
    ProjectorConfig,
)
from tensorboard.util.tensor_util import make_tensor_proto

from nas_gym._files import write_text
from nas_gym.explain.evidence.run import Evidence, SeenEvaluation
from nas_gym.explain.report.markdown import section_blocks
from nas_gym.explain.report.page import identifier
from nas_gym.explain.report.phrases import plural
from nas_gym.explain.section import Explanation, Section
from nas_gym.search_spaces import SearchSpace, distances_from
from nas_gym.traces import DISC, MOST_POINTS, EventFile, discs, one_hot, text_summary

FOLDER = "explanation"
BUCKETS = 30
COLUMNS = ("architecture", "{}", "verdict", "edits from the found network", "order")
"""Of the projector's points, to be filled in with the label of the metric."""
FAR = 2


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
        evidence: evidence of the run.
        explanation: explanation of the run.
        pictures: figures of the explanation as PNG, by their identifiers.
        folder: folder of the run; the events go into the folder ``explanation`` in it.
        keep: whether to keep what earlier explanations of a run that goes on have written.
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
    """Return the tag of a section, which sorts as in the report."""
    return f"{number}_{section.key}/{section.question}"


def _write_texts(events: EventFile, explanation: Explanation, step: int) -> None:
    for number, section in enumerate(explanation.all_sections):
        blocks = section_blocks(section)
        events.summary(text_summary(tag_of(number, section), "\n\n".join(blocks)), step)


def _write_images(
    events: EventFile, explanation: Explanation, pictures: Mapping[str, bytes], step: int
) -> None:
    for number, section in enumerate(explanation.all_sections):
        for figure in section.figures:
            name = identifier(section, figure)
            value = _image(f"{number}_{section.key}/{figure.name}", pictures[name], figure.caption)
            events.summary(Summary(value=[value]), step)


def _image(tag: str, png: bytes, caption: str) -> Any:
    """Return a picture, and its caption for TensorBoard to show beside it."""
    width, height = Image.open(io.BytesIO(png)).size
    tensor = make_tensor_proto([str(width).encode(), str(height).encode(), png])
    about = create_summary_metadata(display_name=tag, description=caption)
    return Summary.Value(tag=tag, tensor=tensor, metadata=about)


def _write_histograms(events: EventFile, evidence: Evidence) -> None:
    """Write the scores that the run saw, all of them and by the value of each choice.

    The axes of TensorBoard have numbers alone, so the options stand in the title, each with the number
    of its slice.
    """
    scores = np.array([one.score for one in evidence.succeeded])
    if not len(scores):
        return
    metric = evidence.metric.label
    edges, group = _edges(scores), plural(metric)
    about = f"Across: {metric} that the search saw, of 1. Up: networks."
    events.summary(_histogram(f"{group}/all", f"{group} of all networks", about, scores, edges), 0)
    for variable, options in _options(evidence).items():
        found = {number: (option, scores[where]) for number, (option, where) in enumerate(options.items())}
        met = {number: each for number, each in found.items() if len(each[1])}
        named = ", ".join(f"{number} = {_words(option)}" for number, (option, _) in met.items())
        title = f"by {variable}: {named}"
        numbers = "; ".join(
            f"{number} = {_words(option)}, {len(those)} networks" for number, (option, those) in met.items()
        )
        words = f"{about} Slices: the options of {variable} by their number: {numbers}."
        for number, (_, those) in met.items():
            events.summary(_histogram(f"{group}/by {variable}", title, words, those, edges), number)


def _histogram(tag: str, title: str, description: str, values: np.ndarray, edges: np.ndarray) -> Any:
    """Return a histogram as a tensor: of these TensorBoard's fast loader, too, reads the title."""
    counts, _ = np.histogram(values, edges)
    buckets = np.stack([edges[:-1], edges[1:], counts], axis=1).astype(np.float32)
    about = histogram_metadata(display_name=title, description=description)
    return Summary(value=[Summary.Value(tag=tag, tensor=make_tensor_proto(buckets), metadata=about)])


def _words(option: Any) -> str:
    return "none" if option is None else str(option)


def _options(evidence: Evidence) -> Mapping[str, Mapping[Any, np.ndarray]]:
    """Return which successful evaluations had each option of each choice, bool (evaluations,)."""
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


def _edges(scores: np.ndarray) -> np.ndarray:
    low, high = scores.min(), scores.max()
    return np.linspace(low - 1e-6, high + 1e-6, BUCKETS + 1)


def write_points(folder: Path, evidence: Evidence) -> None:
    """Write the projector's files of at most `MOST_POINTS` evaluations into the explanation's folder."""
    points = list({str(one.architecture): one for one in evidence.seen}.values())[:MOST_POINTS]
    space = evidence.search_space
    steps = _edits_from_found(evidence, {str(one.architecture) for one in points})
    vectors = [one_hot(space, one.architecture) for one in points]
    target = folder / "projector"
    target.mkdir(parents=True, exist_ok=True)
    _write_rows(target / "tensors.tsv", [[f"{value:g}" for value in vector] for vector in vectors])
    rows = [
        [str(one.architecture), f"{one.score:.6g}", verdict, _edits(steps, one), str(one.order)]
        for one, verdict in zip(points, verdicts(evidence, points), strict=True)
    ]
    names = [column.format(evidence.metric.label) for column in COLUMNS]
    _write_rows(target / "metadata.tsv", [names, *rows])
    Image.fromarray(discs([one.score for one in points])).save(target / "discs.png")
    plain = {"tensor_path": "projector/tensors.tsv", "metadata_path": "projector/metadata.tsv"}
    coloured = EmbeddingInfo(tensor_name="architectures explained", **plain)
    coloured.sprite.image_path = "projector/discs.png"
    coloured.sprite.single_image_dim.extend([DISC, DISC])
    by_verdict = EmbeddingInfo(tensor_name="architectures explained, plain", **plain)
    write_text(folder / "projector_config.pbtxt", str(ProjectorConfig(embeddings=[coloured, by_verdict])))


def verdicts(evidence: Evidence, points: Sequence[SeenEvaluation]) -> list[str]:
    """Return how each architecture did in the run, in a few words."""
    if not evidence.succeeded:
        return ["failed"] * len(points)
    scores = np.array([one.score for one in evidence.succeeded])
    high, middle, low = np.quantile(scores, [0.9, 0.5, 0.1])
    found = str(evidence.chosen.architecture)
    words = []
    for one in points:
        if one.failed:
            words.append("failed")
        elif str(one.architecture) == found:
            words.append("found network")
        elif one.score >= high:
            words.append("best tenth")
        elif one.score >= middle:
            words.append("above the median")
        else:
            words.append("worst tenth" if one.score <= low else "below the median")
    return words


def _edits_from_found(evidence: Evidence, wanted: set[str]) -> dict[str, int]:
    """Return edits from the found network to each architecture that at most `FAR` edits reach."""
    if not evidence.succeeded:
        return {}
    space: SearchSpace[Any] = evidence.search_space
    found = evidence.chosen.architecture
    steps = distances_from(space, found, FAR)
    return {text: distance for one, distance in steps.items() if (text := str(one)) in wanted}


def _edits(steps: dict[str, int], one: SeenEvaluation) -> str:
    distance = steps.get(str(one.architecture))
    return f"more than {FAR}" if distance is None else str(distance)


def _write_rows(file: Path, rows: Sequence[Sequence[str]]) -> None:
    write_text(file, "".join("\t".join(row) + "\n" for row in rows))
