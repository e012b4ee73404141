"""Latencies of this machine: measured, kept by machine, and predicted by layer where that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from nas_gym._checks import whole
from nas_gym.errors import ConfigError, unknown
from nas_gym.evaluators.latency.additive import AdditiveModel, layers_of
from nas_gym.evaluators.latency.base import Latency
from nas_gym.evaluators.latency.kept import KeptLatencies
from nas_gym.evaluators.latency.measuring import Measurement, Timing, measure
from nas_gym.search_spaces import Architecture, SearchSpace

HERE = "here"
FEWEST_PREDICTED_FROM = 10


@dataclass(frozen=True)
class HowMeasured:
    """How latencies are measured on this machine.

    Attributes:
        threads: threads of one forward pass on the CPU.
        batch: examples of one forward pass.
        warmup: forward passes before those that count, in each round.
        repeats: forward passes that count, of which the median is taken.
        rounds: rounds over which they are spread; networks that are asked for together are measured in
            turn in each.
        predict_from: how many networks, drawn with a fixed seed, are measured, for all others to be
            predicted by layer from them; None to measure every one.
    """

    threads: int = 1
    batch: int = 1
    warmup: int = 10
    repeats: int = 50
    rounds: int = 3
    predict_from: int | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value, least = getattr(self, field.name), 0 if field.name == "warmup" else 1
            if field.name == "predict_from":
                if value is None:
                    continue
                least = FEWEST_PREDICTED_FROM
            count = whole(value)
            if count is None or count < least:
                raise ConfigError(
                    f"{field.name} of the latency must be a whole number of at least {least}, not {value!r}"
                )
            object.__setattr__(self, field.name, count)

    @classmethod
    def of(cls, options: dict[str, Any]) -> HowMeasured:
        """Return it from a dict.

        Raises:
            NASGymError: for an option that there is not, or a number that does not fit.
        """
        names = [field.name for field in fields(cls)]
        for option in options:
            if option not in names:
                raise unknown("option of the latency", option, names)
        return cls(**options)


class MeasuredLatency(Latency):
    """The latency of forward passes on this machine, in evaluation mode and float32.

    Networks have fresh weights, on which the time does not depend. What was measured is kept, by
    machine, version of torch, threads and batch, and is not measured again.

    Args:
        space: search space of the networks.
        how: how they are measured.
        device: where they run, a torch device or ``"auto"``.
        path: file that keeps the latencies, see `KeptLatencies`; None for memory.

    Attributes:
        how: as passed in.
        measurement: the last one; None before any.
        model: what predicts by layer; None where nothing is predicted, or not yet.
    """

    def __init__(
        self, space: SearchSpace[Any], how: HowMeasured, device: str = "auto", path: Path | None = None
    ) -> None:
        self.how, self._space, self._device = how, space, device
        self._kept = KeptLatencies(path)
        self.measurement: Measurement | None = None
        self.model: AdditiveModel | None = None

    def of(self, architectures: Sequence[Architecture]) -> list[float]:
        """Return the milliseconds of each architecture; those asked for together are measured in turn."""
        if self.how.predict_from is None:
            return self.measured(architectures)
        if self.model is None:
            rng = np.random.default_rng(0)
            count = min(self.how.predict_from, self._space.size)
            drawn = dict.fromkeys(self._space.sample(rng) for _ in range(count))
            layers = [layers_of(self._space.network(each)) for each in drawn]
            self.model = AdditiveModel.fit(layers, np.array(self.measured(list(drawn))))
        asked = [layers_of(self._space.network(each)) for each in architectures]
        return [float(each) for each in self.model.predict(asked)]

    def measured(self, architectures: Sequence[Architecture]) -> list[float]:
        """Return the milliseconds of each architecture as measured, now or earlier on this machine."""
        keys = [self._key(architecture) for architecture in architectures]
        found = self._kept.find(keys)
        missing = [row for row, each in enumerate(found) if each is None]
        # An architecture that is asked for twice at once is measured once.
        missing = list({keys[row]["architecture"]: row for row in missing}.values())
        if missing:
            self.measurement = self._measure([architectures[row] for row in missing])
            pairs = zip(self.measurement.milliseconds, self.measurement.spread, strict=True)
            self._kept.keep([keys[row] for row in missing], [(float(ms), float(iqr)) for ms, iqr in pairs])
            found = self._kept.find(keys)
        return [each for each in found if each is not None]

    @property
    def about(self) -> str:  # type: ignore[override]  # it changes with what was measured
        """How the latencies were obtained and how far they can be trusted, in words."""
        how = self.how
        where = f"{how.threads} thread{'s' if how.threads > 1 else ''}, batches of {how.batch}"
        words = [
            f"latency is the median of {how.repeats} forward passes in {how.rounds} rounds on "
            f"{self._machine()}, {where}"
        ]
        if self.measurement is not None and self.measurement.stability is not None:
            count = len(self.measurement.milliseconds)
            words.append(
                f"Kendall's tau between rounds was {self.measurement.stability:.2f} over the last {count} "
                "networks"
            )
        if self.model is not None:
            words.append(str(self.model.error))
        return "; ".join(words)

    def config(self) -> str | dict[str, Any]:
        usual = HowMeasured()
        options = {
            field.name: getattr(self.how, field.name)
            for field in fields(HowMeasured)
            if getattr(self.how, field.name) != getattr(usual, field.name)
        }
        return options or HERE

    def _key(self, architecture: Architecture) -> dict[str, Any]:
        import torch

        return {
            "architecture": str(architecture),
            "search_space": self._space.config(),
            "input_shape": list(self._space.input_shape),
            "outputs": self._space.outputs,
            "machine": self._machine(),
            "torch": torch.__version__,
            "threads": self.how.threads,
            "batch": self.how.batch,
        }

    def _machine(self) -> str:
        import torch

        from nas_gym.training import processor_name, resolve_device

        device = resolve_device(self._device)
        if device.type == "cuda":
            return f"{torch.cuda.get_device_name(device)} ({processor_name()})"
        return processor_name() if device.type == "cpu" else f"{device.type} ({processor_name()})"

    def _measure(self, architectures: Sequence[Architecture]) -> Measurement:
        how = self.how
        with _threads(how.threads):
            passes = [self._pass(each) for each in architectures]
            timing = Timing(how.warmup, how.repeats, how.rounds)
            return measure(passes, timing, np.random.default_rng(0))

    def _pass(self, architecture: Architecture) -> Callable[[], object]:
        """Return a forward pass of a network that ends when its result is there."""
        import torch

        from nas_gym.networks import NetworkModule, initial_weights
        from nas_gym.training import resolve_device

        device, network = resolve_device(self._device), self._space.network(architecture)
        module = NetworkModule(network)
        module.load_state_dict(dict(initial_weights(network, 0)), strict=False)
        module = module.to(device).eval()
        generator = torch.Generator(device="cpu").manual_seed(0)
        shape = (self.how.batch, *network.input_shape)
        x = torch.randn(shape, generator=generator, dtype=torch.float32).to(device)
        return partial(_run, module, x)


def _run(module: Any, x: Any) -> None:
    """Run a module and wait for the device."""
    import torch

    with torch.inference_mode():
        module(x)
    if x.device.type == "cuda":
        torch.cuda.synchronize(x.device)
    elif x.device.type == "mps":
        torch.mps.synchronize()


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Let torch use so many threads, and what it used before again afterwards."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
