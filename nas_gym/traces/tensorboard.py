"""A run's TensorBoard events: one method for each kind of thing that is shown."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event  # type: ignore[attr-defined]
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata  # type: ignore[attr-defined]
from tensorboard.compat.proto.tensor_pb2 import TensorProto  # type: ignore[attr-defined]
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto  # type: ignore[attr-defined]
from tensorboard.compat.proto.types_pb2 import DT_FLOAT, DT_STRING  # type: ignore[attr-defined]
from tensorboard.plugins.custom_scalar.layout_pb2 import (  # type: ignore[attr-defined]
    Category,
    Chart,
    Layout,
    MultilineChartContent,
)
from tensorboard.plugins.histogram.metadata import create_summary_metadata
from tensorboard.plugins.hparams.api_pb2 import STATUS_SUCCESS  # type: ignore[attr-defined]
from tensorboard.plugins.hparams.plugin_data_pb2 import (  # type: ignore[attr-defined]
    HParamsPluginData,
    SessionEndInfo,
    SessionStartInfo,
)
from tensorboard.plugins.text.plugin_data_pb2 import TextPluginData  # type: ignore[attr-defined]

from nas_gym.network import Network
from nas_gym.traces.event_file import EventFile
from nas_gym.traces.graph import graph_of
from nas_gym.traces.picture import Picture

# An event is written at the latest so many seconds after it happened, for who watches a running search.
FLUSH_SECONDS = 10

LAYOUT = {
    "search": {
        "accuracy and best so far, by step": ["^search/accuracy$", "^search/best_accuracy$"],
        "accuracy and best so far, by distinct evaluation": [
            "^by_evaluation/accuracy$",
            "^by_evaluation/best_accuracy$",
        ],
        "distinct evaluations and stored hits": ["^search/unique_evaluations$", "^search/stored_hits$"],
    },
    "policy": {
        "scores of the start state's edits": ["^policy_start_state/.*"],
        "exploration": ["^policy/entropy$", "^train/epsilon$"],
    },
    "episode": {"return": ["^episode/return$"]},
}


class Board:
    """Writes the events of one run: as torch's `SummaryWriter` does, without the seconds torch takes to import.

    Args:
        folder: the run's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._file = EventFile(folder, FLUSH_SECONDS)
        layout = _layout().SerializeToString()
        tensor = TensorProto(dtype=DT_STRING, string_val=[layout], tensor_shape=TensorShapeProto())
        self._show("custom_scalars__config__", 0, tensor=tensor, metadata=_metadata("custom_scalars"))

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Values of one step, in one event: a fifth of the time of one event each."""
        summary = Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()])
        self._file.add(Event(wall_time=time.time(), step=step, summary=summary))

    def text(self, tag: str, markdown: str, step: int = 0) -> None:
        """A Markdown text."""
        one = TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)])
        tensor = TensorProto(dtype=DT_STRING, string_val=[markdown.encode()], tensor_shape=one)
        metadata = _metadata("text", TextPluginData(version=0).SerializeToString())
        self._show(f"{tag}/text_summary", step, tensor=tensor, metadata=metadata)

    def image(self, tag: str, picture: Picture, step: int) -> None:
        """An image."""
        now = time.time()

        def event() -> Any:
            height, width = picture.indices.shape
            image = Summary.Image(
                height=height, width=width, colorspace=3, encoded_image_string=picture.png()
            )
            return Event(wall_time=now, step=step, summary=Summary(value=[Summary.Value(tag=tag, image=image)]))

        self._file.add_made(event)

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
        buckets = np.stack([centres - 0.5, centres + 0.5, weights], axis=1).astype("<f4")
        shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=size) for size in buckets.shape])
        tensor = TensorProto(dtype=DT_FLOAT, tensor_shape=shape, tensor_content=buckets.tobytes())
        metadata = create_summary_metadata(display_name=tag, description=None)
        self._show(tag, step, tensor=tensor, metadata=metadata)

    def start_session(self, hyperparameters: Mapping[str, Any]) -> None:
        """Show the run in HParams as itself, without a sub-run; its metrics are its last scalars.

        No experiment is declared, though `add_hparams` does: TensorBoard takes the first that it
        finds for all runs, and hyperparameters that only other agents have would never show.
        """
        start = SessionStartInfo()
        for name, value in hyperparameters.items():
            plain = _hyperparameter(value)
            if isinstance(plain, str):
                start.hparams[name].string_value = plain
            else:
                start.hparams[name].number_value = plain
        self._session("start", HParamsPluginData(session_start_info=start))

    def end_session(self) -> None:
        """Mark the run as finished in HParams."""
        end = SessionEndInfo(status=STATUS_SUCCESS)
        self._session("end", HParamsPluginData(session_end_info=end))

    def graph(self, network: Network) -> None:
        """The graph of a network."""
        graph = graph_of(network).SerializeToString()
        self._file.add(Event(wall_time=time.time(), graph_def=graph))

    def flush_soon(self) -> None:
        """Have what is waiting written soon."""
        self._file.flush_soon()

    def close(self) -> None:
        """Write what is waiting and close the file."""
        self._file.close()

    def _session(self, which: str, content: Any) -> None:
        self._show(
            f"_hparams_/session_{which}_info", 0, metadata=_metadata("hparams", content.SerializeToString())
        )

    def _show(self, tag: str, step: int, **value: Any) -> None:
        summary = Summary(value=[Summary.Value(tag=tag, **value)])
        self._file.add(Event(wall_time=time.time(), step=step, summary=summary))


def _metadata(plugin: str, content: bytes = b"") -> Any:
    return SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name=plugin, content=content))


def _layout() -> Any:
    """The custom charts."""
    return Layout(
        category=[
            Category(
                title=title,
                chart=[
                    Chart(title=name, multiline=MultilineChartContent(tag=tags))
                    for name, tags in charts.items()
                ],
            )
            for title, charts in LAYOUT.items()
        ]
    )


def _hyperparameter(value: Any) -> float | str:
    # TensorBoard would store a bool as 1.0, and takes no lists.
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    return value if isinstance(value, int | float | str) else str(value)
