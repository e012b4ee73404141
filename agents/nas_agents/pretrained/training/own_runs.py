"""Landscapes of finished runs: what a user's own searches evaluated, for fine-tuning a policy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nas_agents.pretrained.pool import REFERENCE, Pool
from nas_agents.pretrained.training.landscapes import Landscape
from nas_gym.errors import ConfigError
from nas_gym.search_spaces import SearchSpace
from nas_gym.traces import RunFolder, rebuild

FEWEST = 24
"""Architectures of a landscape at least, so that there is something to choose from."""


def landscapes_of(folders: Sequence[Path]) -> list[Landscape]:
    """Return the landscapes that finished runs saw, one for each search space and problem.

    Each has the architectures that a full training was recorded for; runs of one problem are put together.

    Args:
        folders: folders of runs, or folders that have such anywhere below them.

    Raises:
        NASGymError: if there is no finished run, or too few architectures.
    """
    runs = sorted({file.parent for folder in folders for file in Path(folder).rglob("result.json")}, key=str)
    found: dict[str, tuple[SearchSpace[Any], dict[str, float]]] = {}
    for path in runs:
        folder = RunFolder(path)
        config = folder.config()
        env: Any = rebuild(config).unwrapped
        space = env.search_space
        key = repr((config["env"].get("task"), config["env"].get("evaluator"), space.config()))
        scores = found.setdefault(key, (space, {}))[1]
        for evaluation in folder.result()["evaluations"]:
            if evaluation.get("fidelity") is None:
                scores[evaluation["architecture"]] = float(evaluation["score"])
        env.close()
    kept = [_landscape(space, scores) for space, scores in found.values() if len(scores) >= FEWEST]
    if not kept:
        raise ConfigError(
            f"no problem with {FEWEST} evaluated architectures in the finished runs of "
            f"{', '.join(map(str, folders))}: pass folders of longer runs, or of more runs of one problem"
        )
    return kept


def _landscape(space: SearchSpace[Any], scores: dict[str, float]) -> Landscape:
    rng = np.random.default_rng(0)
    reference = list(space) if space.size <= REFERENCE else [space.sample(rng) for _ in range(REFERENCE)]
    pool = Pool(space, [space.parse(text) for text in scores], reference)
    return Landscape(pool, np.array(list(scores.values())), "recorded")
