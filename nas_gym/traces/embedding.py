"""The evaluated architectures as points, for TensorBoard's projector."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig  # type: ignore[attr-defined]

from nas_gym.evaluators.evaluation import Evaluation
from nas_gym.search_spaces.base import Architecture, SearchSpace

NAME = "architectures"
MOST_POINTS = 5000


def one_hot(search_space: SearchSpace[Any], architecture: Architecture) -> np.ndarray:
    """The fixed-length form of an architecture as numbers: float64 (sum of choices,), one 1 a variable."""
    values = search_space.encode(architecture)
    return np.concatenate(
        [np.eye(len(choices))[values[name]] for name, choices in search_space.variables.items()]
    )


def write_embedding(folder: Path, search_space: SearchSpace[Any], evaluations: Sequence[Evaluation]) -> None:
    """Write the projector's files of a run; the points are coloured by accuracy when it opens.

    Args:
        folder: the run's folder.
        search_space: of the architectures.
        evaluations: in order of first request; of one architecture the first counts, and of more
            than `MOST_POINTS` the first ones.
    """
    distinct = list({evaluation.architecture: evaluation for evaluation in reversed(evaluations)}.values())
    points = distinct[::-1][:MOST_POINTS]
    vectors = [one_hot(search_space, search_space.parse(point.architecture)) for point in points]
    target = folder / "projector"
    target.mkdir(exist_ok=True)
    tensors = "\n".join("\t".join(f"{value:g}" for value in vector) for vector in vectors)
    (target / "tensors.tsv").write_text(tensors + "\n", encoding="utf-8")
    rows = [["architecture", "accuracy", "order", "parameters", "status"]]
    for order, point in enumerate(points, start=1):
        rows.append(
            [point.architecture, f"{point.accuracy:.6g}", str(order), str(point.parameters), point.status]
        )
    (target / "metadata.tsv").write_text("\n".join("\t".join(row) for row in rows) + "\n", encoding="utf-8")
    (target / "view.json").write_text(json.dumps([_view(vectors)]), encoding="utf-8")
    config = ProjectorConfig()
    config.embeddings.add(
        tensor_name=NAME,
        tensor_path="projector/tensors.tsv",
        metadata_path="projector/metadata.tsv",
        bookmarks_path="projector/view.json",
    )
    (folder / "projector_config.pbtxt").write_text(str(config), encoding="utf-8")


def _view(vectors: Sequence[np.ndarray]) -> dict[str, Any]:
    """A saved view that colours the points by accuracy."""
    return {
        "label": "by accuracy",
        "isSelected": True,
        "selectedProjection": "pca",
        "selectedColorOptionName": "accuracy",
        "selectedLabelOption": "architecture",
        "dataSetDimensions": [len(vectors), len(vectors[0])],
        "pcaComponentDimensions": [0, 1, 2],
        "projections": [],
        "filteredPoints": [],
        "selectedPoints": [],
    }
