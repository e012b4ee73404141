"""The devices that networks are trained on, and data on them."""

from __future__ import annotations

import numpy as np
import torch

from nas_gym.errors import ConfigError
from nas_gym.training.members import TrainingData
from nas_gym.training.numerics import apart


@apart
def training_data(
    device: torch.device, *arrays: np.ndarray, loss: str = "cross_entropy"
) -> list[TrainingData]:
    """Return the parts of a task on each device that `device` stands for, to be learned by a loss."""
    copies = []
    for each in devices_of(device):
        x_train, y_train, x_validation, y_validation, *test = (on_device(array, each) for array in arrays)
        x_test, y_test = test or (None, None)
        copies.append(TrainingData(x_train, y_train, x_validation, y_validation, x_test, y_test, loss))
    return copies


def on_device(array: np.ndarray, device: torch.device) -> torch.Tensor:
    """An array of a task, not copied on the CPU."""
    view = array.view()
    try:
        # Torch warns of memory that it must not write to; here it only reads.
        view.flags.writeable = True
    except ValueError:
        view = array.copy()
    return torch.as_tensor(view, device=device)


def devices_of(device: torch.device) -> list[torch.device]:
    """Return the devices that a name stands for: ``"cuda"`` for every visible card, another for itself."""
    if device.type == "cuda" and device.index is None:
        return [torch.device("cuda", index) for index in range(torch.cuda.device_count())]
    return [device]


def resolve_device(device: str) -> torch.device:
    """The torch device of a name; ``"auto"`` is CUDA, then MPS, then the CPU."""
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        resolved = torch.device(device)
        torch.zeros(1, device=resolved).item()
    except (RuntimeError, AssertionError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(
            f"device {device!r} cannot be used ({reason}): pass 'auto', 'cpu', or a device that torch sees"
        ) from error
    return resolved
