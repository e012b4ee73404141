"""The evaluator that trains: every accuracy it gives is of a network trained for real."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import torch

from nas_gym.errors import NASGymError
from nas_gym.evaluators.evaluation import Evaluation, FinalScore, Request
from nas_gym.evaluators.evaluator import Evaluator
from nas_gym.evaluators.module import NetworkModule
from nas_gym.evaluators.ordinary import (
    ENGINE_VERSION,
    Member,
    Trained,
    TrainingData,
    accuracy,
    one_thread,
    train,
)
from nas_gym.evaluators.recipe import Recipe
from nas_gym.network import Network
from nas_gym.registry import build
from nas_gym.search_spaces.base import Architecture, SearchSpace
from nas_gym.tasks.task import Task


class TrainEvaluator(Evaluator):
    """Trains architectures on a task by a recipe.

    A result depends on (architecture, task, recipe, seed, fidelity, numerics) alone; on the CPU bit
    for bit. Divergence and more parameters than the recipe allows are results: status ``"failed"``,
    accuracy 0.0.

    Args:
        search_space: whose architectures it evaluates.
        task: the data; held on the device once.
        device: ``"auto"`` (CUDA, then MPS, then CPU) or a torch device.
        recipe: how to train; a `Recipe` or its options.
        seeds: training seeds that an architecture is evaluated with.
    """

    name = "train"

    def __init__(
        self,
        search_space: SearchSpace[Any],
        task: Task,
        device: str = "auto",
        *,
        recipe: Recipe | Mapping[str, Any] | None = None,
        seeds: Sequence[int] = (0,),
    ) -> None:
        self.search_space = search_space
        self.task = task
        self.recipe = recipe if isinstance(recipe, Recipe) else build(Recipe, "recipe", dict(recipe or {}))
        self.seeds = check_seeds(seeds)
        self.device = resolve_device(device)

    def config(self) -> dict[str, Any]:
        return {"name": self.name, "recipe": self.recipe.config(), "seeds": list(self.seeds)}

    def key(self, request: Request) -> dict[str, Any]:
        """All that the result of a request depends on, JSON-able; the store's key."""
        return {
            "architecture": str(request.architecture),
            "search_space": self.search_space.config(),
            "task": self.task.fingerprint,
            "recipe": self.recipe.config(),
            "seed": request.seed,
            "fidelity": request.fidelity,
            "engine": ENGINE_VERSION,
            "numerics": self._numerics,
        }

    def stream(self, requests: Sequence[Request]) -> Iterator[tuple[int, Evaluation]]:
        members: list[Member] = []
        positions: list[int] = []
        for position, request in enumerate(requests):
            self._check_fidelity(request.fidelity)
            network = self.search_space.network(request.architecture)
            limit = self.recipe.max_parameters
            if limit is not None and network.parameters > limit:
                error = f"{network.parameters:,} parameters, the recipe allows {limit:,}"
                yield position, _evaluation(request, network, (), error, 0.0)
            else:
                members.append(Member(network, request.seed, request.fidelity))
                positions.append(position)
        for number, trained in train(members, self._data, self.recipe):
            yield (
                positions[number],
                _evaluation(
                    requests[positions[number]],
                    members[number].network,
                    trained.curve,
                    trained.error,
                    trained.seconds,
                ),
            )

    def fit(self, architecture: Architecture, seed: int) -> tuple[NetworkModule, Evaluation]:
        """Train one architecture and keep it: the module in evaluation mode, and its evaluation."""
        trained = self._train(architecture, seed)
        network = trained.module.network
        evaluation = _evaluation(
            Request(architecture, seed), network, trained.curve, trained.error, trained.seconds
        )
        return trained.module, evaluation

    def test(self, architecture: Architecture, seeds: Sequence[int]) -> list[FinalScore]:
        return [self._final_score(architecture, seed) for seed in seeds]

    def _final_score(self, architecture: Architecture, seed: int) -> FinalScore:
        trained = self._train(architecture, seed)
        if trained.error:
            return FinalScore(seed, 0.0, 0.0, "failed", trained.error)
        x_test = torch.as_tensor(self.task.x_test, device=self.device)
        y_test = torch.as_tensor(self.task.y_test, device=self.device)
        with one_thread():
            return FinalScore(seed, trained.curve[-1], accuracy(trained.module, x_test, y_test))

    def _train(self, architecture: Architecture, seed: int) -> Trained:
        member = Member(self.search_space.network(architecture), seed)
        ((_, trained),) = train([member], self._data, self.recipe)
        return trained

    def _check_fidelity(self, fidelity: int | None) -> None:
        if fidelity is not None and not 1 <= fidelity <= self.recipe.epochs:
            raise NASGymError(
                f"fidelity must be a number of epochs from 1 to the recipe's {self.recipe.epochs}, "
                f"not {fidelity!r}"
            )

    @cached_property
    def _data(self) -> TrainingData:
        task = self.task
        arrays = (task.x_train, task.y_train, task.x_validation, task.y_validation)
        return TrainingData(*(torch.as_tensor(array, device=self.device) for array in arrays))

    @cached_property
    def _numerics(self) -> str:
        precision = "bf16" if self.device.type == "cuda" else "fp32"
        parts = [self.device.type, precision, f"torch {torch.__version__}"]
        if self.device.type == "cpu":
            parts.append(torch.backends.cpu.get_cpu_capability())
        return ", ".join(parts)


def resolve_device(device: str) -> torch.device:
    """The torch device of a name; ``"auto"`` is CUDA, then MPS, then the CPU."""
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        resolved = torch.device(device)
        torch.empty(0, device=resolved)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise NASGymError(
            f"device {device!r} cannot be used ({reason}): pass 'auto', 'cpu', or a device that torch sees"
        ) from error
    return resolved


def check_seeds(seeds: Sequence[int]) -> tuple[int, ...]:
    """Training seeds as a tuple of different whole numbers of at least 0.

    Raises:
        NASGymError: if they are not, or if there are none.
    """
    valid = not isinstance(seeds, str) and isinstance(seeds, Sequence) and len(seeds) > 0
    if not valid or not all(isinstance(seed, int) and 0 <= seed < 2**63 for seed in seeds):
        raise NASGymError(f"seeds must be a list of whole numbers of at least 0, not {seeds!r}")
    if len(set(seeds)) != len(seeds):
        raise NASGymError(f"seeds must be different, not {list(seeds)!r}: a repeated seed adds nothing")
    return tuple(seeds)


def _evaluation(
    request: Request, network: Network, curve: tuple[float, ...], error: str, seconds: float
) -> Evaluation:
    return Evaluation(
        architecture=str(request.architecture),
        accuracy=0.0 if error else curve[-1],
        curve=curve,
        parameters=network.parameters,
        flops=network.flops,
        seconds=seconds,
        status="failed" if error else "ok",
        error=error,
        seeds=(request.seed,),
        fidelity=request.fidelity,
    )
