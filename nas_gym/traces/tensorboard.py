"""A run's TensorBoard events: one method for each kind of thing that is shown."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tensorboard.compat.proto.event_pb2 import Event  # type: ignore[attr-defined]
from tensorboard.compat.proto.summary_pb2 import Summary  # type: ignore[attr-defined]
from tensorboard.plugins.histogram.metadata import create_summary_metadata
from tensorboard.util.tensor_util import make_tensor_proto
from torch.utils.tensorboard.summary import custom_scalars, hparams

from nas_gym.files import encodable
from nas_gym.network import Network
from nas_gym.traces.events import EventFile, text_summary
from nas_gym.traces.graph import graph_of

LAYOUT = {
    "search": {
        "accuracy and best so far, by step": ["Multiline", ["^search/accuracy$", "^search/best_accuracy$"]],
        "accuracy and best so far, by distinct evaluation": [
            "Multiline",
            ["^by_evaluation/accuracy$", "^by_evaluation/best_accuracy$"],
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


class Board:
    """Writes the events of one run.

    Args:
        folder: the run's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._events = EventFile(folder)
        self._events.summary(custom_scalars(LAYOUT))

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Values of one step."""
        self._events.scalars(values, step)

    def text(self, tag: str, markdown: str, step: int = 0) -> None:
        """A Markdown text."""
        self._events.summary(text_summary(tag, markdown), step)

    def image(self, tag: str, pixels: np.ndarray, step: int) -> None:
        """An image, uint8 (height, width, 3)."""
        png = io.BytesIO()
        Image.fromarray(pixels).save(png, format="png")
        height, width = pixels.shape[:2]
        image = Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=png.getvalue())
        self._events.summary(Summary(value=[Summary.Value(tag=tag, image=image)]), step)

    def weights(self, tag: str, weights: np.ndarray, step: int) -> None:
        """A histogram with one bucket per action, as high as the action's weight.

        The buckets are written as TensorBoard keeps them: from those of `add_histogram_raw` it
        would drop the empty ones at the ends, and widen the last that is left over them.

        Args:
            tag: its name.
            weights: float64 (n,), at least 0.
            step: when.
        """
        centres = np.arange(len(weights))
        buckets = np.stack([centres - 0.5, centres + 0.5, weights], axis=1).astype(np.float32)
        tensor = make_tensor_proto(buckets)
        metadata = create_summary_metadata(display_name=tag, description=None)
        self._events.summary(Summary(value=[Summary.Value(tag=tag, metadata=metadata, tensor=tensor)]), step)

    def start_session(self, hyperparameters: Mapping[str, Any]) -> None:
        """Show the run in HParams as itself, without a sub-run; its metrics are its last scalars.

        No experiment is declared, though `add_hparams` does: TensorBoard takes the first that it
        finds for all runs, and hyperparameters that only other agents have would never show.
        """
        plain = {name: _hyperparameter(value) for name, value in hyperparameters.items()}
        _, start, self._session_end = hparams(plain, {})
        self._events.summary(start)

    def end_session(self) -> None:
        """Mark the run as finished in HParams."""
        self._events.summary(self._session_end)

    def graph(self, network: Network) -> None:
        """The graph of a network."""
        graph = graph_of(network).SerializeToString()
        self._events.add(Event(wall_time=time.time(), graph_def=graph))

    def close(self) -> None:
        """Close the file."""
        self._events.close()


def _hyperparameter(value: Any) -> float | str:
    # TensorBoard would store a bool as 1.0, and takes no lists.
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    return value if isinstance(value, int | float) else encodable(str(value))
