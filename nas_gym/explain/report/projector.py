"""The evaluated architectures as points, with what is known of each, for TensorBoard's projector."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tensorboard.plugins.projector.projector_config_pb2 import (  # type: ignore[attr-defined]
    EmbeddingInfo,
    ProjectorConfig,
)

from nas_gym._files import write_text
from nas_gym.explain.evidence.run import Evidence, Seen
from nas_gym.search_spaces import SearchSpace, distances_from
from nas_gym.traces import DISC, MOST_POINTS, discs, one_hot

NAMES = ("architecture", "accuracy", "verdict", "edits from the found network", "order")
FAR = 2


def write_points(folder: Path, evidence: Evidence) -> None:
    """Write the projector's files into the folder of the explanation.

    Of more than `MOST_POINTS` evaluations the first are shown.
    """
    points = list({str(one.architecture): one for one in evidence.seen}.values())[:MOST_POINTS]
    space = evidence.search_space
    steps = _edits_from_found(evidence, {str(one.architecture) for one in points})
    vectors = [one_hot(space, one.architecture) for one in points]
    target = folder / "projector"
    target.mkdir(parents=True, exist_ok=True)
    _write_rows(target / "tensors.tsv", [[f"{value:g}" for value in vector] for vector in vectors])
    rows = [
        [str(one.architecture), f"{one.accuracy:.6g}", verdict, _edits(steps, one), str(one.order)]
        for one, verdict in zip(points, verdicts(evidence, points), strict=True)
    ]
    _write_rows(target / "metadata.tsv", [list(NAMES), *rows])
    Image.fromarray(discs([one.accuracy for one in points])).save(target / "discs.png")
    plain = {"tensor_path": "projector/tensors.tsv", "metadata_path": "projector/metadata.tsv"}
    coloured = EmbeddingInfo(tensor_name="architectures explained", **plain)
    coloured.sprite.image_path = "projector/discs.png"
    coloured.sprite.single_image_dim.extend([DISC, DISC])
    by_verdict = EmbeddingInfo(tensor_name="architectures explained, plain", **plain)
    write_text(folder / "projector_config.pbtxt", str(ProjectorConfig(embeddings=[coloured, by_verdict])))


def verdicts(evidence: Evidence, points: Sequence[Seen]) -> list[str]:
    """What the run says of each architecture, in a few words."""
    if not evidence.succeeded:
        return ["failed"] * len(points)
    accuracies = np.array([one.accuracy for one in evidence.succeeded])
    high, middle, low = np.quantile(accuracies, [0.9, 0.5, 0.1])
    found = str(evidence.chosen.architecture)
    words = []
    for one in points:
        if one.failed:
            words.append("failed")
        elif str(one.architecture) == found:
            words.append("found network")
        elif one.accuracy >= high:
            words.append("best tenth")
        elif one.accuracy >= middle:
            words.append("above the median")
        else:
            words.append("worst tenth" if one.accuracy <= low else "below the median")
    return words


def _edits_from_found(evidence: Evidence, wanted: set[str]) -> dict[str, int]:
    """Edits from the found network to each architecture that at most `FAR` edits reach."""
    if not evidence.succeeded:
        return {}
    space: SearchSpace[Any] = evidence.search_space
    found = evidence.chosen.architecture
    steps = distances_from(space, found, FAR)
    return {text: distance for one, distance in steps.items() if (text := str(one)) in wanted}


def _edits(steps: dict[str, int], one: Seen) -> str:
    distance = steps.get(str(one.architecture))
    return f"more than {FAR}" if distance is None else str(distance)


def _write_rows(file: Path, rows: Sequence[Sequence[str]]) -> None:
    write_text(file, "".join("\t".join(row) + "\n" for row in rows))
