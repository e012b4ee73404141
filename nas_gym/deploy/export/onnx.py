"""ONNX, for onnxruntime and whatever else reads it.

A network for numbers takes one array ``x`` (batch, *input_shape). One for a table that has categories, or
missing values, takes its columns by name, each (batch, 1), numbers or texts, as converters of other libraries
have it, and refuses a text that is no category. Where training had missing values, a missing number is NaN
and a missing text ``""``; elsewhere NaN gives NaN. Of a date its parts go in, as numbers with the names of
their features.
"""

from __future__ import annotations

import json
import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from nas_gym._files import write_bytes
from nas_gym.deploy.deployed import Numbers
from nas_gym.deploy.export.base import Answers, ExportFormat
from nas_gym.deploy.export.torch_program import program, readable_settings
from nas_gym.deploy.saved_network import SavedNetwork
from nas_gym.tasks import CategoryColumn, DateColumn, NumberColumn, TableEncoder

OPSET = 18
FEATURES = "nas_gym.features"
"""What the model of a table with categories calls its features inside, like no column."""


class Onnx(ExportFormat):
    """One file, whose metadata has the architecture, the classes or values, and the features."""

    suffix = ".onnx"
    packages = ("onnx", "onnxscript", "onnxruntime")
    extra = "onnx"

    def write(self, saved: SavedNetwork, path: Path, numbers: Numbers) -> None:
        by_column = saved.encoder is not None and _is_more_than_numbers(saved.encoder)
        model = _model(saved, numbers, FEATURES if by_column else "x")
        if saved.encoder is not None and by_column:
            _take_columns(model, saved.encoder, numbers)
        for name, value in _metadata(saved).items():
            entry = model.metadata_props.add()
            entry.key, entry.value = name, value
        write_bytes(path, model.SerializeToString())

    def answers(self, saved: SavedNetwork, path: Path) -> Answers:
        import onnxruntime

        runtime: Any = onnxruntime
        options = runtime.SessionOptions()
        options.log_severity_level = 4  # what it refuses is raised
        session = runtime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
        kinds = {
            one.name: np.float32 if one.type == "tensor(float)" else np.float64
            for one in session.get_inputs()
        }

        def answered(raw: np.ndarray) -> np.ndarray:
            if list(kinds) == ["x"]:
                given = {"x": raw.astype(kinds["x"])}
            else:
                assert saved.encoder is not None
                given = _columns_of(raw, saved.encoder, kinds)
            found: np.ndarray = session.run(None, given)[0]
            return found

        return answered


def _model(saved: SavedNetwork, numbers: Numbers, name: str) -> Any:
    """Return the model that takes features as an array of this name."""
    import torch

    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)  # it warns of packages that nothing here needs
    try:
        with warnings.catch_warnings(), readable_settings():
            warnings.simplefilter("ignore")  # of its own use of what is deprecated
            made = torch.onnx.export(
                program(saved, numbers),
                dynamo=True,
                input_names=[name],
                output_names=["answers"],
                opset_version=OPSET,
                verbose=False,
            )
    finally:
        logger.setLevel(level)
    assert made is not None
    return made.model_proto


def _is_more_than_numbers(encoder: TableEncoder) -> bool:
    """Return whether features are anything but the numbers in the columns."""
    return any(isinstance(column, CategoryColumn) or column.fills is not None for column in encoder.columns)


def _inputs_of(column: NumberColumn | DateColumn) -> tuple[str, ...]:
    """Return what a model takes for a column: its number, or the parts of its date."""
    if isinstance(column, NumberColumn):
        return (column.name,)
    return column.feature_names[: len(column.parts)] or column.feature_names


def _missing_text(column: CategoryColumn, encoder: TableEncoder) -> str:
    """Return the text that stands for a missing one."""
    return next(text for text in ("", *(encoder.missing.texts or ()), "nan") if text not in column.texts)


def _take_columns(model: Any, encoder: TableEncoder, numbers: Numbers) -> None:
    """Let a model take the columns of a table in place of the features that they become."""
    from onnx import TensorProto, helper

    kind = TensorProto.FLOAT if numbers == "float32" else TensorProto.DOUBLE
    nodes, inputs, parts = [], [], []
    for number, (column, _) in enumerate(encoder.places):
        if isinstance(column, CategoryColumn):
            names: tuple[str, ...] = (column.name,)
            given = TensorProto.STRING
            made, features = _one_hot(column, encoder, number, kind)
        else:
            names, given = _inputs_of(column), kind
            made, features = _filled(column, number, kind)
        inputs += [helper.make_tensor_value_info(name, given, ["batch", 1]) for name in names]
        nodes += made
        parts += features
    nodes.append(helper.make_node("Concat", parts, [FEATURES], axis=1))
    graph = model.graph
    _rename(graph, {one.name for one in inputs})
    network = list(graph.node)
    del graph.node[:], graph.input[:]
    graph.input.extend(inputs)
    graph.node.extend([*nodes, *network])
    model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 3))


def _one_hot(
    column: CategoryColumn, encoder: TableEncoder, number: int, kind: int
) -> tuple[list[Any], list[str]]:
    """Return nodes that make features of texts, and what these are called."""
    from onnx import helper

    texts = [*column.texts, *([_missing_text(column, encoder)] if column.gaps else [])]
    shown, flat, cast = (f"column_{number}_{step}" for step in ("one_hot", "flat", "features"))
    one_hot = helper.make_node(
        "OneHotEncoder",
        [column.name],
        [shown],
        domain="ai.onnx.ml",
        cats_strings=texts,
        zeros=0,  # an unknown text is refused
    )
    nodes = [
        one_hot,
        helper.make_node("Flatten", [shown], [flat], axis=1),
        helper.make_node("Cast", [flat], [cast], to=kind),
    ]
    return nodes, [cast]


def _filled(column: NumberColumn | DateColumn, number: int, kind: int) -> tuple[list[Any], list[str]]:
    """Return nodes that fill numbers that are not one, and say where, and what the features are called."""
    from onnx import helper

    names = _inputs_of(column)
    if not column.fills:
        return [], list(names)
    nodes, features = [], []
    for place, (name, value) in enumerate(zip(names, column.fills, strict=True)):
        missing, fill, filled = (f"column_{number}_{step}_{place}" for step in ("missing", "fill", "filled"))
        constant = helper.make_tensor(fill, kind, [1, 1], [value])
        nodes += [
            helper.make_node("IsNaN", [name], [missing]),
            helper.make_node("Constant", [], [fill], value=constant),
            helper.make_node("Where", [missing, fill, name], [filled]),
        ]
        features.append(filled)
    if column.flagged:
        flag = f"column_{number}_flag"
        nodes.append(helper.make_node("Cast", [f"column_{number}_missing_0"], [flag], to=kind))
        features.append(flag)
    return nodes, features


def _rename(graph: Any, taken: set[str]) -> None:
    """Let no value of a graph have the name of a column."""

    def free(name: str) -> str:
        return f"nas_gym.{name}" if name in taken else name

    for each in (*graph.initializer, *graph.output, *graph.value_info):
        each.name = free(each.name)
    for node in graph.node:
        node.input[:] = map(free, node.input)
        node.output[:] = map(free, node.output)


def _columns_of(raw: np.ndarray, encoder: TableEncoder, kinds: dict[str, Any]) -> dict[str, np.ndarray]:
    """Return features as the columns that they were made of, (n, 1) each."""
    columns: dict[str, np.ndarray] = {}
    for column, place in encoder.places:
        if isinstance(column, CategoryColumn):
            known = [*column.texts, *([_missing_text(column, encoder)] if column.gaps else [])]
            texts = np.array(known, dtype=object)[raw[:, place].argmax(axis=1)]
            columns[column.name] = texts[:, None]
            continue
        for each, name in enumerate(_inputs_of(column)):
            values = raw[:, place][:, each : each + 1].astype(kinds[name])
            if column.flagged and column.fills:
                values[raw[:, place][:, -1] == 1] = np.nan
            columns[name] = values
    return columns


def _metadata(saved: SavedNetwork) -> dict[str, str]:
    about = {
        "architecture": saved.architecture,
        "search_space": [space.name for space in saved.member_spaces] or saved.search_space.name,
        "target": saved.target.config(),
        "features": list(saved.feature_names),
        "files": None if saved.files is None else saved.files.config(),
        **saved.about,
    }
    return {f"nas_gym.{name}": v if isinstance(v, str) else json.dumps(v) for name, v in about.items()}
