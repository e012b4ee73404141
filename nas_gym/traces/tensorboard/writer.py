"""The TensorBoard events of a run: one method for each kind of thing that is shown."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event  # type: ignore[attr-defined]

from nas_gym._files import encodable
from nas_gym.networks import Network
from nas_gym.traces.tensorboard import summaries
from nas_gym.traces.tensorboard.events import EventFile
from nas_gym.traces.tensorboard.network_graph import graph_of
from nas_gym.traces.tensorboard.picture import Picture


class Board:
    """Writes the events of one run.

    Args:
        folder: the run's folder.
        metric: what the score of an architecture is, for readers (``"accuracy"``).
    """

    def __init__(self, folder: Path, metric: str) -> None:
        self._events = EventFile(folder)
        self._events.summary(summaries.custom_scalars(charts(metric)))

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Write values of one step."""
        self._events.scalars(values, step)

    def text(self, tag: str, markdown: str, step: int = 0) -> None:
        """Write a Markdown text."""
        self._events.summary(summaries.text_summary(tag, markdown), step)

    def image(self, tag: str, picture: Picture, step: int) -> None:
        """Write an image, compressed while the search goes on."""
        now = time.time()
        self._events.add_made(lambda: Event(wall_time=now, step=step, summary=summaries.image(tag, picture)))

    def weights(self, tag: str, weights: np.ndarray, step: int) -> None:
        """Write a histogram with one bucket per action, as high as the action's weight.

        Args:
            tag: name of the histogram.
            weights: float64 (n,), at least 0.
            step: the step it is of.
        """
        self._events.summary(summaries.weights(tag, weights), step)

    def start_session(self, hyperparameters: Mapping[str, Any]) -> None:
        """Show the run in HParams as itself, without a sub-run; its metrics are its last scalars.

        No experiment is declared, though `add_hparams` does: TensorBoard takes the first that it
        finds for all runs, and hyperparameters that only other agents have would never show.
        """
        plain = {name: _hyperparameter(value) for name, value in hyperparameters.items()}
        self._events.summary(summaries.session_start(plain))

    def end_session(self) -> None:
        """Mark the run as finished in HParams."""
        self._events.summary(summaries.session_end())

    def graph(self, network: Network) -> None:
        """Write the graph of a network."""
        graph = graph_of(network).SerializeToString()
        self._events.add(Event(wall_time=time.time(), graph_def=graph))

    def flush_soon(self) -> None:
        """Have what is waiting written soon."""
        self._events.flush_soon()

    def close(self) -> None:
        """Write what is waiting and close the file."""
        self._events.close()


def charts(metric: str) -> dict[str, dict[str, list[Any]]]:
    """Return the charts that show several scalars, as `summaries.custom_scalars` takes them."""
    return {
        "search": {
            f"{metric} and best so far, by step": ["Multiline", ["^search/score$", "^search/best_score$"]],
            f"{metric} and best so far, by distinct evaluation": [
                "Multiline",
                ["^by_evaluation/score$", "^by_evaluation/best_score$"],
            ],
            "distinct evaluations and stored hits": [
                "Multiline",
                ["^search/unique_evaluations$", "^search/stored_hits$"],
            ],
        },
        "policy": {
            "scores of the start state's edits": ["Multiline", ["^policy_start_state/.*"]],
            "exploration": ["Multiline", ["^policy/entropy$", "^train/epsilon$"]],
        },
        "episode": {"return": ["Multiline", ["^episode/return$"]]},
    }


def _hyperparameter(value: Any) -> float | str:
    # TensorBoard would store a bool as 1.0, and takes no lists.
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    return value if isinstance(value, int | float) else encodable(str(value))
