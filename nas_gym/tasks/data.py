"""What a loader hands over: raw examples and labels or values, before they are split and standardised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nas_gym.tasks.division import Division
from nas_gym.tasks.forms.base import ExampleForm
from nas_gym.tasks.inputs import CodedInputs, Inputs
from nas_gym.tasks.reading.columns import TableEncoder
from nas_gym.tasks.reading.origins import Origins
from nas_gym.tasks.reading.raw_table import RawTable
from nas_gym.tasks.targets.target import Target


@dataclass(frozen=True, eq=False)
class Data:
    """Raw data of a task; checked, split and standardised by `nas_gym.tasks.prepare.prepare`.

    Attributes:
        x: examples, as in `Task.from_arrays`.
        y: labels or values, as in `Task.from_arrays`.
        target_kind: ``"classes"``, ``"values"`` or ``"labels"`` (several an example); None for what `y` looks
            like.
        class_names: a name per class in the order of the sorted labels; None for the labels.
        target_names: a name per value or label; None for the usual ones.
        feature_names: a name per feature of a table.
        channel_names: a name per channel of series; () where nothing names them.
        inputs: what an example is; None to tell by its number of dimensions.
        coded: what the codes of examples stand for, of examples that are codes; None for numbers.
        target: what is to be predicted, where `y` alone does not tell; None for what it looks like.
        parts: indices of the training, validation and test examples where the split is given.
        division: what the examples come with that says which part they go to.
        encoder: how the columns of a table became the features; None for arrays.
        rows: the table that the features were made of; None for arrays.
        files: how files became the examples; None where they did not.
        notes: what is to be said of how the data was read.
        origins: what the user calls the examples; None for what `rows` says, if there are any.
        defaults: options of `Preparation` that this data has other defaults for.
        title: the name of the task where it is not the loader's.
        spec: options to record in the task's spec in place of those passed in.
        in_memory: whether the task's spec records a fingerprint in place of x and y.
    """

    x: Any
    y: Any
    target_kind: str | None = None
    class_names: Sequence[str] | None = None
    target_names: Sequence[str] | None = None
    feature_names: Sequence[str] = ()
    channel_names: Sequence[str] = ()
    inputs: Inputs | None = None
    coded: CodedInputs | None = None
    target: Target | None = None
    parts: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
    division: Division | None = None
    encoder: TableEncoder | None = None
    rows: RawTable | None = None
    files: ExampleForm | None = None
    notes: Sequence[str] = ()
    origins: Origins | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""
    spec: Mapping[str, Any] = field(default_factory=dict)
    in_memory: bool = False
