"""A folder of plain PyTorch code: the network, its weights, the preparation, and a program that predicts.

It needs Python, NumPy and PyTorch. ``network.py`` is an ordinary module, to read, to change or to train on.
"""

from __future__ import annotations

import importlib.util
import io
import json
import sys
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from nas_gym._files import write_bytes, write_text
from nas_gym.deploy.deployed import Numbers
from nas_gym.deploy.export.base import Answers, ExportFormat
from nas_gym.deploy.saved_network import SavedNetwork
from nas_gym.networks import Node
from nas_gym.tasks import DateColumn


class PythonCode(ExportFormat):
    """``python predict.py ROWS.csv``, or ``from predict import load`` beside it."""

    suffix = ""
    numbers = ("float64",)

    def write(self, saved: SavedNetwork, path: Path, numbers: Numbers) -> None:
        nodes = saved.module.network.nodes
        layers = {number: _name(number, node) for number, node in enumerate(nodes) if node.parameter_shapes}
        path.mkdir(parents=True)
        write_text(path / "network.py", _network_code(saved, layers))
        buffer = io.BytesIO()
        torch.save(_weights(saved, layers), buffer)
        write_bytes(path / "weights.pt", buffer.getvalue())
        write_text(path / "preparation.json", json.dumps(_preparation(saved), indent=1, ensure_ascii=False))
        if saved.encoder is not None and any(isinstance(each, DateColumn) for each in saved.encoder.columns):
            dates = files("nas_gym.tasks.reading") / "dates.py"
            write_text(path / "dates.py", dates.read_text("utf-8"))
        template = files("nas_gym.deploy.export") / "templates" / "predict.py"
        write_text(path / "predict.py", template.read_text("utf-8"))

    def answers(self, saved: SavedNetwork, path: Path) -> Answers:
        network = _imported(path / "network.py", "network")
        before = sys.modules.get("network")
        sys.modules["network"] = network  # which predict.py imports
        try:
            loaded = _imported(path / "predict.py", "predict").load(path)
        finally:
            if before is None:
                del sys.modules["network"]
            else:
                sys.modules["network"] = before

        def answered(raw: np.ndarray) -> np.ndarray:
            found: np.ndarray = loaded.predict(raw)
            return found

        return answered


def _name(number: int, node: Node) -> str:
    return f"{node.operation.name.rpartition(':')[2]}_{number}"


def _network_code(saved: SavedNetwork, layers: dict[int, str]) -> str:
    """Return the module of a network, one line a node."""
    made, steps = [], []
    nodes = saved.module.network.nodes
    for number, node in enumerate(nodes[1:], start=1):
        source = node.operation.source(node)
        layer = layers.get(number, _name(number, node))
        if source.layer:
            made.append(f"        self.{layer} = {source.layer}")
        inputs = [_value(index) for index in node.inputs]
        call = source.call.format(*inputs, layer=f"self.{layer}")
        comment = f"  # {node.layer}" if node.layer else ""
        steps.append(f"        {_value(number)} = {call}{comment}")
    shape = ", ".join(map(str, saved.search_space.input_shape))
    return "\n".join(
        [
            f'"""The network {saved.architecture}, as nas-gym found and trained it."""',
            "",
            "import torch",
            "from torch import nn",
            "",
            "",
            "class Network(nn.Module):",
            f'    """From standardised examples (batch, {shape}) to {saved.target.words} of outputs."""',
            "",
            "    def __init__(self) -> None:",
            "        super().__init__()",
            *made,
            "",
            "    def forward(self, x: torch.Tensor) -> torch.Tensor:",
            *steps,
            f"        return {_value(len(nodes) - 1)}",
            "",
        ]
    )


def _value(number: int) -> str:
    return f"h{number}" if number else "x"


def _weights(saved: SavedNetwork, layers: dict[int, str]) -> dict[str, Any]:
    """Return the weights by the names that the layers of the code have for them."""
    state = saved.module.state_dict()
    found: dict[str, Any] = {}
    for number, layer in layers.items():
        node = saved.module.network.nodes[number]
        names = dict(node.operation.source(node).names)
        for name in (*node.parameter_shapes, *node.operation.buffers(node)):
            found[f"{layer}.{names.get(name, name)}"] = state[f"{number}_{name}"]
        if node.operation.buffers(node):
            found[f"{layer}.num_batches_tracked"] = torch.tensor(0)
    return found


def _preparation(saved: SavedNetwork) -> dict[str, Any]:
    form = saved.target.answer_form
    return {
        "architecture": saved.architecture,
        "names": list(saved.target.names),
        "input_shape": list(saved.search_space.input_shape),
        "columns": None if saved.encoder is None else saved.encoder.config()["columns"],
        "missing": None if saved.encoder is None else saved.encoder.config()["missing"],
        "files": None if saved.files is None else saved.files.config(),
        "mean": saved.mean.tolist(),
        "scale": saved.scale.tolist(),
        "answers": {
            "function": form.function,
            "scale": list(form.scale),
            "mean": list(form.mean),
            "positions": form.positions,
        },
        "about": dict(saved.about),
    }


def _imported(file: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"_nas_gym_exported_{name}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
