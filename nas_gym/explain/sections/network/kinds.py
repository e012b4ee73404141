"""What is said of a network's answers by the kind of its target, a line each."""

from __future__ import annotations

import numpy as np

from nas_gym.explain.sections.network.answers import Answers, Measure
from nas_gym.explain.sections.network.classes import measure_classes
from nas_gym.explain.sections.network.labels import measure_labels
from nas_gym.explain.sections.network.tokens import measure_tokens
from nas_gym.explain.sections.network.values import measure_values
from nas_gym.tasks import Classes, Labels, Task, Tokens, Values

KINDS: dict[str, Measure] = {
    Classes.kind: measure_classes,
    Labels.kind: measure_labels,
    Values.kind: measure_values,
    Tokens.kind: measure_tokens,
}


def measure_answers(task: Task, outputs: np.ndarray, seed: int) -> Answers:
    """Return what is said of the outputs for the validation examples, float64 (n, outputs)."""
    measure = KINDS.get(task.target.kind)
    return Answers(task, outputs) if measure is None else measure(task, outputs, seed)
