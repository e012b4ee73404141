"""What a format to export to is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import numpy as np

from nas_gym.deploy.deployed import Numbers
from nas_gym.deploy.saved_network import SavedNetwork

Answers = Callable[[np.ndarray], np.ndarray]


class ExportFormat(ABC):
    """A format that saved networks are written in.

    Attributes:
        suffix: how its files end; "" for a folder.
        packages: the packages that it needs beside those of nas-gym, as they are imported.
        extra: the extra of nas-gym that brings them.
        numbers: the types of raw examples that it can take, the preferred one first.
    """

    suffix: ClassVar[str]
    packages: ClassVar[tuple[str, ...]] = ()
    extra: ClassVar[str] = ""
    numbers: ClassVar[tuple[Numbers, ...]] = ("float32", "float64")

    @abstractmethod
    def write(self, saved: SavedNetwork, path: Path, numbers: Numbers) -> None:
        """Write a network to a path where nothing is.

        Raises:
            NASGymError: if the format cannot hold the network.
        """

    @abstractmethod
    def answers(self, saved: SavedNetwork, path: Path) -> Answers:
        """Return what was written as a function from raw features (n, *input_shape) to answers (n, outputs).

        It is executed by what others will execute it by, in so far as that is here.
        """
