"""The evaluated architectures as points, for TensorBoard's projector."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tensorboard.plugins.projector.projector_config_pb2 import (  # type: ignore[attr-defined]
    EmbeddingInfo,
    ProjectorConfig,
)

from nas_gym.evaluators.evaluation import Evaluation
from nas_gym.search_spaces.base import Architecture, SearchSpace
from nas_gym.traces.picture import png
from nas_gym.traces.viridis import VIRIDIS, levels

MOST_POINTS = 5000
DISC = 24


def one_hot(search_space: SearchSpace[Any], architecture: Architecture) -> np.ndarray:
    """The fixed-length form of an architecture as numbers: float64 (sum of choices,), one 1 a variable."""
    values = search_space.encode(architecture)
    parts = [np.eye(len(choices))[values[name]] for name, choices in search_space.variables.items()]
    return np.concatenate(parts)


def write_embedding(folder: Path, search_space: SearchSpace[Any], evaluations: Sequence[Evaluation]) -> None:
    """Write the projector's files of a run.

    The projector offers the points twice: as discs coloured by accuracy, which it shows first, and
    plain, for its own choice of colours.

    Args:
        folder: the run's folder.
        search_space: of the architectures.
        evaluations: in order of first request; of one architecture the last counts, which had most
            epochs where an agent raises them, and of more than `MOST_POINTS` the first ones.
    """
    points = list({evaluation.architecture: evaluation for evaluation in evaluations}.values())[:MOST_POINTS]
    target = folder / "projector"
    target.mkdir(exist_ok=True)
    vectors = [one_hot(search_space, search_space.parse(point.architecture)) for point in points]
    _write_table(target / "tensors.tsv", [[f"{value:g}" for value in vector] for vector in vectors])
    names = ["architecture", "accuracy", "order", "parameters", "status"]
    _write_table(
        target / "metadata.tsv", [names, *(_row(n, point) for n, point in enumerate(points, start=1))]
    )
    (target / "discs.png").write_bytes(png(discs([point.accuracy for point in points])))
    files = {"tensor_path": "projector/tensors.tsv", "metadata_path": "projector/metadata.tsv"}
    coloured = EmbeddingInfo(tensor_name="architectures by accuracy", **files)
    coloured.sprite.image_path = "projector/discs.png"
    coloured.sprite.single_image_dim.extend([DISC, DISC])
    plain = EmbeddingInfo(tensor_name="architectures, plain", **files)
    config = ProjectorConfig(embeddings=[coloured, plain])
    (folder / "projector_config.pbtxt").write_text(str(config), encoding="utf-8")


def discs(accuracies: Sequence[float]) -> np.ndarray:
    """A disc for each accuracy, from the lowest (violet) to the highest (yellow), in a square grid.

    Returns:
        uint8 (side, side, 4), transparent outside the discs.
    """
    values = np.asarray(accuracies, dtype=np.float64)
    colours = VIRIDIS[levels(values, len(VIRIDIS))]
    offsets = np.arange(DISC) - (DISC - 1) / 2
    inside = offsets[:, None] ** 2 + offsets**2 <= (DISC / 2 - 1) ** 2
    per_side = math.ceil(math.sqrt(len(values)))
    sheet = np.zeros((per_side * DISC, per_side * DISC, 4), dtype=np.uint8)
    for number, colour in enumerate(colours):
        y, x = (DISC * place for place in divmod(number, per_side))
        sheet[y : y + DISC, x : x + DISC][inside] = (*colour, 255)
    return sheet


def _row(order: int, point: Evaluation) -> list[str]:
    return [point.architecture, f"{point.accuracy:.6g}", str(order), str(point.parameters), point.status]


def _write_table(file: Path, rows: Sequence[Sequence[str]]) -> None:
    file.write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")
