"""Networks of every search space answer in every format as the saved network does."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nas_gym.deploy import SavedNetwork, export_network, suffix_of
from nas_gym.networks import Network, NetworkModule
from nas_gym.tasks import Classes, Target, Tokens, Values
from tests.helpers.every_space import EVERY, each_form, every_space, fitting_data

ONNX = pytest.mark.skipif(importlib.util.find_spec("onnxruntime") is None, reason="onnx is not installed")


def cases() -> list[Any]:
    """Return formats and spaces: plain code is fast, what torch exports takes seconds each."""
    found = [pytest.param("python", *each.values, marks=each.marks) for each in each_form()]
    for to, marks in (("torch", ()), ("onnx", (ONNX,))):
        found += [pytest.param(to, name, marks=(*marks, pytest.mark.slow)) for name in EVERY]
    return found


def random_module(network: Network) -> NetworkModule:
    """Return a network with weights and statistics that hide nothing, and leave signals about as large."""
    module, generator = NetworkModule(network).eval(), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, array in module.state_dict().items():
            if array.ndim > 1:
                array.normal_(0, array[0].numel() ** -0.5, generator=generator)
            elif name.endswith(("weight", "variance")):
                array.uniform_(0.5, 1.5, generator=generator)
            else:
                array.normal_(0, 0.3, generator=generator)
    return module


def saved_of(name: str) -> tuple[SavedNetwork, np.ndarray]:
    """Return a network drawn from a space that does not ignore its examples, and such examples."""
    space, data, rng = every_space(name), fitting_data(name), np.random.default_rng(2)
    target, shape = target_of(data.loss, space.outputs), space.input_shape
    rows = data.x_train[:20].double().numpy()
    for _ in range(20):
        architecture = space.sample(rng)
        module = random_module(space.network(architecture))
        preparation = np.full(shape, 0.0), np.full(shape, 1.0)
        saved = SavedNetwork(str(architecture), space, module, target, (), *preparation, None)
        if np.ptp(saved.predict(rows), axis=0).max() > 0.01:
            return saved, rows
    raise AssertionError(f"20 networks of {name} ignore their examples")


def target_of(loss: str, outputs: int) -> Target:
    kind, _, rest = loss.partition("/")
    if kind == "token_cross_entropy":
        positions = int(rest.rpartition("/")[2])
        return Tokens(tuple("abcdefghij"[: outputs // positions]), positions)
    names = tuple(map(str, range(outputs)))
    return Classes(names) if kind == "cross_entropy" else Values(names, (0.0,) * outputs, (1.0,) * outputs)


@pytest.mark.parametrize(("to", "name"), cases())
def test_networks_of_every_space_are_exported(to: str, name: str, tmp_path: Path) -> None:
    saved, rows = saved_of(name)
    done = export_network(saved, to, tmp_path / f"network{suffix_of(to)}", rows=rows)
    assert (done.rows, done.difference <= 1e-5) == (20, True)
