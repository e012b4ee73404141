"""What is measured of the found network: its inputs, its layers, and how well it predicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from nas_gym._clock import in_time
from nas_gym.explain.evidence.network import TrainedNetwork
from nas_gym.explain.methods.attribution.hiding import SOUND, ways_of
from nas_gym.explain.methods.attribution.integrated_gradients import NO_CAPTUM, has_captum
from nas_gym.explain.methods.attribution.network_inputs import (
    DeletionCheck,
    InputUse,
    agreement,
    channel_importance,
    check_by_deletion,
    input_use,
    permutation_importance,
)
from nas_gym.explain.methods.attribution.network_layers import LayerUse, ablations, conductances
from nas_gym.explain.methods.attribution.occlusion import (
    EXAMPLES,
    Occlusion,
    examples_for,
    occlusion,
)
from nas_gym.explain.methods.attribution.score_drop import outputs_of, score_of
from nas_gym.explain.sections.network.answers import Answers
from nas_gym.explain.sections.network.kinds import measure_answers
from nas_gym.networks import NetworkModule
from nas_gym.tasks import LogMelForm, Task


@dataclass(frozen=True)
class NetworkUse:
    """What was measured of a network on validation examples.

    Attributes:
        trained: the network and its data.
        score: score of the network.
        answers: answers of the network.
        inputs: attributions; None without Captum.
        check: what deleting the inputs that rank first does; None without Captum.
        permutation: permutation importance of a table's features, float64 (repeats, features); else None.
        layers: contribution of each layer.
        no_time_for: what a limit by the clock left no time for, in words.
        hidden: what hiding parts of examples does, by the kind of part; {} of examples without parts.
        channels: the score that is lost where a channel is shuffled among examples, float64
            (repeats, channels); None of other examples than signals of several channels.
    """

    trained: TrainedNetwork
    score: float
    answers: Answers
    inputs: InputUse | None
    check: DeletionCheck | None
    permutation: np.ndarray | None
    layers: list[LayerUse]
    no_time_for: tuple[str, ...] = ()
    hidden: Mapping[str, Occlusion] = field(default_factory=dict)
    channels: np.ndarray | None = None

    @property
    def why_no_inputs(self) -> str:
        """Why there are no attributions of inputs, in a sentence; "" where there are."""
        if self.hidden or (self.inputs is not None and self.check is not None):
            return ""
        if self.trained.task.coded is not None:
            return f"Attributions are for inputs that are numbers, and these are {self.trained.task.inputs}."
        return NO_CAPTUM if not has_captum() else "There was no time for attributions of inputs."

    @property
    def label(self) -> str:
        """What the score is called."""
        return self.trained.task.target.metric.label

    @property
    def reliable(self) -> float:
        """Share of attributed examples whose attributions add up; 0 without any."""
        return float(self.inputs.attributions.reliable.mean()) if self.inputs is not None else 0.0

    @property
    def agreement(self) -> float | None:
        """Rank correlation of attributions and permutation importance of a table's features."""
        if self.permutation is None or self.inputs is None:
            return None
        return agreement(self.inputs.importance, self.permutation.mean(0))

    def ranked_features(self) -> list[int]:
        """Return the numbers of a table's features, the most used first; [] for signals and images."""
        if self.trained.task.inputs != "features":
            return []
        if self.permutation is None:
            return list(range(self.trained.task.input_shape[0]))
        importance = self.permutation.mean(0) if self.inputs is None else self.inputs.importance
        return [int(number) for number in np.argsort(-np.nan_to_num(importance), kind="stable")]


def measure_use(trained: TrainedNetwork, seed: int) -> NetworkUse:
    """Return everything that is measured of a network; a limit by the clock breaks off the last parts."""
    task, module = trained.task, trained.module
    target, x, y = task.target, task.x_validation.astype(np.float64), task.y_validation
    outputs = outputs_of(module, x)
    answers = measure_answers(task, outputs, seed)
    score, missing = score_of(target, outputs, y), []
    inputs = check = permutation = flows = None
    hidden, in_vain = _hidden(module, task, seed)
    missing += in_vain
    if task.inputs == "features":
        permutation = in_time(lambda: permutation_importance(module, x, y, target, seed))
        missing += ["the shuffling of features"] if permutation is None else []
    channels, in_vain = _channels(module, task, seed)
    missing += in_vain
    layers = in_time(lambda: ablations(module, task.x_train.astype(np.float64), x, y, target, seed))
    missing += ["what its layers contribute"] if layers is None else []
    if has_captum() and task.coded is None:
        explained, network = answers.explained, module.network
        inputs = in_time(lambda: input_use(module, x, explained, network=network, seed=seed))
        if inputs is not None:
            importance = np.nan_to_num(inputs.importance)
            check = in_time(lambda: check_by_deletion(module, x, y, importance, target, seed))
        if check is None:
            inputs = None  # attributions that nothing has checked are not told
            missing.append("attributions of its inputs")
    if inputs is not None and layers is not None:
        examples, explained, pieces = inputs.examples, inputs.explained, inputs.attributions.pieces
        flows = in_time(lambda: conductances(module, layers, examples, explained, pieces))
        missing += ["the flow through its layers"] if flows is None else []
    found = flows or layers or []
    return NetworkUse(
        trained, score, answers, inputs, check, permutation, found, tuple(missing), hidden, channels
    )


def _hidden(module: NetworkModule, task: Task, seed: int) -> tuple[dict[str, Occlusion], list[str]]:
    """Return what hiding each kind of part does, and what there was no time for."""
    found, missing = {}, []
    for kind, hiding in ways_of(task).items():
        parts = int(hiding.present(task.x_validation[:1]).shape[1])
        # Networks of recordings may be large.
        examples = examples_for(module.network.flops, parts) if kind in SOUND else EXAMPLES
        measured = in_time(lambda: [occlusion(module, task, hiding, seed, examples)])  # noqa: B023 - at once
        if measured is None:
            missing.append(f"hiding {kind}s of its inputs")
        elif measured[0] is not None:
            found[kind] = measured[0]
    return found, missing


def _channels(module: NetworkModule, task: Task, seed: int) -> tuple[np.ndarray | None, list[str]]:
    """Return what shuffling each channel of signals costs, and what there was no time for."""
    if task.inputs != "signal" or task.input_shape[0] < 2 or isinstance(task.files, LogMelForm):
        return None, []
    found = in_time(lambda: channel_importance(module, task, seed))
    return found, [] if found is not None else ["the shuffling of channels"]
