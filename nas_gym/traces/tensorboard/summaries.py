"""Summaries for TensorBoard, of the same bytes as torch's, which takes a second to import."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata  # type: ignore[attr-defined]
from tensorboard.compat.proto.tensor_pb2 import TensorProto  # type: ignore[attr-defined]
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto  # type: ignore[attr-defined]
from tensorboard.compat.proto.types_pb2 import DT_FLOAT, DT_STRING  # type: ignore[attr-defined]
from tensorboard.plugins.custom_scalar.layout_pb2 import (  # type: ignore[attr-defined]
    Category,
    Chart,
    Layout,
    MarginChartContent,
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

from nas_gym._files import encodable
from nas_gym.traces.tensorboard.picture import Picture
from nas_gym.traces.tensorboard.tags import About


def text_summary(tag: str, markdown: str) -> Any:
    """Return a Markdown text; what is not UTF-8, as names of files may be, stands as escapes."""
    one = TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)])
    tensor = TensorProto(dtype=DT_STRING, string_val=[encodable(markdown).encode()], tensor_shape=one)
    metadata = _metadata("text", TextPluginData(version=0))
    return _summary(tag=f"{tag}/text_summary", tensor=tensor, metadata=metadata)


def described(about: About) -> Any:
    """Return what the first event of a scalar brings with it: the title and the description to be shown."""
    return _described(about, "scalars")


def image(tag: str, picture: Picture, about: About | None = None) -> Any:
    """Return a picture, and its description for TensorBoard to show beside it."""
    return png_summary(tag, *picture.shown(), about)


def png_summary(tag: str, png: bytes, width: int, height: int, about: About | None = None) -> Any:
    """Return a picture that is a PNG file already, of so many pixels."""
    shown = Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=png)
    return _summary(tag=tag, image=shown, metadata=None if about is None else _described(about, "images"))


def weights(tag: str, values: np.ndarray, description: str | None = None) -> Any:
    """Return a histogram with one bucket per value, as high as the value.

    The buckets are written as TensorBoard keeps them: from those of `add_histogram_raw` it would
    drop the empty ones at the ends, and widen the last that is left over them.

    Args:
        tag: its name.
        values: float64 (n,), at least 0.
        description: what its buckets are, as Markdown.
    """
    centres = np.arange(len(values))
    buckets = np.stack([centres - 0.5, centres + 0.5, values], axis=1).astype("<f4")
    shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=size) for size in buckets.shape])
    tensor = TensorProto(dtype=DT_FLOAT, tensor_shape=shape, tensor_content=buckets.tobytes())
    metadata = create_summary_metadata(display_name=tag, description=description)
    return _summary(tag=tag, tensor=tensor, metadata=metadata)


def custom_scalars(layout: Mapping[str, Mapping[str, Sequence[Any]]]) -> Any:
    """Return charts of several scalars.

    Args:
        layout: charts by category and title, each ``["Multiline", tags]``, the tags being regular
            expressions, or ``["Margin", [value, lower, upper]]``.
    """
    categories = [
        Category(title=category, chart=[_chart(title, *chart) for title, chart in charts.items()])
        for category, charts in layout.items()
    ]
    content = Layout(category=categories).SerializeToString()
    tensor = TensorProto(dtype=DT_STRING, string_val=[content], tensor_shape=TensorShapeProto())
    return _summary(tag="custom_scalars__config__", tensor=tensor, metadata=_metadata("custom_scalars"))


def session_start(hyperparameters: Mapping[str, Any]) -> Any:
    """Return the beginning of a run in HParams, with its hyperparameters; what has parts stands as JSON."""
    start = SessionStartInfo()
    for name, value in hyperparameters.items():
        if isinstance(value, str):
            start.hparams[name].string_value = value
        elif isinstance(value, Mapping | list):
            start.hparams[name].string_value = json.dumps(value)
        else:
            start.hparams[name].number_value = value
    metadata = _metadata("hparams", HParamsPluginData(session_start_info=start))
    return _summary(tag="_hparams_/session_start_info", metadata=metadata)


def session_end() -> Any:
    """Return the end of a run in HParams."""
    content = HParamsPluginData(session_end_info=SessionEndInfo(status=STATUS_SUCCESS))
    return _summary(tag="_hparams_/session_end_info", metadata=_metadata("hparams", content))


def _chart(title: str, kind: str, tags: Sequence[str]) -> Any:
    if kind == "Margin":
        value, lower, upper = tags
        series = MarginChartContent.Series(value=value, lower=lower, upper=upper)
        return Chart(title=title, margin=MarginChartContent(series=[series]))
    return Chart(title=title, multiline=MultilineChartContent(tag=tags))


def _described(about: About, plugin: str) -> Any:
    metadata = _metadata(plugin)
    metadata.display_name = encodable(about.title)
    metadata.summary_description = encodable(about.description)
    return metadata


def _metadata(plugin: str, content: Any = None) -> Any:
    data = b"" if content is None else content.SerializeToString()
    return SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name=plugin, content=data))


def _summary(**value: Any) -> Any:
    return Summary(value=[Summary.Value(**value)])
