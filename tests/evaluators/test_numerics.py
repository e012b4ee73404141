"""What a process sets globally reaches neither training nor the store, and is given back."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from contextlib import contextmanager

import numpy as np
import pytest
import torch

from nas_gym.deploy import load_network, save_network
from nas_gym.evaluators import Request, TrainEvaluator
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import make_task
from nas_gym.training import numerics, processor_name
from nas_gym.training.hardware import processor

TASK = make_task({"name": "digits", "train_size": 120, "validation_size": 100, "test_size": 100})
BACKENDS = torch.backends
SPACES = {"mlp": "mlp", "conv": "conv", "cell": {"name": "cell", "cells": 1, "channels": [8]}}


@contextmanager
def default_dtype(dtype):
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


@contextmanager
def default_device(device):
    torch.set_default_device(device)
    try:
        yield
    finally:
        torch.set_default_device(None)


@contextmanager
def deterministic():
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


@contextmanager
def matmul_precision(precision):
    torch.set_float32_matmul_precision(precision)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision("highest")


@contextmanager
def attribute(holder, name, value, usual):
    setattr(holder, name, value)
    try:
        yield
    finally:
        setattr(holder, name, usual)


@contextmanager
def flushed_denormals():
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@contextmanager
def threads(count):
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class Doubled(torch.overrides.TorchFunctionMode):
    """Makes everything that is created half as precise, or as it may please."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if function in (torch.zeros, torch.ones, torch.empty):
            kwargs = {**(kwargs or {}), "dtype": torch.float64}
        return function(*args, **(kwargs or {}))


GLOBALS = {
    "float64": lambda: default_dtype(torch.float64),
    "float16": lambda: default_dtype(torch.float16),
    "bfloat16": lambda: default_dtype(torch.bfloat16),
    "default device": lambda: default_device("meta"),
    "deterministic": deterministic,
    "medium precision": lambda: matmul_precision("medium"),
    "high precision": lambda: matmul_precision("high"),
    "TF32": lambda: attribute(BACKENDS.cuda.matmul, "allow_tf32", True, False),
    "no TF32 in cuDNN": lambda: attribute(BACKENDS.cudnn, "allow_tf32", False, True),
    "cuDNN benchmark": lambda: attribute(BACKENDS.cudnn, "benchmark", True, False),
    "no oneDNN": lambda: attribute(BACKENDS.mkldnn, "enabled", False, True),
    "no gradients": torch.no_grad,
    "inference mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "denormals": flushed_denormals,
    "one thread": lambda: threads(1),
    "three threads": lambda: threads(3),
    "anomaly detection": lambda: torch.autograd.set_detect_anomaly(True),
    "function mode": Doubled,
    "device context": lambda: torch.device("meta"),
    "NumPy errors": lambda: np.errstate(all="raise"),
}
if hasattr(BACKENDS, "fp32_precision"):
    GLOBALS |= {
        "bf16 in oneDNN": lambda: attribute(BACKENDS.mkldnn.matmul, "fp32_precision", "bf16", "none"),
        "tf32 everywhere": lambda: attribute(BACKENDS, "fp32_precision", "tf32", "none"),
    }


def make(space):
    built = make_search_space(SPACES[space], TASK.input_shape, TASK.outputs)
    evaluator = TrainEvaluator(built, TASK, "cpu", recipe={"epochs": 2, "batch_size": 32})
    text = {"mlp": "sigmoid-64 > tanh-16"}.get(space)
    rng = np.random.default_rng(3)
    return evaluator, built.parse(text) if text else built.sample(rng)


def outcome(space):
    """All that an evaluator gives of an architecture, seconds aside."""
    evaluator, architecture = make(space)
    evaluation = evaluator.evaluate([Request(architecture, 0), Request(architecture, 1, 1)])
    module, fitted = evaluator.fit(architecture, 0)
    weights = {name: array.clone().numpy().tobytes() for name, array in module.state_dict().items()}
    dtypes = {array.dtype for array in module.parameters()}
    curves = [each.curve for each in (*evaluation, fitted)]
    return curves, weights, dtypes, evaluator.test(architecture, [5]), evaluator.key(Request(architecture, 0))


@pytest.fixture(scope="module")
def plain():
    return {space: outcome(space) for space in SPACES}


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("setting", GLOBALS)
def test_training_is_the_same_bit_for_bit_under_every_global_setting(setting, space, plain):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's, of old names and of anomaly detection
        with GLOBALS[setting]():
            found = outcome(space)
    assert found == plain[space]


@pytest.mark.parametrize("setting", GLOBALS)
def test_global_settings_are_given_back(setting):
    def settings():
        found = [torch.get_default_dtype(), torch.get_num_threads(), torch.is_grad_enabled()]
        found += [torch.is_inference_mode_enabled(), torch.is_autocast_enabled("cpu")]
        for each in numerics.SETTINGS:
            try:
                found.append(each.read())
            except RuntimeError:
                found.append("mixed")
        return found

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with GLOBALS[setting]():
            before = settings()
            outcome("mlp")
            assert settings() == before


def test_settings_stay_usual_until_the_last_of_several_computations_ends():
    with deterministic():
        numerics._pin.enter()
        numerics._pin.enter()
        numerics._pin.leave()
        assert not torch.are_deterministic_algorithms_enabled()
        numerics._pin.leave()
        assert torch.are_deterministic_algorithms_enabled()


def test_an_inherited_precision_is_inherited_again():
    if not hasattr(BACKENDS, "fp32_precision"):
        pytest.skip("torch is older than the interface")
    with attribute(BACKENDS, "fp32_precision", "tf32", "none"):
        assert BACKENDS.mkldnn.conv.fp32_precision == "tf32"
        outcome("mlp")
    assert BACKENDS.mkldnn.conv.fp32_precision == "none"


def test_an_error_leaves_the_calling_thread_and_the_settings_are_given_back():
    def fail():
        assert not torch.are_deterministic_algorithms_enabled()
        raise LookupError("from within")

    with deterministic():
        with pytest.raises(LookupError, match="from within"):
            numerics.apart(fail)()
        assert torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize("setting", GLOBALS)
def test_a_saved_network_predicts_the_same_under_every_global_setting(setting, tmp_path):
    evaluator, architecture = make("cell")
    module, _ = evaluator.fit(architecture, 0)
    raw = TASK.x_test[:20] * TASK.scale + TASK.mean
    save_network(tmp_path / "a.pt", evaluator.search_space, TASK, architecture, module)
    expected = load_network(tmp_path / "a.pt").predict(raw)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with GLOBALS[setting]():
            save_network(tmp_path / "b.pt", evaluator.search_space, TASK, architecture, module)
            found = load_network(tmp_path / "b.pt").predict(raw)
    assert found.dtype == np.float32
    assert np.array_equal(found, expected)


def test_a_store_is_not_misled_by_the_settings_of_another_process(tmp_path):
    """One process fills the store under other settings; another gets what it would compute itself."""
    child = """
import sys, torch, gymnasium as gym, nas_gym
if sys.argv[1] == "odd":
    torch.set_default_dtype(torch.float64)
    torch.set_float32_matmul_precision("medium")
    torch.set_flush_denormal(True)
task = {"name": "digits", "train_size": 120, "validation_size": 100, "test_size": 100}
evaluator = {"name": "train", "recipe": {"epochs": 2}}
for store in sys.argv[2:]:
    env = gym.make("NAS-v0", task=task, store=store, evaluator=evaluator, device="cpu").unwrapped
    print(env.evaluate("relu-16 > tanh-64").score.hex(), env.stats.stored)
"""

    def run(kind, *stores):
        command = [sys.executable, "-c", child, kind, *stores]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()

    shared = str(tmp_path / "shared.db")
    odd, nothing_stored = run("odd", shared)
    assert nothing_stored == "0"
    assert run("plain", "memory", shared) == [odd, "0", odd, "1"]


def test_what_a_library_was_told_when_it_was_loaded_is_part_of_the_key(monkeypatch):
    def key():
        evaluator, architecture = make("mlp")
        return evaluator.key(Request(architecture, 0))["numerics"]

    for name in numerics.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    usual = key()
    assert usual == f"cpu, fp32, torch {torch.__version__}, {processor_name()}"
    assert processor_name().startswith(torch.backends.cpu.get_cpu_capability())
    monkeypatch.setenv("MKL_CBWR", "COMPATIBLE")
    assert key() == f"{usual}, MKL_CBWR=COMPATIBLE"


CPUINFO = """processor	: 0
vendor_id	: GenuineIntel
cpu family	: 6
model		: {model}
model name	: Intel(R) Xeon(R) Processor
flags		: fpu sse2 {first} fma

processor	: 1
vendor_id	: Other
"""


def test_processors_that_sum_in_another_order_are_not_called_alike(tmp_path, monkeypatch):
    def named(text, cache="2048K\n"):
        (tmp_path / "cpuinfo").write_text(text)
        (tmp_path / "size").write_text(cache)
        return processor_name.__wrapped__()

    monkeypatch.setattr(processor, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(processor, "CACHE", tmp_path / "size")
    one = named(CPUINFO.format(model=207, first="avx512f"))
    assert re.fullmatch(r"\w+, GenuineIntel 6 207 [0-9a-f]{8}, 2048K", one)
    others = [
        named(CPUINFO.format(model=85, first="avx512f")),
        named(CPUINFO.format(model=207, first="avx512f avx512_fp16")),
        named(CPUINFO.format(model=207, first="avx512f"), "1024K\n"),
    ]
    assert len({one, *others}) == 4
    # What the clock and the virtual machine can do changes no number.
    assert named(CPUINFO.format(model=207, first="tsc_adjust avx512f")) == one
    (tmp_path / "cpuinfo").unlink()
    assert processor_name.__wrapped__()


def test_arm_processors_are_told_apart(tmp_path, monkeypatch):
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nFeatures\t: fp asimd\nCPU part\t: 0xd40\n")
    monkeypatch.setattr(processor, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(processor, "CACHE", tmp_path / "none")
    assert re.fullmatch(r"\w+, 0xd40 [0-9a-f]{8}", processor_name.__wrapped__())
