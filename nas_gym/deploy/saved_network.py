"""Trained networks as files: weights and the whole preparation of their data, no pickle."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nas_gym._files import write_bytes
from nas_gym._trust import named_by
from nas_gym.deploy.run_network import KEPT, REFITTED, network_file
from nas_gym.errors import ConfigError, DataError, NASGymError
from nas_gym.networks import NetworkModule, ensemble_of
from nas_gym.search_spaces import Architecture, SearchSpace, make_search_space
from nas_gym.tasks import (
    ExampleForm,
    PairForm,
    TableEncoder,
    Target,
    Task,
    Tokens,
    features_of,
    form_of,
    in_rows,
    read_examples,
    standardised,
    target_of,
)
from nas_gym.training import apart

FORMAT = 7
BETWEEN = " & "
PASS = f"pass a {REFITTED} or {KEPT} that nas-gym wrote, or the folder of a run that holds one"
TOLERANCE = 1e-3  # between answers computed on two devices, by other kernels


@dataclass(frozen=True)
class SavedNetwork:
    """A network loaded from a file, ready to predict.

    Attributes:
        architecture: its text; of an ensemble the texts of all its networks, joined by " & ".
        search_space: the space that the text belongs to; of an ensemble that of the first network.
        module: the network in evaluation mode, on the CPU.
        target: what the network predicts.
        feature_names: names of the features of a table, in the order that `predict` takes them; empty
            where they have none.
        mean, scale: the standardisation of the training data, float64, applied by `predict`.
        encoder: how the columns of a table become the features; None for arrays without names.
        about: where it comes from, JSON-able: what it was told when it was saved, ``reading``, what was said
            of how its data was read, ``split``, why its examples were in their parts, and ``versions`` of the
            packages that wrote it.
        files: how files become the examples; None for data that did not come as images or signals in files.
        members: the text of each network of an ensemble, whose answers are averaged; () of a single one.
        member_spaces: the space of each network of an ensemble of several spaces; () where it is one.
    """

    architecture: str
    search_space: SearchSpace[Any]
    module: NetworkModule
    target: Target
    feature_names: tuple[str, ...]
    mean: np.ndarray
    scale: np.ndarray
    encoder: TableEncoder | None
    about: Mapping[str, Any] = field(default_factory=dict)
    files: ExampleForm | None = None
    members: tuple[str, ...] = ()
    member_spaces: tuple[SearchSpace[Any], ...] = ()

    @apart
    @torch.no_grad()
    def predict(
        self,
        x: Any,
        *,
        delimiter: str | None = None,
        encoding: str | None = None,
        sheet: str | None = None,
    ) -> np.ndarray:
        """Return what the network answers for new examples as they come.

        Args:
            x: an array (n, *input_shape) of raw features; or, of a network for a table: a data frame, a list
                of dicts, a dict of columns or the path of a file, whose columns are found by name, in any
                order and beside others; or rows of cells, in the order of the columns in training. The
                path of an ``.npy`` file, or of an ``.npz`` file with the array ``x``, serves any network. Of
                a network for images or signals in files also the path of one, or of a folder or archive; of a
                network for series a data frame or the path of a table, whose last rows are forecast from; of
                one for texts a list of them, the path of a file with one a line, or a data frame or the path
                of a table; of one for molecules or formulas likewise.
            delimiter: delimiter of a table of text; for it and the next two see `nas_gym.tasks.own.csv.csv`.
            encoding: encoding of a table of text.
            sheet: sheet of a workbook.

        Returns:
            Probabilities of the classes or of each label, float32 (n, classes or labels), or values in the
            units of the training data, float64 (n, values); or, at each position of an answer, those of each
            token, float32 (n, tokens * positions), of which `texts` makes texts. A translation is decoded
            token by token, each after the likeliest ones before it (greedy decoding).

        Raises:
            NASGymError: if the examples have another shape, or a value is missing, not finite, or unknown, or
                a column is missing: what is not understood has no answer.
        """
        if isinstance(x, str | Path):
            x = read_examples(
                x, self.encoder, self.files, delimiter=delimiter, encoding=encoding, sheet=sheet
            )
        raw, prepared = self._prepared(x)
        if isinstance(self.files, PairForm):  # as `decodes` says
            return self.target.answers(self.files.decoded(prepared, self._outputs))
        return self.target.answers_to(self._outputs(prepared), raw)

    @apart
    @torch.no_grad()
    def given(self, x: Any) -> np.ndarray:
        """Return what `predict` does, but of a translation with the answers so far that the examples have.

        Args:
            x: examples as `predict` takes them.
        """
        raw, prepared = self._prepared(x)
        return self.target.answers_to(self._outputs(prepared), raw)

    def texts(self, answers: np.ndarray) -> list[str]:
        """Return the answers of a network for sequences as texts, each up to its end.

        Args:
            answers: as `predict` gives them.

        Raises:
            NASGymError: if the network answers with something else.
        """
        if isinstance(self.files, PairForm):
            return self.files.texts(answers)
        if isinstance(self.target, Tokens):
            return self.target.texts(answers)
        raise ConfigError(f"the network answers with {self.target.words}, which are no texts: use predict")

    @property
    def decodes(self) -> bool:
        """Whether an answer is decoded token by token, each after those that the network gave before."""
        return self.files is not None and self.files.decodes

    def _prepared(self, x: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return examples as they are, and as the network takes them."""
        form = self.files
        if form is not None and form.takes_texts and isinstance(x, list | tuple) and all_texts(x):
            x = form.encode(x)
        elif form is not None:
            x = in_rows(x, form)
        raw = features_of(x, self.search_space.input_shape, self.encoder, self.feature_names)
        return raw, standardised(raw, self.mean, self.scale)

    def _outputs(self, prepared: np.ndarray) -> np.ndarray:
        outputs: np.ndarray = self.module(torch.as_tensor(prepared)).numpy()
        return outputs

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the probabilities; () of a network for anything else."""
        return self.target.names if self.target.kind == "classes" else ()


@apart
def save_network(
    path: str | Path,
    search_space: SearchSpace[Any] | Sequence[SearchSpace[Any]],
    task: Task,
    architecture: Architecture | Sequence[Architecture],
    module: NetworkModule,
    about: Mapping[str, Any] | None = None,
) -> None:
    """Write a trained network; the file is complete, and predicts what the module does, or is not there.

    Args:
        path: file to write.
        search_space: the space of the architecture; of an ensemble also a list with that of each network.
        task: the task that the module was trained on.
        architecture: what the module was built from; of an ensemble (see `nas_gym.networks.ensemble_module`)
            the architecture of each network, in order.
        module: the trained network.
        about: what is to be known of where it comes from, JSON-able: ``recipe``, ``seed``, ``score``.

    Raises:
        NASGymError: for a list of spaces that is not as long as that of the architectures; if the file would
            predict something else for training examples, since the module is not of this architecture or
            this task; or if it cannot be written.
    """
    path = Path(path)
    encoder = task.encoder
    if encoder is None and task.feature_names:
        encoder = TableEncoder.of_numbers(task.feature_names)
    members = [str(one) for one in architecture] if isinstance(architecture, list | tuple) else []
    text = BETWEEN.join(members) if members else str(architecture)
    spaces = [search_space] if isinstance(search_space, SearchSpace) else list(search_space)
    networks = len(members) or 1
    if not isinstance(search_space, SearchSpace) and len(spaces) != networks:
        raise ConfigError(
            f"{len(spaces)} search spaces were passed for {networks} networks: pass one space for all of "
            "them, or a list with the space of each"
        )
    configs = [space.config() for space in spaces]
    content = {
        "format": FORMAT,
        "architecture": text,
        "members": members,
        "search_space": configs[0],
        "member_spaces": configs if any(config != configs[0] for config in configs) else [],
        "input_shape": list(spaces[0].input_shape),
        "task": task.name,
        "target": task.target.config(),
        "feature_names": list(task.feature_names),
        "encoder": None if encoder is None else json.dumps(encoder.config()),
        "files": None if task.files is None else json.dumps(task.files.config()),
        "mean": torch.tensor(task.mean, dtype=torch.float64),
        "scale": torch.tensor(task.scale, dtype=torch.float64),
        "about": json.dumps(_provenance(task) | dict(about or {})),
        "weights": {name: array.detach().cpu() for name, array in module.state_dict().items()},
    }
    # In memory first: of a disk that is full torch tells in many ways.
    buffer = io.BytesIO()
    torch.save(content, buffer)
    try:
        saved = _network_of(_content(buffer.getvalue()))
    except RuntimeError as error:  # the weights are of other shapes
        raise _another(text, task) from error
    _check(saved, task, module)
    write_bytes(path, buffer.getvalue())


@apart
def load_network(path: str | Path) -> SavedNetwork:
    """Load a network of `save_network`; nothing in the file is executed.

    Args:
        path: the file, or the folder of a run, whose network is that of `nas_gym.deploy.network_file`.

    Raises:
        NASGymError: if the file does not exist or is not a saved network.
    """
    path = network_file(path)
    if not path.is_file():
        raise DataError(f"no saved network at {str(path)!r}: {PASS}")
    try:
        content = _content(Path(path).read_bytes())
        if content["format"] == 2:
            content = _from_format_2(content)
        if content["format"] == 3:
            content = {**content, "format": 4, "about": "{}"}
        if content["format"] == 4:  # of encoders that refuse every missing cell, as their columns still say
            content = {**content, "format": 5}
        if content["format"] == 5:  # of single networks alone
            content = {**content, "format": 6, "members": []}
        if content["format"] == 6:  # of ensembles of one space
            content = {**content, "format": 7, "member_spaces": []}
        _check_format(path, content)
        with named_by(path):
            return _network_of(content)
    except NASGymError:
        raise
    except ModuleNotFoundError as error:  # of an install without what the network needs, or of an own part
        raise DataError(
            f"{str(path)!r} needs the module {error.name!r}, which is not installed: install its package"
        ) from error
    except Exception as error:
        damage = f", or it is damaged ({type(error).__name__})" if path.suffix == ".pt" else ""
        raise DataError(f"{str(path)!r} is no saved network{damage}: {PASS}") from error


def _content(file: bytes) -> dict[str, Any]:
    """Return what the bytes of a file hold; nothing in them is executed."""
    content: dict[str, Any] = torch.load(io.BytesIO(file), map_location="cpu", weights_only=True)
    return content


def _network_of(content: Mapping[str, Any]) -> SavedNetwork:
    """Return the network of the content of a file."""
    target = target_of(content["target"])
    shape = tuple(content["input_shape"])
    space = make_search_space(content["search_space"], shape, target.outputs)
    # Whatever the default dtype of this process is, the network was trained in float32.
    members = tuple(content["members"])
    texts = members or (content["architecture"],)
    own = [make_search_space(config, shape, target.outputs) for config in content["member_spaces"]]
    built = zip(own or [space] * len(texts), texts, strict=True)
    network = ensemble_of([each.network(each.parse(text)) for each, text in built], averaged(target))
    module = NetworkModule(network).to(torch.float32)
    module.load_state_dict(content["weights"])
    encoder, files = content["encoder"], content.get("files")
    return SavedNetwork(
        content["architecture"],
        space,
        module.eval(),
        target,
        tuple(content["feature_names"]),
        content["mean"].numpy(),
        content["scale"].numpy(),
        None if encoder is None else TableEncoder.from_config(json.loads(encoder)),
        json.loads(content["about"]),
        None if files is None else form_of(json.loads(files)),
        members,
        tuple(own),
    )


def all_texts(x: Sequence[Any]) -> bool:
    """Return whether a list is one of texts."""
    return bool(x) and all(isinstance(each, str) for each in x)


def averaged(target: Target) -> str:
    """Return what an ensemble averages for a target, see `nas_gym.networks.Average`."""
    # Of several answers the logits: probabilities are of one answer's names, not of all outputs together.
    form = target.answer_form
    return "probabilities" if form.function == "softmax" and form.positions == 1 else "values"


def _provenance(task: Task) -> dict[str, Any]:
    """Return what is known of a network from its task, and of what wrote it."""
    spec = {name: value for name, value in task.spec.items() if name in ("name", "title", "target")}
    packages = {
        "nas-gym": metadata.version("nas-gym"),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
    }
    notes = {"reading": list(task.notes)} if task.notes else {}
    split = {"split": task.split} if task.split else {}
    return {"task": spec, "task_fingerprint": task.fingerprint, **notes, **split, "versions": packages}


def _from_format_2(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of a file that was written when every network predicted classes."""
    target = {"kind": "classes", "names": list(content["class_names"])}
    return {**content, "format": 3, "target": target}


def _check_format(path: str | Path, content: Mapping[str, Any]) -> None:
    if content["format"] == FORMAT:
        return
    if content["format"] == 1:
        raise DataError(
            f"{str(path)!r} is of format 1, which kept too little of the preparation of its data to predict "
            "exactly: delete it and give the same search command again, which trains this one network anew"
        )
    raise DataError(
        f"{str(path)!r} has format {content['format']!r}, this version reads {FORMAT}: "
        "load it with the version of nas-gym that wrote it"
    )


@torch.no_grad()
def _check(saved: SavedNetwork, task: Task, module: NetworkModule) -> None:
    """Compare what a file predicts for raw training examples with the network that was trained on them."""
    if task.sample is None:
        return
    trained = copy.deepcopy(module).cpu().eval()
    kind = next(trained.parameters()).dtype
    outputs = trained(torch.as_tensor(task.sample.x, dtype=kind))
    raw = task.sample.raw
    expected = task.target.answers_to(outputs.numpy(), raw)
    found = saved.given(raw)
    tolerance = TOLERANCE * task.target.answer_scale
    if found.shape != expected.shape or not (np.abs(found - expected) <= tolerance).all():
        raise _another(saved.architecture, task)


def _another(architecture: str, task: Task) -> DataError:
    return DataError(
        f"the network {architecture} answers training examples of task {task.name!r} otherwise "
        "when it is saved: pass the search space, task and architecture that the module was trained with"
    )
