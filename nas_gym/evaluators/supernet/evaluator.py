"""The evaluator by shared weights: trained once within a cost, then frozen, and quick to ask."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path as FilePath
from typing import Any

import numpy as np

from nas_gym._checks import number, plain
from nas_gym._sources import sources_of
from nas_gym.errors import ConfigError
from nas_gym.evaluators.alone import CheapEvaluator
from nas_gym.evaluators.evaluation import Evaluation, Request
from nas_gym.evaluators.supernet.cache import keep, kept
from nas_gym.evaluators.supernet.sampling import make_sampling
from nas_gym.evaluators.train import TrainEvaluator
from nas_gym.networks import Network, check_places
from nas_gym.search_spaces import SearchSpace
from nas_gym.tasks import Task
from nas_gym.training import PASSES, Path, PathTraining, Progress, Recipe, training_data

SUPERNET_VERSION = 2
"""Raised when the scores of a supernet change."""
COUNTED = 100
"""Architectures whose mean arithmetic is that of a training."""
LEARNING_RATE = 0.005
"""Highest learning rate of shared weights, by default."""
KEPT_EVERY = 20.0  # seconds


class SupernetEvaluator(CheapEvaluator):
    """Scores architectures by weights that all of them share.

    The weights are trained at the first request, once for each seed, within a cost that is stated in
    trainings: so much arithmetic as training that many networks of the space by the recipe takes. Then they
    are frozen, and a score is one pass over the validation part. It is another measure than the score of a
    trained network and is never mixed with one: a store keeps both under keys of their own, and `test`,
    `fit` and `refit` train a network alone.

    What a score depends on is the space, the task, the options here, the seed and numerics. Weights in
    training are kept in the cache folder of the user, so that an interrupted training goes on.

    Args:
        search_space: whose architectures it evaluates. Its nodes with weights have places, see
            `nas_gym.search_spaces.SearchSpace.slots`.
        task: the data, without folds.
        device: as of `TrainEvaluator`; one device trains.
        trainings: the cost.
        sampling: which networks a step trains: ``"distinct"``, ``"uniform"`` or ``"fair"``.
        learning_rate: highest learning rate of the shared weights; all else is as the recipe says.
        recipe: how a network is trained alone, as of `TrainEvaluator`.
        shuffled: whether the training labels are put into a random order, which leaves nothing to learn:
            what still ranks networks then is their form alone.
        seeds: one supernet each.
    """

    name = "supernet"
    trains = True
    storable = True

    def __init__(
        self,
        search_space: SearchSpace[Any],
        task: Task,
        device: str = "auto",
        *,
        trainings: float = 20,
        sampling: str = "distinct",
        learning_rate: float = LEARNING_RATE,
        recipe: Recipe | Mapping[str, Any] | None = None,
        shuffled: bool = False,
        seeds: Sequence[int] | None = None,
    ) -> None:
        if task.folds:
            raise ConfigError("a supernet is trained on a single split: leave folds out of the task")
        for option, value in (("trainings", trainings), ("learning_rate", learning_rate)):
            if number(value) is None or not 0 < float(value) < math.inf:
                raise ConfigError(f"{option} of a supernet must be a number above 0, not {value!r}")
        if not isinstance(shuffled, bool):
            raise ConfigError(f"shuffled of a supernet must be true or false, not {shuffled!r}")
        self._alone = TrainEvaluator(search_space, task, device, recipe=recipe, seeds=seeds)
        self.search_space, self.task, self.seeds = search_space, task, self._alone.seeds
        self.engine = self._alone.engine
        self.trainings, self.learning_rate = float(plain(trainings)), float(plain(learning_rate))
        self.shuffled = shuffled
        self._sampling = make_sampling(sampling, search_space)
        if self._limit < len(task.y_train) * PASSES * self._mean_flops:
            least = math.ceil(1000 / self._alone.recipe.epochs) / 1000
            raise ConfigError(
                f"{self.trainings:g} trainings are less than one epoch of the supernet: "
                f"pass at least {least:g}"
            )
        self._check_places()
        self._trained: dict[int, PathTraining] = {}

    def config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "trainings": self.trainings,
            "sampling": self._sampling.name,
            "learning_rate": self.learning_rate,
            "recipe": self._alone.recipe.config(),
            "shuffled": self.shuffled,
            "seeds": list(self.seeds),
        }

    @property
    def numerics(self) -> str | None:  # type: ignore[override]  # asks the device, so only when needed
        return self._alone.numerics

    def key(self, request: Request) -> dict[str, Any]:
        return self._alone.key(request) | self._own_key()

    def _own_key(self) -> dict[str, Any]:
        options = self.config()
        found = {name: options[name] for name in OPTIONS} | {"version": SUPERNET_VERSION}
        # The weights follow from all networks of a space, so a change of the user's code makes them others.
        code = sources_of(self.search_space)
        return {"supernet": found | ({"code": code} if code else {})}

    def _check_places(self) -> None:
        """Check that nodes with weights have places, in the networks that the mean arithmetic was taken of.

        Raises:
            NASGymError: for the first that has none.
        """
        for network in self._drawn:
            check_places(network, self.search_space.slots(network))

    def stream(self, requests: Sequence[Request]) -> Iterator[tuple[int, Evaluation]]:
        for position, request in enumerate(requests):
            if request.fidelity is not None:
                raise ConfigError("a supernet has one fidelity: leave it out")
            yield position, self._evaluated(request)

    def _evaluated(self, request: Request) -> Evaluation:
        network = self.search_space.network(request.architecture)
        start = time.perf_counter()
        score, metrics = math.nan, dict[str, float]()
        error = self._alone.too_large(network)
        if not error:
            score, metrics = self.supernet(request.seed).measured(self._path(network))
            error = "the network's outputs by shared weights were not finite"
        failed = not math.isfinite(score)
        return Evaluation(
            architecture=str(request.architecture),
            score=0.0 if failed else score,
            curve=() if failed else (score,),
            parameters=network.parameters,
            flops=network.flops,
            seconds=time.perf_counter() - start,
            status="failed" if failed else "ok",
            error=error if failed else "",
            seeds=(request.seed,),
            metrics={} if failed else self.task.target.in_units(metrics),
        )

    def supernet(self, seed: int) -> PathTraining:
        """Return the trained supernet of a seed; training it, or reading it, the first time."""
        if seed not in self._trained:
            self._trained[seed] = self._train(seed)
        return self._trained[seed]

    def _train(self, seed: int) -> PathTraining:
        training = self._untrained(seed)
        file = self._file(seed)
        if (state := kept(file)) is not None:
            training.take_up(state)
        last = began = time.monotonic()
        changed, before = False, self._share(training)
        while not training.finished:
            loss = training.train_epoch(self._steps(seed, training.trace.epochs))
            changed = True
            share = self._share(training)
            left = (time.monotonic() - began) * (1 - share) / (share - before)
            self.preparing = f"trains the supernet: {share:.0%}, about {left:.0f} s left"
            if self.progress is not None:
                self.progress(Progress(int(share == 1), 1, share, loss))
            if time.monotonic() - last > KEPT_EVERY:
                keep(file, training.state())
                last, changed = time.monotonic(), False
        if changed:
            keep(file, training.state())
        self.preparing = ""
        return training

    def _share(self, training: PathTraining) -> float:
        return min(training.trace.flops / self._limit, 1.0)

    def _untrained(self, seed: int) -> PathTraining:
        task = self.task
        y_train = task.y_train
        if self.shuffled:
            y_train = y_train[np.random.default_rng([seed, 1]).permutation(len(y_train))]
        parts = (task.x_train, y_train, task.x_validation, task.y_validation)
        data = training_data(self._alone.device, *parts, loss=task.target.loss)[0]
        recipe = Recipe(**(self._alone.recipe.config() | {"learning_rate": self.learning_rate}))
        return PathTraining(data, recipe, task.outputs, seed=seed, limit=self._limit)

    def _steps(self, seed: int, epoch: int) -> Iterator[list[Path]]:
        rng = np.random.default_rng([seed, 2, epoch])
        while True:
            yield [self._path(self.search_space.network(one)) for one in self._sampling.draw(rng)]

    def _path(self, network: Network) -> Path:
        return Path(network, self.search_space.slots(network))

    @cached_property
    def _limit(self) -> float:
        """Floating-point operations of the cost."""
        epochs, examples = self._alone.recipe.epochs, len(self.task.y_train)
        return self.trainings * epochs * examples * PASSES * self._mean_flops

    @cached_property
    def _mean_flops(self) -> float:
        return float(np.mean([network.flops for network in self._drawn]))

    @cached_property
    def _drawn(self) -> list[Network]:
        rng = np.random.default_rng(0)
        return [self.search_space.network(self.search_space.sample(rng)) for _ in range(COUNTED)]

    def _file(self, seed: int) -> FilePath:
        key = self.key(Request(self.search_space.smallest(), seed))
        del key["architecture"]
        return FilePath(hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:32])

    def examples(self) -> tuple[int, int] | None:
        return self._alone.examples()


OPTIONS = ("trainings", "sampling", "learning_rate", "shuffled")
