"""What goes into a fused training run and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from nas_gym.networks import Network, NetworkModule


@dataclass(frozen=True, slots=True)
class Member:
    """One training run: a network, the seed of its weights and batches, and its epochs (None: all)."""

    network: Network
    seed: int
    epochs: int | None = None


@dataclass(frozen=True, slots=True)
class TrainingData:
    """The parts on the device: x float32 (n, *input_shape), y int64 (n,) labels or float32 (n, values).

    With a test part, every member is measured on it once, after its last epoch.

    Attributes:
        loss: name of what members learn by, see `loss_of`.
    """

    x_train: Tensor
    y_train: Tensor
    x_validation: Tensor
    y_validation: Tensor
    x_test: Tensor | None = None
    y_test: Tensor | None = None
    loss: str = "cross_entropy"


@dataclass(frozen=True, slots=True)
class Trained:
    """What training a member gave.

    Attributes:
        network: the network that was trained.
        curve: validation score after each finished epoch, in [0, 1].
        losses: mean training loss per example of each finished epoch, taken while it trained.
        error: why training stopped early, "" if it did not.
        seconds: its share, by FLOPs, of the wall time of the chunk it was trained in.
        test: test score after the last epoch, in [0, 1]; None without a test part or after an error.
        metrics: other validation metrics after the last epoch, of the outputs as they are; {} after an error.
        state: final parameters and batch-norm statistics under the names of `NetworkModule`, on the
            CPU; empty unless weights were asked for.
        step_losses: the loss of every step, while the run was asked to keep them; else empty.
    """

    network: Network
    curve: tuple[float, ...]
    losses: tuple[float, ...]
    error: str
    seconds: float
    test: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    state: Mapping[str, Tensor] = field(default_factory=dict)
    step_losses: tuple[float, ...] = ()

    @property
    def module(self) -> NetworkModule:
        """The trained network as a module in evaluation mode; needs weights to have been kept."""
        module = NetworkModule(self.network)
        module.load_state_dict(dict(self.state))
        return module.eval()
