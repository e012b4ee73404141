"""A saved network with its preparation and its answers as one module: what other formats hold."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from nas_gym.deploy.saved_network import SavedNetwork
from nas_gym.tasks import CategoryColumn, PairForm, TextForm

Numbers = Literal["float32", "float64"]


class DeployedModule(nn.Module):
    """From raw examples to answers: standardisation, network, and probabilities or values.

    Args:
        saved: the network.
        numbers: type of raw examples, in which they are standardised, and of answers.
    """

    mean: Tensor
    scale: Tensor
    answer_scale: Tensor
    answer_mean: Tensor

    def __init__(self, saved: SavedNetwork, numbers: Numbers) -> None:
        super().__init__()
        self._dtype = torch.float32 if numbers == "float32" else torch.float64
        self._form = saved.target.answer_form
        self.network = saved.module
        arrays = {
            "mean": saved.mean,
            "scale": saved.scale,
            "answer_scale": np.array(self._form.scale),
            "answer_mean": np.array(self._form.mean),
        }
        for name, array in arrays.items():
            self.register_buffer(name, torch.tensor(array, dtype=self._dtype))

    def forward(self, x: Tensor) -> Tensor:
        """Return the answers to raw examples (batch, *input_shape), (batch, outputs)."""
        outputs: Tensor = self.network(((x - self.mean) / self.scale).to(torch.float32)).to(self._dtype)
        if self._form.function == "softmax" and self._form.positions > 1:
            each: torch.Tensor = outputs.unflatten(1, (-1, self._form.positions))
            return each.softmax(1).flatten(1)
        if self._form.function == "softmax":
            return outputs.softmax(1)
        if self._form.function == "sigmoid":
            return outputs.sigmoid()
        return outputs * self.answer_scale + self.answer_mean


def example_rows(saved: SavedNetwork, count: int = 64, seed: int = 0) -> np.ndarray:
    """Return raw examples that are like those in training by mean and deviation, float64 (n, *shape).

    Of a column of categories one is drawn, each as likely; a number is missing as often as in training. Codes
    of tokens are drawn with equal chances, as many as fit or fewer.
    """
    rng = np.random.default_rng(seed)
    if isinstance(saved.files, PairForm | TextForm):
        return saved.files.inputs.drawn(rng, count).astype(np.float64)
    rows: np.ndarray = saved.mean + saved.scale * rng.standard_normal(
        (count, *saved.search_space.input_shape)
    )
    for column, place in () if saved.encoder is None else saved.encoder.places:
        if isinstance(column, CategoryColumn):
            width = len(column.feature_names)
            rows[:, place] = np.eye(width)[rng.integers(width, size=count)]
        elif column.flagged:
            missing = rng.random((count, 1)) < saved.mean[place][-1]
            rows[:, place] = np.where(missing, (*(column.fills or ()), 1.0), rows[:, place])
            rows[:, place.stop - 1] = missing[:, 0]
    return rows
