"""What a task is: arrays with a fixed split, a standardisation fitted on training data, and a target."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from nas_gym._shared import Shared
from nas_gym.networks import Shape
from nas_gym.tasks.forms.base import ExampleForm
from nas_gym.tasks.inputs import INPUTS, CodedInputs, Inputs
from nas_gym.tasks.media.signals import SignalForm
from nas_gym.tasks.reading.columns import CategoryColumn, TableEncoder
from nas_gym.tasks.reading.origins import Origins
from nas_gym.tasks.targets.target import Target

ARRAYS = ("x_train", "y_train", "x_validation", "y_validation", "x_test", "y_test", "mean", "scale")


@dataclass(frozen=True, eq=False)
class Sample:
    """A few training examples as they came and as networks are trained on them.

    Attributes:
        raw: what `nas_gym.deploy.SavedNetwork.predict` takes: rows of cells of a table that was
            encoded, else numbers.
        x: the same as float32 (n, *input_shape), standardised and without noise.
    """

    raw: np.ndarray
    x: np.ndarray


@dataclass(frozen=True, eq=False, repr=False)
class Task(Shared):
    """A data set in three parts, standardised, and what is to be predicted. Build it with `make_task`.

    An example is a table's row ``(features,)``, a signal ``(channels, length)``, an image
    ``(channels, height, width)``, or codes as `nas_gym.tasks.inputs` tells.

    The arrays cannot be written to, since results are stored under their fingerprint; copies of what
    holds a task share it.

    Attributes:
        name: for titles and folders.
        x_train, x_validation, x_test: float32 (n, *input_shape), standardised.
        y_train, y_validation, y_test: what is to be predicted, as `target` has it: int64 (n,) for classes,
            float32 (n, values), standardised, for values, float32 (n, labels), 0 or 1, for several labels,
            int64 (n, positions), -1 where nothing is asked, for tokens.
        target: what is to be predicted, with its loss and metrics.
        feature_names: a name per feature of a table; () for signals and images.
        mean, scale: float64, of a shape that broadcasts over an example: (features,) for tables,
            (channels, 1) for signals, (channels, 1, 1) for images. They are fitted on the training
            part; x is (raw - mean) / scale. Of codes they are 0 and 1.
        spec: the JSON-able dict that `make_task` builds the task from again; of arrays in memory
            it holds their fingerprint in place of them.
        encoder: how the columns of a table became the features; None for data that came as arrays.
        files: how files became the examples; None for data that did not come as images or signals in files.
        sample: training examples before and after the preparation; None where there are none.
        notes: what was said of how the data was read, a line each.
        split: why the examples are in the parts where they are, in one clause; "" where nobody knows.
        folds: of a task with folds the validation part of each, indices into the training part with the
            validation part after it; the first is the validation part. () for a single split.
        coded: what the codes of examples stand for; None for numbers.
        channel_names: a name per channel of series; () where nothing names them.
        origins: what the user's data calls the validation examples; None where it has no names for them.
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_validation: np.ndarray
    y_validation: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    target: Target
    feature_names: tuple[str, ...]
    mean: np.ndarray
    scale: np.ndarray
    spec: dict[str, Any]
    encoder: TableEncoder | None = None
    files: ExampleForm | None = None
    sample: Sample | None = None
    notes: tuple[str, ...] = ()
    split: str = ""
    folds: tuple[np.ndarray, ...] = ()
    coded: CodedInputs | None = None
    channel_names: tuple[str, ...] = ()
    origins: Origins | None = None

    def __post_init__(self) -> None:
        for part in ARRAYS:
            array = getattr(self, part).view()
            array.flags.writeable = False
            object.__setattr__(self, part, array)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__post_init__()  # a pickle does not say which arrays could be written to

    def fold_of(self, seed: int) -> int:
        """Return the fold whose validation part a training with a seed leaves out; 0 without folds."""
        return seed % max(1, len(self.folds))

    def fold(self, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return ``x_train``, ``y_train``, ``x_validation`` and ``y_validation`` of a fold.

        All folds are standardised alike, by the training part of the first.
        """
        if number == 0:
            return self.x_train, self.y_train, self.x_validation, self.y_validation
        x, y = self.known
        left_out = np.zeros(len(y), dtype=bool)
        left_out[self.folds[number]] = True
        return x[~left_out], y[~left_out], x[left_out], y[left_out]

    @cached_property
    def known(self) -> tuple[np.ndarray, np.ndarray]:
        """All examples but those of the test part, x and y: what a network to use is trained on at last."""
        x = np.concatenate([self.x_train, self.x_validation])
        y = np.concatenate([self.y_train, self.y_validation])
        x.flags.writeable = y.flags.writeable = False
        return x, y

    @property
    def input_shape(self) -> Shape:
        """Shape of one example."""
        return tuple(int(side) for side in self.x_train.shape[1:])

    @property
    def columns(self) -> tuple[int, ...]:
        """How many features each column of a table became: 1 for a number; () of data without columns."""
        if self.encoder is None:
            return ()
        widths = [
            (place.stop - place.start,)
            if isinstance(column, CategoryColumn)
            else (1,) * (place.stop - place.start)
            for column, place in self.encoder.places
        ]
        return tuple(width for each in widths for width in each)

    @property
    def outputs(self) -> int:
        """The numbers that a network gives for one example: one a class, label or value."""
        return self.target.outputs

    @property
    def inputs(self) -> Inputs:
        """What an example is: ``"features"`` (a table's row), ``"signal"``, ``"image"``, or one of codes."""
        return INPUTS[len(self.input_shape) - 1] if self.coded is None else self.coded.kind

    @property
    def facts(self) -> dict[str, Any]:
        """What a search space is told of examples and answers, by the name of its option, JSON-able."""
        columns: dict[str, Any] = {"columns": list(self.columns)} if self.columns else {}
        coded = {} if self.coded is None else self.coded.options
        if isinstance(self.files, SignalForm) and self.files.rate is not None:
            columns = {"rate": self.files.rate}
        return columns | dict(coded) | dict(self.target.options)

    def plain(self, x: np.ndarray) -> np.ndarray:
        """Return examples as numbers of one length each, as methods other than networks read them.

        Args:
            x: (n, *input_shape).

        Returns:
            float32 (n, numbers).
        """
        return x.reshape(len(x), -1) if self.coded is None else self.coded.plain(x)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the arrays, their standardisation and the target's identity, 64 hexadecimal digits.

        The order of the classes or values is in it, their names are not: they change no result.
        """
        digest = hashlib.sha256(self.target.identity.encode())
        if self.coded is not None:
            digest.update(f"{self.coded.kind} {sorted(self.coded.options.items())};".encode())
        for part in ARRAYS:
            array = np.ascontiguousarray(getattr(self, part))
            little = array.astype(array.dtype.newbyteorder("<"), copy=False)
            digest.update(f"{part} {little.dtype.str} {little.shape} {self.outputs};".encode())
            digest.update(little.tobytes())
        for fold in self.folds:
            digest.update(f"fold {fold.tolist()};".encode())
        return digest.hexdigest()

    @staticmethod
    def from_arrays(
        x: Any,
        y: Any,
        *,
        name: str = "arrays",
        target_kind: str | None = None,
        class_names: Sequence[str] | None = None,
        target_names: Sequence[str] | None = None,
        feature_names: Sequence[str] = (),
        inputs: Inputs | None = None,
        **preparation: Any,
    ) -> Task:
        """Return the task of arrays in memory.

        Args:
            x: (n, features), (n, channels, length) or (n, channels, height, width), numbers; or a data
                frame (pandas, polars) of numbers and texts, whose columns keep their names and are read
                as `nas_gym.tasks.reading.rules` tells.
            y: (n,), class labels: whole numbers or texts; where `target_kind` is ``"values"``, numbers, (n,)
                or (n, values); where it is ``"labels"``, 0 or 1 for each label, (n, labels).
            name: for titles and folders.
            target_kind: ``"classes"``, ``"values"``, numbers to be predicted, or ``"labels"``, of which an
                example may have several; None for labels where `y` has several columns of 0 and 1 that are
                not one-hot, values where labels are hardly classes, see `nas_gym.tasks.targets.read_classes`,
                else classes.
            class_names: a name per class in the order of the sorted labels; the labels by default.
            target_names: a name per value or label; those of the columns of a data frame, or ``"value"``.
            feature_names: a name per feature of a table.
            inputs: see `nas_gym.tasks.own.arrays.arrays`.
            **preparation: options of `nas_gym.tasks.preparation.Preparation`, and of a data frame those of
                `nas_gym.tasks.own.arrays.arrays`.

        Raises:
            NASGymError: if the arrays or the options do not make a task.
        """
        from nas_gym.tasks.registry import make_task

        options = {
            "title": name,
            "target_kind": target_kind,
            "class_names": class_names,
            "target_names": target_names,
            "feature_names": feature_names,
            "inputs": inputs,
        }
        given = {option: value for option, value in options.items() if value is not None}
        return make_task({"name": "arrays", "x": x, "y": y} | given | preparation)

    def __repr__(self) -> str:
        counts = " + ".join(str(len(part)) for part in (self.y_train, self.y_validation, self.y_test))
        shape = f"{self.inputs} {self.input_shape}, {self.target.words}"
        return f"<task {self.name}: {shape}, {counts} examples>"
