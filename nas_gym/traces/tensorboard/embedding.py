"""The evaluated architectures as points, for TensorBoard's projector."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nas_gym.evaluators import Evaluation
from nas_gym.search_spaces import Architecture, SearchSpace
from nas_gym.traces.tensorboard.colours import colours, levels
from nas_gym.traces.tensorboard.picture import png

MOST_POINTS = 5000
DISC = 24


def one_hot(search_space: SearchSpace[Any], architecture: Architecture) -> np.ndarray:
    """Return an architecture's fixed-length form: float64 (sum of choices,), one 1 a variable."""
    values = search_space.encode(architecture)
    parts = [np.eye(len(variable.choices))[values[name]] for name, variable in search_space.variables.items()]
    return np.concatenate(parts)


def write_embedding(
    folder: Path, search_space: SearchSpace[Any], evaluations: Sequence[Evaluation], metric: str
) -> None:
    """Write the projector's files of a run.

    The projector offers the points twice: as discs coloured by score, which it shows first, and
    plain, for its own choice of colours.

    Args:
        folder: the run's folder.
        search_space: search space of the architectures.
        evaluations: evaluations of the run in order of first request; of one architecture the last
            counts, which had most epochs where an agent raises them, and of more than `MOST_POINTS` the
            first ones.
        metric: what the score of an architecture is, for readers (``"accuracy"``).
    """
    points = list({evaluation.architecture: evaluation for evaluation in evaluations}.values())[:MOST_POINTS]
    target = folder / "projector"
    target.mkdir(exist_ok=True)
    _write_table(target / "tensors.tsv", _vectors(search_space, points))
    names = ["architecture", metric, "order", "parameters", "status"]
    _write_table(
        target / "metadata.tsv", [names, *(_row(n, point) for n, point in enumerate(points, start=1))]
    )
    (target / "discs.png").write_bytes(png(discs([point.score for point in points])))
    (folder / "projector_config.pbtxt").write_text(_projector_config(metric), encoding="utf-8")


def discs(scores: Sequence[float]) -> np.ndarray:
    """Return a disc for each score, from the lowest (violet) to the highest (yellow), in a square grid.

    Returns:
        uint8 (side, side, 4), transparent outside the discs.
    """
    values = np.asarray(scores, dtype=np.float64)
    shades = colours()[levels(values, len(colours()))]
    offsets = np.arange(DISC) - (DISC - 1) / 2
    inside = offsets[:, None] ** 2 + offsets**2 <= (DISC / 2 - 1) ** 2
    per_side = math.ceil(math.sqrt(len(values)))
    opaque = np.zeros((per_side**2, 4), dtype=np.uint8)
    opaque[: len(shades), :3], opaque[: len(shades), 3] = shades, 255
    discs = inside[..., None] * opaque[:, None, None]
    side = per_side * DISC
    return discs.reshape(per_side, per_side, DISC, DISC, 4).swapaxes(1, 2).reshape(side, side, 4)


def _projector_config(metric: str) -> str:
    """Return the text of a `ProjectorConfig`, whose own printer takes longer to import than all else here."""
    return f"""\
embeddings {{
  tensor_name: "architectures by {metric}"
  metadata_path: "projector/metadata.tsv"
  sprite {{
    image_path: "projector/discs.png"
    single_image_dim: {DISC}
    single_image_dim: {DISC}
  }}
  tensor_path: "projector/tensors.tsv"
}}
embeddings {{
  tensor_name: "architectures, plain"
  metadata_path: "projector/metadata.tsv"
  tensor_path: "projector/tensors.tsv"
}}
"""


def _vectors(search_space: SearchSpace[Any], points: Sequence[Evaluation]) -> list[list[str]]:
    """Return the numbers of `one_hot` of each point, as they are written."""
    sizes = {name: len(variable.choices) for name, variable in search_space.variables.items()}
    firsts = dict(zip(sizes, np.cumsum([0, *sizes.values()]).tolist(), strict=False))
    rows = []
    for point in points:
        row = ["0"] * sum(sizes.values())
        for name, value in search_space.encode(search_space.parse(point.architecture)).items():
            row[firsts[name] + value] = "1"
        rows.append(row)
    return rows


def _row(order: int, point: Evaluation) -> list[str]:
    return [point.architecture, f"{point.score:.6g}", str(order), str(point.parameters), point.status]


def _write_table(file: Path, rows: Sequence[Sequence[str]]) -> None:
    file.write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")
