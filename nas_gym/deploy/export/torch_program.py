"""A program of `torch.export`: needs torch alone to run, and no code of nas-gym."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nas_gym.deploy.deployed import DeployedModule, Numbers
from nas_gym.deploy.export.base import Answers, ExportFormat
from nas_gym.deploy.saved_network import SavedNetwork


class TorchProgram(ExportFormat):
    """``torch.export.load(path).module()(x)`` answers raw examples x (batch, *input_shape)."""

    suffix = ".pt2"

    def write(self, saved: SavedNetwork, path: Path, numbers: Numbers) -> None:
        torch.export.save(program(saved, numbers), path)

    def answers(self, saved: SavedNetwork, path: Path) -> Answers:
        loaded = torch.export.load(path)
        module = loaded.module()
        kind = next(iter(loaded.example_inputs[0])).dtype

        def answered(raw: np.ndarray) -> np.ndarray:
            with torch.no_grad():
                found: np.ndarray = module(torch.tensor(raw, dtype=kind)).numpy()
            return found

        return answered


def program(saved: SavedNetwork, numbers: Numbers) -> torch.export.ExportedProgram:
    """Return a network with its preparation as a program for batches of any size."""
    module = DeployedModule(saved, numbers).eval()
    example = torch.zeros((2, *saved.search_space.input_shape), dtype=getattr(torch, numbers))
    batch = torch.export.Dim("batch", min=1)
    with torch.no_grad(), readable_settings():
        return torch.export.export(module, (example,), dynamic_shapes={"x": {0: batch}})


@contextmanager
def readable_settings() -> Iterator[None]:
    """Let torch read whether cuDNN uses TF32, as exporting does, where it was told so in two ways.

    It refuses while convolutions and recurrent networks differ, as they do while networks train in another
    thread. An export computes nothing, so that it does not matter what is set.
    """
    cudnn: Any = torch.backends.cudnn
    try:
        _ = cudnn.allow_tf32
    except RuntimeError:
        before = cudnn.conv.fp32_precision, cudnn.rnn.fp32_precision
        cudnn.allow_tf32 = True
        try:
            yield
        finally:
            cudnn.conv.fp32_precision, cudnn.rnn.fp32_precision = before
    else:
        yield
