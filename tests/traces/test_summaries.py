"""Summaries written without torch are what torch would have written."""

from __future__ import annotations

import numpy as np
from tensorboard.plugins.histogram.metadata import create_summary_metadata
from tensorboard.util.tensor_util import make_tensor_proto
from torch.utils.tensorboard import summary as of_torch

from nas_gym.traces.tensorboard import summaries
from nas_gym.traces.tensorboard.writer import charts


def test_texts_and_charts_are_torchs():
    assert summaries.text_summary("episodes", "**größer** | →") == of_torch.text("episodes", "**größer** | →")
    margins = {"comparison": {"best so far": ["Margin", ["value", "lower", "upper"]]}}
    for layout in (charts("accuracy", ["1_search/score", "policy/entropy"]), margins):
        assert summaries.custom_scalars(layout) == of_torch.custom_scalars(layout)


def test_sessions_are_torchs():
    values = {"agent": "q", "alpha": 0.5, "budget": 100}
    _, start, end = of_torch.hparams(values, {})
    assert summaries.session_start(values) == start
    assert summaries.session_end() == end


def test_weights_are_buckets_as_tensorboard_keeps_them():
    values = np.array([0.0, 0.25, 0.75, 0.0])
    (shown,) = summaries.weights("policy/start_state", values).value
    buckets = np.array([[-0.5, 0.5, 0], [0.5, 1.5, 0.25], [1.5, 2.5, 0.75], [2.5, 3.5, 0]], dtype=np.float32)
    assert shown.tensor == make_tensor_proto(buckets)
    assert shown.metadata == create_summary_metadata("policy/start_state", None)
