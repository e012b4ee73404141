"""Trained networks as files: weights and what is needed to use them, no pickle."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nas_gym.errors import NASGymError
from nas_gym.evaluators.module import NetworkModule
from nas_gym.files import write_bytes
from nas_gym.search_spaces import make_search_space
from nas_gym.search_spaces.base import Architecture, SearchSpace
from nas_gym.tasks.task import Task

FORMAT = 1


@dataclass(frozen=True)
class SavedNetwork:
    """A network loaded from a file, ready to predict.

    Attributes:
        architecture: its text.
        search_space: the space that the text belongs to.
        module: the network in evaluation mode, on the CPU.
        class_names: names of the classes, in the order of the logits.
        feature_names: names of the features of a table, in the order that `predict` takes them; empty
            where they have none.
        mean, scale: the standardisation of the training data, applied by `predict`.
    """

    architecture: str
    search_space: SearchSpace[Any]
    module: NetworkModule
    class_names: tuple[str, ...]
    feature_names: tuple[str, ...]
    mean: np.ndarray
    scale: np.ndarray

    @torch.no_grad()
    def predict(self, x: np.ndarray) -> np.ndarray:
        """Class probabilities, float32 (n, classes), of raw examples (n, *input_shape).

        Raises:
            NASGymError: if the examples are of another shape, which could broadcast to a false answer.
        """
        raw, shape = np.asarray(x, dtype=np.float32), self.search_space.input_shape
        if raw.shape[1:] != shape or raw.ndim != len(shape) + 1:
            raise NASGymError(
                f"x has shape {raw.shape}, the network takes (n, {', '.join(map(str, shape))}): "
                "pass raw examples like those it was trained on, one of them as x[None]"
            )
        standardised = (raw - self.mean) / self.scale
        logits: torch.Tensor = self.module(torch.as_tensor(standardised, dtype=torch.float32))
        return logits.softmax(1).numpy()


def save_network(
    path: str | Path,
    search_space: SearchSpace[Any],
    task: Task,
    architecture: Architecture,
    module: NetworkModule,
) -> None:
    """Write a trained network; the file is complete or not there.

    Raises:
        NASGymError: if it cannot be written.
    """
    path = Path(path)
    content = {
        "format": FORMAT,
        "architecture": str(architecture),
        "search_space": search_space.config(),
        "input_shape": list(search_space.input_shape),
        "num_classes": search_space.num_classes,
        "task": task.name,
        "class_names": list(task.class_names),
        "feature_names": list(task.feature_names),
        "mean": torch.as_tensor(task.mean, dtype=torch.float32),
        "scale": torch.as_tensor(task.scale, dtype=torch.float32),
        "weights": {name: array.detach().cpu() for name, array in module.state_dict().items()},
    }
    # In memory first: of a disk that is full torch tells in many ways.
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_bytes(path, buffer.getvalue())


def load_network(path: str | Path) -> SavedNetwork:
    """Load a network of `save_network`; nothing in the file is executed.

    Raises:
        NASGymError: if there is no such file or it is no saved network.
    """
    if not Path(path).is_file():
        raise NASGymError(f"no saved network at {str(path)!r}: pass the path of a best.pt")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        if content["format"] != FORMAT:
            raise NASGymError(f"{str(path)!r} has format {content['format']!r}, this version reads {FORMAT}")
        space = make_search_space(
            content["search_space"], tuple(content["input_shape"]), content["num_classes"]
        )
        module = NetworkModule(space.network(space.parse(content["architecture"])))
        module.load_state_dict(content["weights"])
    except NASGymError:
        raise
    except Exception as error:
        raise NASGymError(
            f"{str(path)!r} is no saved network ({type(error).__name__}): pass a best.pt that a search wrote"
        ) from error
    return SavedNetwork(
        content["architecture"],
        space,
        module.eval(),
        tuple(content["class_names"]),
        tuple(content["feature_names"]),
        content["mean"].numpy(),
        content["scale"].numpy(),
    )
