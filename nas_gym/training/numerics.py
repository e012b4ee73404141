"""What a process can set globally and what of it reaches training: nothing.

A result must be the one that its key in the store names, whatever the process around it has set:

- the default dtype and device: every tensor is made with a dtype and a device of its own;
- what belongs to a thread (gradient and inference mode, autocast, function modes, the default device,
  flushing of denormals, the number of threads): all is computed in threads of the engine's own;
- what belongs to the process (precision of products, deterministic algorithms, library switches): set
  to `SETTINGS` while a thread computes, and given back as it was;
- what was fixed when a library was loaded (`VARIABLES`): part of the key.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import torch

P = ParamSpec("P")
T = TypeVar("T")

VARIABLES = (
    "DNNL_DEFAULT_FPMATH_MODE",
    "DNNL_MAX_CPU_ISA",
    "MKL_CBWR",
    "MKL_ENABLE_INSTRUCTIONS",
    "NVIDIA_TF32_OVERRIDE",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "ONEDNN_MAX_CPU_ISA",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
)
"""Environment variables that change what the libraries under torch compute."""


@dataclass(frozen=True)
class Setting:
    """A global setting of torch that changes numbers.

    Attributes:
        read: returns its value.
        write: sets it.
        usual: the values under which numbers are the usual ones; the first is set where another is.
        tf32: likewise where a recipe asks for TF32; empty if that changes nothing.
    """

    read: Callable[[], Any]
    write: Callable[[Any], object]
    usual: tuple[Any, ...]
    tf32: tuple[Any, ...] = ()

    def wanted(self, precision: str) -> tuple[Any, ...]:
        """The values for a precision of the recipe."""
        return self.tf32 if precision == "tf32" and self.tf32 else self.usual


def _attribute(holder: Any, name: str, *usual: Any, tf32: tuple[Any, ...] = ()) -> Setting:
    return Setting(lambda: getattr(holder, name), lambda value: setattr(holder, name, value), usual, tf32)


def _precision(holder: Any, parent: Any, *usual: str, tf32: tuple[str, ...] = ()) -> Setting:
    def write(value: str) -> None:
        # A value that is inherited is left to be inherited.
        holder.fp32_precision = "none"
        if parent.fp32_precision == "none" or holder.fp32_precision != value:
            holder.fp32_precision = value

    return Setting(lambda: holder.fp32_precision, write, usual, tf32)


def _settings() -> list[Setting]:
    backends: Any = torch.backends
    settings = [
        Setting(
            lambda: (
                torch.are_deterministic_algorithms_enabled(),
                torch.is_deterministic_algorithms_warn_only_enabled(),
            ),
            lambda value: torch.use_deterministic_algorithms(value[0], warn_only=value[1]),
            ((False, False), (False, True)),
        ),
        # Before the precision of one library, which it writes too.
        Setting(torch.get_float32_matmul_precision, torch.set_float32_matmul_precision, ("highest",)),
        _attribute(backends.cudnn, "enabled", True),
        _attribute(backends.cudnn, "benchmark", False),
        _attribute(backends.cudnn, "deterministic", False),
        _attribute(backends.cuda.matmul, "allow_bf16_reduced_precision_reduction", True),
        _attribute(backends.mkldnn, "enabled", True),
        _attribute(backends.mkldnn, "deterministic", False),
    ]
    if not hasattr(backends, "fp32_precision"):  # before torch 2.9
        return [
            *settings,
            _attribute(backends.cuda.matmul, "allow_tf32", False, tf32=(True,)),
            _attribute(backends.cudnn, "allow_tf32", False, tf32=(True,)),
        ]
    return [
        *settings,
        _precision(backends.cuda.matmul, backends.cudnn, "ieee", "none", tf32=("tf32",)),
        _precision(backends.cudnn.conv, backends.cudnn, "ieee", tf32=("tf32",)),
        _precision(backends.mkldnn.matmul, backends.mkldnn, "ieee", "none"),
        _precision(backends.mkldnn.conv, backends.mkldnn, "ieee", "none"),
    ]


SETTINGS = _settings()


class _Pin:
    """The settings at the values of one precision while at least one thread computes by it.

    They belong to the process, so a thread of another precision waits until all have left.
    """

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._computing = 0
        self._precision = "float32"
        self._before: list[tuple[Setting, Any]] = []

    def enter(self, precision: str = "float32") -> None:
        with self._lock:
            self._lock.wait_for(lambda: not self._computing or self._precision == precision)
            if not self._computing:
                self._precision = precision
                # All are read before one is written, since some write others, too.
                self._before = [
                    (setting, value) for setting in SETTINGS if (value := _value(setting)) is not None
                ]
                for setting, value in self._before:
                    wanted = setting.wanted(precision)
                    if value not in wanted:
                        setting.write(wanted[0])
            self._computing += 1

    def leave(self) -> None:
        with self._lock:
            self._computing -= 1
            if not self._computing:
                for setting, value in self._before:
                    if _value(setting) != value:
                        setting.write(value)
                self._lock.notify_all()


def _value(setting: Setting) -> Any:
    """The value of a setting; None where torch refuses to read what its interfaces disagree on.

    The settings that follow cover what such a one stands for. Old versions lack some.
    """
    try:
        return setting.read()
    except (RuntimeError, AttributeError):
        return None


_pin = _Pin()


@contextmanager
def usual_numerics(precision: str = "float32") -> Iterator[None]:
    """Compute by the usual numerics, on one thread, in a thread that was started for it.

    Args:
        precision: of the recipe; TF32 is a setting of the process, bfloat16 is what kernels do.
    """
    torch.set_num_threads(1)
    torch.set_flush_denormal(False)  # which a thread inherits from the one that starts it
    _pin.enter("tf32" if precision == "tf32" else "float32")
    try:
        yield
    finally:
        _pin.leave()


@contextmanager
def threads_kept() -> Iterator[None]:
    """Give the process its number of threads back, which a thread that computes sets to 1."""
    threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def apart(function: Callable[P, T]) -> Callable[P, T]:
    """Let a function compute by the usual numerics, whatever the thread that calls it has set."""

    @wraps(function)
    def computed(*args: P.args, **kwargs: P.kwargs) -> T:
        results: list[T] = []
        errors: list[BaseException] = []

        def run() -> None:
            try:
                with usual_numerics():
                    results.append(function(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 (raised again in the thread that waits)
                errors.append(error)

        with threads_kept():
            thread = threading.Thread(target=run, daemon=True)
            thread.start()
            thread.join()
        if errors:
            raise errors[0]
        return results[0]

    return computed


def set_outside() -> list[str]:
    """The environment variables that change numbers, as ``"NAME=value"``; usually none."""
    return [f"{name}={os.environ[name]}" for name in VARIABLES if os.environ.get(name)]
