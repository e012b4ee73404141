"""The evaluator that asks a function: a score is whatever a callable says of an architecture."""

from __future__ import annotations

import hashlib
import inspect
import math
from collections.abc import Callable, Iterator, Sequence
from statistics import NormalDist
from typing import Any

from nas_gym._checks import number, plain
from nas_gym.errors import ConfigError
from nas_gym.evaluators.base import Evaluator
from nas_gym.evaluators.evaluation import Evaluation, FinalScore, Request
from nas_gym.registry import import_path, lookup
from nas_gym.search_spaces import Architecture, SearchSpace
from nas_gym.tasks import Task
from nas_gym.training import check_seeds

_STANDARD_NORMAL = NormalDist()


class FunctionFailed(Exception):  # noqa: N818 - the training failed, the function did not
    """Raised by a function to say that the training of an architecture failed, and why."""


class FunctionEvaluator(Evaluator):
    """Scores by a function of the architecture, or of the architecture and the training seed.

    For landscapes whose truth is known, for formulas and surrogates, and for training code of one's
    own. The function has to be pure: nothing is stored, and a replay asks it again.

    ```python
    def score(architecture):                     # or (architecture, seed)
        return 0.5 + 0.1 * len(architecture.layers)

    gym.make("NAS-v0", evaluator={"name": "function", "function": "my_module:score", "noise": 0.01})
    ```

    A function that raises `FunctionFailed` says that training failed: score 0.0, status
    ``"failed"``. Anything else but a number in [0, 1] is a mistake and refused.

    The test score is that of `test`; without it what `function` gives, without the noise. So the
    noise is what a search is misled by, and a final score is not.

    Args:
        search_space: whose architectures are evaluated.
        task: task of the environment; the function need not use it.
        device: not used.
        function: a callable or its import path ``"module:name"``. With a callable that no import
            path leads to, such as a lambda, a run cannot be replayed or explained from its folder.
        noise: standard deviation of normal noise that is added to a score, which is then cut to
            [0, 1]. It depends on the training seed and the architecture's text alone.
        seeds: training seeds that an architecture is evaluated with, averaged.
        test: as `function`, for the test score.
        seconds: recorded cost of an evaluation.

    Raises:
        NASGymError: for a bad option.
    """

    name = "function"
    free = True

    def __init__(
        self,
        search_space: SearchSpace[Any],
        task: Task,
        device: str = "auto",
        *,
        function: str | Callable[..., float],
        noise: float = 0.0,
        seeds: Sequence[int] = (0,),
        test: str | Callable[..., float] | None = None,
        seconds: float = 1.0,
    ) -> None:
        self.search_space = search_space
        self.task = task
        self.seeds = check_seeds(seeds)
        self.function = _Asked("function", function)
        self.noise = _at_least_0("noise", noise)
        self.seconds = _at_least_0("seconds", seconds)
        self._test = self.function if test is None else _Asked("test function", test)

    def config(self) -> dict[str, Any]:
        config = {
            "name": self.name,
            "function": self.function.path,
            "noise": self.noise,
            "seeds": list(self.seeds),
            "seconds": self.seconds,
        }
        return config if self._test is self.function else config | {"test": self._test.path}

    def parts(self) -> dict[str, object]:
        """Return the evaluator and the callables that it asks."""
        parts = super().parts() | {"function": self.function.callable}
        return parts if self._test is self.function else parts | {"test function": self._test.callable}

    def stream(self, requests: Sequence[Request]) -> Iterator[tuple[int, Evaluation]]:
        """Ask the function for each request.

        Raises:
            NASGymError: for an answer that is not a score, or a fidelity.
        """
        for position, request in enumerate(requests):
            if request.fidelity is not None:
                raise ConfigError(
                    f"a function has no fidelities, not {request.fidelity} epochs either: leave fidelity out"
                )
            yield position, self._evaluation(request)

    def test(self, architecture: Architecture, seeds: Sequence[int]) -> list[FinalScore]:
        return [self._final_score(architecture, plain(seed)) for seed in seeds]

    def _evaluation(self, request: Request) -> Evaluation:
        score, error = self._noisy(request.architecture, request.seed)
        parameters, flops = self._size(request.architecture)
        return Evaluation(
            architecture=str(request.architecture),
            score=score,
            curve=() if error else (score,),
            parameters=parameters,
            flops=flops,
            seconds=self.seconds,
            status="failed" if error else "ok",
            error=error,
            seeds=(request.seed,),
        )

    def _final_score(self, architecture: Architecture, seed: int) -> FinalScore:
        validation, error = self._noisy(architecture, seed)
        if error:
            return FinalScore(seed, 0.0, 0.0, "failed", error)
        test, error = self._test(architecture, seed)
        return FinalScore(seed, validation, test, "failed" if error else "ok", error)

    def _noisy(self, architecture: Architecture, seed: int) -> tuple[float, str]:
        score, error = self.function(architecture, seed)
        if error or not self.noise:
            return score, error
        return min(1.0, max(0.0, score + self.noise * standard_normal(str(architecture), seed))), ""

    def _size(self, architecture: Architecture) -> tuple[int, int]:
        """Return parameters and FLOPs; 0 in a space that builds no networks, which a function allows."""
        try:
            network = self.search_space.network(architecture)
        except NotImplementedError:
            return 0, 0
        return network.parameters, network.flops


def standard_normal(text: str, seed: int) -> float:
    """Return a draw from the standard normal distribution that a text and a seed determine everywhere."""
    digest = hashlib.sha256(f"{seed} {text}".encode()).digest()
    return _STANDARD_NORMAL.inv_cdf((int.from_bytes(digest[:6], "big") + 0.5) / 2**48)


class _Asked:
    """A user's function: called with what it takes, its answers checked.

    Attributes:
        path: ``"module:name"``, or a description where no import path leads to it.
    """

    def __init__(self, what: str, function: str | Callable[..., float]) -> None:
        if not isinstance(function, str) and not callable(function):
            raise ConfigError(f"the {what} must be a callable or 'module:name', not {function!r}")
        self._what = what
        self.callable = lookup(what, function, {}) if isinstance(function, str) else function
        self.path = function if isinstance(function, str) else _path(function)
        self._takes_seed = self._count_arguments() == 2

    def __call__(self, architecture: Architecture, seed: int) -> tuple[float, str]:
        """Return a score and why training failed, "" if it did not.

        Raises:
            NASGymError: if the function raises, or its answer is not a number in [0, 1].
        """
        arguments = (architecture, seed) if self._takes_seed else (architecture,)
        try:
            answer = self.callable(*arguments)
        except FunctionFailed as failure:
            return 0.0, str(failure) or "the function says that training failed"
        except Exception as error:
            raise ConfigError(
                f"the {self._what} {self.path!r} raised {type(error).__name__} ({error}) for the "
                f"architecture {str(architecture)!r}: raise evaluators.FunctionFailed where training fails"
            ) from error
        found = number(answer)
        score = math.nan if found is None else float(found)
        if not 0.0 <= score <= 1.0:
            raise ConfigError(
                f"the {self._what} {self.path!r} returned {answer!r} for the architecture "
                f"{str(architecture)!r}: return a score in [0, 1]"
            )
        return score, ""

    def _count_arguments(self) -> int:
        try:
            signature = inspect.signature(self.callable)
        except (TypeError, ValueError):
            return 1  # of compiled code, which shows no signature
        for count in (1, 2):
            try:
                signature.bind(*range(count))
            except TypeError:
                continue
            named = [parameter.name for parameter in signature.parameters.values()]
            return 2 if count == 1 and named[1:2] == ["seed"] else count
        raise ConfigError(
            f"the {self._what} {self.path!r} takes {signature}: "
            "write it as (architecture) or (architecture, seed)"
        )


def _path(function: Callable[..., float]) -> str:
    """Return the path that leads to a callable; a description of one that has none."""
    name = getattr(function, "__qualname__", "") or type(function).__name__
    return import_path(function) or f"a {name} that cannot be imported"


def _at_least_0(what: str, value: object) -> float:
    found = number(value)
    if found is None or not 0 <= found < math.inf:
        raise ConfigError(f"{what} of the function evaluator must be a number of at least 0, not {value!r}")
    return float(found)
