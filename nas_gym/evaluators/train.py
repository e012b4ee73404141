"""The evaluator that trains: every score it gives is of a network trained for real."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch

from nas_gym._checks import plain
from nas_gym._sources import sources_of
from nas_gym.errors import ConfigError
from nas_gym.evaluators.base import Evaluator
from nas_gym.evaluators.evaluation import Evaluation, FinalScore, Request
from nas_gym.executors import Executor, make_executor
from nas_gym.networks import Network, NetworkModule, Operation
from nas_gym.registry import build
from nas_gym.search_spaces import Architecture, SearchSpace
from nas_gym.tasks import PairForm, Task, decoded_metrics
from nas_gym.training import (
    ENGINE_VERSION,
    Member,
    Progress,
    Recipe,
    Trained,
    TrainingData,
    apart,
    check_precision,
    check_recipe,
    check_seeds,
    machine_of,
    on_device,
    recipe_for,
    resolve_device,
    train,
    training_data,
)

TEST_BATCH = 2048
PRECISION_NAMES = {"float32": "fp32", "tf32": "tf32", "bfloat16": "bf16"}
NOT_FINITE = "the network's outputs for test examples were not finite"
PUBLISHED = ("digits", "mnist1d")
"""Tasks whose tables and figures were measured by the usual recipe, also of a small training part."""


class TrainEvaluator(Evaluator):
    """Trains architectures on a task by a recipe.

    A result depends on (architecture, task, recipe, seed, fidelity, numerics) alone; on the CPU bit
    for bit. Divergence and more parameters than the recipe allows are results: status ``"failed"``,
    score 0.0.

    Args:
        search_space: whose architectures it evaluates.
        task: the data; held on every device once.
        device: ``"auto"`` (CUDA, then MPS, then CPU) or a torch device; ``"cuda"`` is every visible card,
            ``"cuda:1"`` one of them.
        recipe: how to train; a `Recipe`, taken as it is, or options of one. Where these do not name the
            epochs, small data is trained for longer than the usual 15, see `recipe_for`; `config` and
            the key hold the numbers that came of it. The tasks of `PUBLISHED` keep the usual recipe.
        seeds: training seeds that an architecture is evaluated with. Of a task with folds, a seed also says
            which of them is left out; None is one seed a fold, of other tasks the seed 0.
        executor: where networks are trained, other than in this process: ``"ray"``, a dict with its options,
            or an `Executor`; None for here. It changes no result and is no part of `config` and `key`. Scores
            on test examples are measured on `device` all the same.

    Attributes:
        progress: called after every epoch of a chunk of a batch; see `training_bar` for a bar.
    """

    name = "train"
    trains = True
    storable = True
    engine = ENGINE_VERSION

    def __init__(
        self,
        search_space: SearchSpace[Any],
        task: Task,
        device: str = "auto",
        *,
        recipe: Recipe | Mapping[str, Any] | None = None,
        seeds: Sequence[int] | None = None,
        executor: str | Mapping[str, Any] | Executor | None = None,
    ) -> None:
        self.search_space = search_space
        self.task = task
        self.executor = make_executor(executor)
        self.recipe = recipe if isinstance(recipe, Recipe) else _recipe_of(dict(recipe or {}), task)
        check_recipe(self.recipe, task.target.loss)
        self.seeds = check_seeds(range(max(1, len(task.folds))) if seeds is None else seeds)
        self.device = resolve_device(device if self.executor is None else _beside(self.executor, device))
        check_precision(self.recipe, self._trains_on.type)
        # Taken now: an agent that learns on one thread should not train networks on one core.
        self._cores = torch.get_num_threads()
        self.progress: Callable[[Progress], None] | None = None
        self._operations: dict[Operation, str] = {}
        self._data: dict[int | None, list[TrainingData]] = {}  # of each fold that was trained on

    def config(self) -> dict[str, Any]:
        return {"name": self.name, "recipe": self.recipe.config(), "seeds": list(self.seeds)}

    def fidelities(self) -> tuple[int, ...]:
        return tuple(range(1, self.recipe.epochs + 1))

    def key(self, request: Request) -> dict[str, Any]:
        """Return all that the result of a request depends on, JSON-able; the store's key."""
        return self._own_network(request.architecture) | {
            "architecture": str(request.architecture),
            "search_space": self.search_space.config(),
            "task": self.task.fingerprint,
            "recipe": self.recipe.config(),
            "seed": request.seed,
            "fidelity": request.fidelity,
            "engine": self.engine,
            "numerics": self.numerics,
        }

    def _own_network(self, architecture: Architecture) -> dict[str, str]:
        """Return the network, in a space of the user's own, whose code may give another by the same text."""
        if not self._is_own_space:
            return {}
        network = self.search_space.network(architecture)
        text = repr(network)
        for operation in dict.fromkeys(node.operation for node in network.nodes):
            # Nor does the network's text tell what an operation of the user's own computes.
            text += self._own_operation(operation)
        return {"network": hashlib.sha256(text.encode()).hexdigest()}

    def _own_operation(self, operation: Operation) -> str:
        if operation not in self._operations:
            sources = sources_of(operation)
            self._operations[operation] = repr(sources) if sources else ""
        return self._operations[operation]

    @cached_property
    def _is_own_space(self) -> bool:
        return bool(sources_of(self.search_space))

    def stream(self, requests: Sequence[Request]) -> Iterator[tuple[int, Evaluation]]:
        members: dict[int, Member] = {}
        for position, request in enumerate(requests):
            self._check_fidelity(request.fidelity)
            network = self.search_space.network(request.architecture)
            if error := self.too_large(network):
                yield position, self._evaluation(request, network, Trained(network, (), (), error, 0.0))
            else:
                members[position] = Member(network, request.seed, request.fidelity)
        for fold in sorted({self.task.fold_of(member.seed) for member in members.values()}):
            own = {at: one for at, one in members.items() if self.task.fold_of(one.seed) == fold}
            positions = list(own)
            for number, trained in self._train(list(own.values()), fold):
                position = positions[number]
                yield position, self._evaluation(requests[position], trained.network, trained)

    def fit(self, architecture: Architecture, seed: int) -> tuple[NetworkModule, Evaluation]:
        """Train one architecture and keep it: the module in evaluation mode, and its evaluation.

        Raises:
            NASGymError: if it has more parameters than the recipe allows.
        """
        seed, network = plain(seed), self.search_space.network(architecture)
        if error := self.too_large(network):
            raise ConfigError(f"architecture {str(architecture)!r} has {error}: raise max_parameters")
        ((_, trained),) = self._train([Member(network, seed)], weights=True)
        return _module(trained), self._evaluation(Request(architecture, seed), network, trained)

    def refit(self, architecture: Architecture, seed: int) -> NetworkModule:
        """Train one architecture on all but the test examples, as a network to use; in evaluation mode.

        What it was chosen by is then part of what it learned from: only test examples tell how good it is.

        Raises:
            NASGymError: if it has more parameters than the recipe allows, or its training fails.
        """
        ((architecture, module),) = self.refit_all([(architecture, seed)])
        if isinstance(module, str):
            raise ConfigError(
                f"training {str(architecture)!r} on all but the test examples with seed {seed} failed "
                f"({module}): lower the learning_rate of the recipe"
            )
        return module

    def refit_all(
        self, members: Sequence[tuple[Architecture, int]]
    ) -> list[tuple[Architecture, NetworkModule | str]]:
        """Train architectures with a seed each, as `refit` does; a training that fails gives its error.

        Raises:
            NASGymError: if one has more parameters than the recipe allows.
        """
        made = []
        for architecture, seed in members:
            network = self.search_space.network(architecture)
            if error := self.too_large(network):
                raise ConfigError(f"architecture {str(architecture)!r} has {error}: raise max_parameters")
            made.append(Member(network, plain(seed)))
        trained = dict(self._train(made, None, weights=True))
        return [
            (architecture, trained[place].error or _module(trained[place]))
            for place, (architecture, _) in enumerate(members)
        ]

    def test(self, architecture: Architecture, seeds: Sequence[int]) -> list[FinalScore]:
        seeds, network = [plain(seed) for seed in seeds], self.search_space.network(architecture)
        if error := self.too_large(network):
            return [FinalScore(seed, 0.0, 0.0, "failed", error) for seed in seeds]
        trained = dict(self._train([Member(network, seed) for seed in seeds], weights=True))
        return [self._final_score(seed, trained[number]) for number, seed in enumerate(seeds)]

    def examples(self) -> tuple[int, int] | None:
        if not self.task.target.metric.share_of_examples:
            return None
        return len(self.task.y_validation), len(self.task.y_test)

    @apart
    def _final_score(self, seed: int, trained: Trained) -> FinalScore:
        if trained.error:
            return FinalScore(seed, 0.0, 0.0, "failed", trained.error)
        module = trained.module.to(self.device)

        def decoder(x: np.ndarray) -> np.ndarray:
            return _outputs(module, on_device(x, self.device))

        outputs = decoder(self.task.x_test)
        score, metrics = self.task.target.measure(outputs, self.task.y_test)
        if not math.isfinite(score):
            return FinalScore(seed, trained.curve[-1], 0.0, "failed", NOT_FINITE)
        if isinstance(self.task.files, PairForm):
            metrics |= decoded_metrics(self.task.files, self.task.x_test, self.task.y_test, decoder)
        return FinalScore(seed, trained.curve[-1], score, metrics=metrics)

    def _train(
        self, members: Sequence[Member], fold: int | None = 0, *, weights: bool = False
    ) -> Iterator[tuple[int, Trained]]:
        """Train members on a fold of the data; None is all of it but the test examples."""
        if fold not in self._data:
            self._data[fold] = self._data_of(fold)
        return train(
            members,
            self._data[fold],
            self.recipe,
            cores=self._cores,
            weights=weights,
            executor=self.executor,
            progress=self.progress,
        )

    @property
    def _trains_on(self) -> torch.device:
        """The device that networks are trained on, wherever that is."""
        if self.executor is None:
            return self.device
        return torch.device("cuda" if self.executor.gpus else "cpu")

    def too_large(self, network: Network) -> str:
        """Return why a network is not trained at all, "" if it is."""
        limit = self.recipe.max_parameters
        if limit is None or network.parameters <= limit:
            return ""
        return f"{network.parameters:,} parameters, the recipe allows {limit:,}"

    def _check_fidelity(self, fidelity: int | None) -> None:
        if fidelity is not None and not 1 <= fidelity <= self.recipe.epochs:
            raise ConfigError(
                f"fidelity must be a number of epochs from 1 to the recipe's {self.recipe.epochs}, "
                f"not {fidelity!r}"
            )

    def _data_of(self, fold: int | None) -> list[TrainingData]:
        """Return a fold of the data on every device, None for all but the test examples."""
        parts = self.task.fold(fold or 0)
        if fold is None:
            parts = (*self.task.known, *parts[2:])
        held_on = self.device if self.executor is None else torch.device("cpu")
        return training_data(held_on, *parts, loss=self.task.target.loss)

    def _evaluation(self, request: Request, network: Network, trained: Trained) -> Evaluation:
        return Evaluation(
            architecture=str(request.architecture),
            score=0.0 if trained.error else trained.curve[-1],
            curve=trained.curve,
            parameters=network.parameters,
            flops=network.flops,
            seconds=trained.seconds,
            status="failed" if trained.error else "ok",
            error=trained.error,
            seeds=(request.seed,),
            fidelity=request.fidelity,
            metrics=self.task.target.in_units(trained.metrics),
        )

    @cached_property
    def numerics(self) -> str:  # type: ignore[override]  # asks the device, so only when it is needed
        on = machine_of(self.executor, self.device)
        parts = [on.device, PRECISION_NAMES[self.recipe.precision], f"torch {on.version}", on.name]
        return ", ".join(filter(None, [*parts, *on.outside]))


def _beside(executor: Executor, device: str) -> str:
    """Return the device of this process, which scores what an executor trains.

    Raises:
        NASGymError: if it is a card and the executor has none, which would train on cores in silence.
    """
    if executor.gpus or device == "cpu":
        return device
    if device != "auto":
        raise ConfigError(
            f"device {device!r} is of this process, and workers of the executor {executor.name!r} have no "
            f"GPU: pass {{'name': {executor.name!r}, 'gpus': 1}}, or leave device out to train on cores"
        )
    return "cpu"


def _recipe_of(options: Mapping[str, Any], task: Task) -> Recipe:
    if task.spec.get("name") in PUBLISHED:
        return build(Recipe, "recipe", options)
    return recipe_for(options, len(task.y_train))


@apart
def _module(trained: Trained) -> NetworkModule:
    return trained.module


@torch.no_grad()
def _outputs(module: NetworkModule, x: torch.Tensor) -> np.ndarray:
    """Return what a module gives for examples, float32 (n, outputs)."""
    return torch.cat([module(part) for part in x.split(TEST_BATCH)]).cpu().numpy()
