"""What searches by paths share: weights that are trained along drawn architectures, and scores by them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from nas_agents.agent import whole_number, within
from nas_agents.one_shot.search import OneShot, SharedSearch
from nas_agents.warm_start import WarmStart, starts
from nas_gym.search_spaces import Architecture

if TYPE_CHECKING:
    import numpy as np

    from nas_gym.training import Path, PathTraining

MOST_SCORING = 0.2


@dataclass(kw_only=True)
class PathSearch(OneShot):
    """A search that trains shared weights along one architecture in each step, and scores others by them.

    Scores are of the whole validation part, a forward pass each, and part of the cost.

    Attributes:
        learning_rate: highest learning rate of the shared weights; all else is as the recipe says.
        paths: architectures that a step trains together, along the mean of their gradients. More of them
            make fewer steps of the same cost.
        finalists: architectures that are trained alone at the end, best by shared weights first.
    """

    learning_rate: float = 0.005
    paths: int = 1
    finalists: int = 1

    def __post_init__(self) -> None:
        within("learning_rate", self.learning_rate, 0, 10, above_low=True)
        whole_number("paths", self.paths, at_least=1)
        whole_number("finalists", self.finalists, at_least=1)

    @property
    def chosen(self) -> int:
        return self.finalists

    @property
    @abstractmethod
    def scored(self) -> int:
        """The number of architectures that are scored when the shared weights are trained, at most."""

    def choices(self, shared: SharedSearch) -> Sequence[Architecture]:
        weights = SharedWeights(shared, self.learning_rate, self.scored, self.paths)
        found = self.ranked(weights, shared.rng)
        weights.pay()
        return found[: self.finalists]

    @abstractmethod
    def ranked(self, weights: SharedWeights, rng: np.random.Generator) -> list[Architecture]:
        """Train the shared weights, and return architectures, the best by them first."""


class SharedWeights:
    """Shared weights in training, and the scores of architectures by them.

    Args:
        shared: the search.
        learning_rate: highest learning rate.
        scored: architectures to score at the end, fewer where they would take more than a fifth of the cost.
        paths: architectures that a step trains together.

    Attributes:
        space: the search space.
        training: the training.
        scored: architectures that the cost has room to score, at least 1.
        steps: steps of an epoch.
        paths: architectures of a step.

    Raises:
        NASGymError: if the cost is below that of an epoch.
    """

    def __init__(self, shared: SharedSearch, learning_rate: float, scored: int, paths: int = 1) -> None:
        from nas_gym.training import PASSES, PathTraining

        self._shared = shared
        self.space, self.paths = shared.space, paths
        each = shared.pass_of_mean * len(shared.data.x_validation)
        self.scored = max(1, min(scored, int(MOST_SCORING * shared.limit / each)))
        # Those that are scored may be larger than the mean, by little on the whole.
        scoring = self.scored * each
        self.steps = -(-shared.examples // shared.recipe.batch_size)
        epoch = PASSES * shared.examples * shared.pass_of_mean * paths
        shared.check_epoch(epoch + scoring)
        recipe = replace(shared.recipe, learning_rate=learning_rate)
        limit = shared.limit - scoring
        self.training: PathTraining = PathTraining(
            shared.data, recipe, shared.outputs, seed=shared.seed, limit=limit
        )
        self._scoring = 0.0
        self._scores: dict[Architecture, float] = {}

    def first(self, count: int, warm_start: WarmStart | None) -> list[Architecture]:
        """Return so many architectures to score: uniform draws, after those of a warm start."""
        return list(islice(starts(self._shared.session, warm_start), count))

    def train_uniformly(self, rng: np.random.Generator) -> None:
        """Train along uniformly drawn architectures until the cost is spent."""
        self.take_up()
        while not self.training.finished:
            self.epoch(self.space.sample(rng) for _ in iter(int, 1))
            self.keep(dict)

    def take_up(self) -> Mapping[str, Any] | None:
        """Go on from where an interrupted search was; return what else `keep` was given, None for no such."""
        state = self._shared.kept()
        if state is None:
            return None
        self.training.take_up(state["training"])
        found: Mapping[str, Any] = state["more"]
        return found

    def keep(self, more: Callable[[], Mapping[str, Any]]) -> None:
        """Keep the state of the training now and then, with what `more` returns."""
        self._shared.keep(lambda: {"training": self.training.state(), "more": more()})

    def epoch(self, drawn: Iterator[Architecture]) -> None:
        """Train for an epoch, each step along the next `paths` of these architectures."""
        steps = ([self.path(each) for each in islice(drawn, self.paths)] for _ in iter(int, 1))
        loss = self.training.train_epoch(steps)
        self.show({"loss": loss})
        self.pay()

    def show(self, values: Mapping[str, float]) -> None:
        """Show in TensorBoard what is known of the last epoch, by name."""
        self._shared.show(values, self.training.trace.epochs)

    def pay(self) -> None:
        """Charge the run for what was computed so far."""
        self._shared.pay(self.training.trace.flops + self._scoring)

    def path(self, architecture: Architecture) -> Path:
        """Return the path of an architecture."""
        from nas_gym.training import Path

        network = self.space.network(architecture)
        return Path(network, self.space.slots(network))

    def score(self, architecture: Architecture) -> float:
        """Return the validation score of an architecture by the trained weights; a repeat costs nothing."""
        if architecture not in self._scores:
            path = self.path(architecture)
            self._scoring += path.network.flops * len(self._shared.data.x_validation)
            self._scores[architecture] = _finite(self.training.measured(path)[0])
        return self._scores[architecture]

    def score_batch(self, architecture: Architecture, rng: np.random.Generator) -> float:
        """Return the score of a batch of validation examples by the weights as they are.

        It counts towards the cost of the training, which is going on.
        """
        import torch

        count = len(self._shared.data.x_validation)
        size = min(self._shared.recipe.batch_size, count)
        examples = torch.from_numpy(rng.choice(count, size, replace=False))
        path = self.path(architecture)
        self.training.trace.flops += path.network.flops * size
        found = self.training.measured(path, examples.to(self._shared.data.x_validation.device))
        return _finite(found[0])


def best_first(weights: SharedWeights, architectures: Sequence[Architecture]) -> list[Architecture]:
    """Return distinct architectures, the best by shared weights first, ties in their order."""
    return sorted(dict.fromkeys(architectures), key=weights.score, reverse=True)


def _finite(score: float) -> float:
    return score if score == score else 0.0
