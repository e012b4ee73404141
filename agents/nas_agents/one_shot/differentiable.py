"""What searches by gradients of mixtures share: weights w and alpha that are moved in turns."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from nas_agents.agent import within
from nas_agents.one_shot.diagnosis import Diagnosis
from nas_agents.one_shot.search import OneShot, SharedSearch
from nas_agents.one_shot.search_state import Alpha, SearchState
from nas_gym.errors import ConfigError, DataWarning, unknown
from nas_gym.networks import candidates, mixtures
from nas_gym.search_spaces import Architecture, SearchSpace
from nas_gym.training import PASSES, MixtureTraining

if TYPE_CHECKING:
    from nas_gym.networks import Network
    from nas_gym.training import Batch, Blends

PUBLISHED_STEPS = 50 * 25_000 // 64
"""Steps of the search of DARTS on CIFAR-10 in NAS-Bench-201: 50 epochs of 25,000 images in batches of 64."""
MOST_SCALED = 300.0
"""A search so much shorter does not move further in a step: steps of .1 are coarse as they are."""
WHEN_COLLAPSING = ("warn", "stop", "regularise")


@dataclass(kw_only=True)
class Differentiable(OneShot):
    """A search that weighs the candidates of a mixture by alpha, and moves alpha and the shared weights w.

    In turns, a batch each: alpha against the loss on validation examples by Adam, w against the loss on
    training examples by stochastic gradient descent. What leads at the end is chosen. Steps of Adam have the
    size of the learning rate, so a search of fewer steps than the published one has a higher rate, in
    proportion up to 300 times: else it would end before anything is decided.

    Attributes:
        learning_rate: highest learning rate of w; it falls to a twenty-fifth by a cosine.
        weight_decay: L2 penalty of w.
        arch_learning_rate: learning rate of alpha in a search of 19,531 steps.
        arch_weight_decay: L2 penalty of alpha.
        when_collapsing: what follows a warning, of a collapse or that the search grows sharp: ``"warn"``
            for no more, ``"stop"`` with the choice before, or ``"regularise"``, which goes back to the last
            reading that did not warn and trebles the weight decay of w, up to .0243 (Zela et al. 2020,
            "Understanding and Robustifying Differentiable Architecture Search", DARTS-ADA).
        diagnosis: whether the search is watched.
    """

    betas: ClassVar[tuple[float, float]] = (0.5, 0.999)

    learning_rate: float = 0.025
    weight_decay: float = 3e-4
    arch_learning_rate: float = 3e-4
    arch_weight_decay: float = 1e-3
    when_collapsing: str = "warn"
    diagnosis: bool = True

    def __post_init__(self) -> None:
        within("learning_rate", self.learning_rate, 0, 10, above_low=True)
        within("weight_decay", self.weight_decay, 0, 1)
        within("arch_learning_rate", self.arch_learning_rate, 0, 10, above_low=True)
        within("arch_weight_decay", self.arch_weight_decay, 0, 1)
        if self.when_collapsing not in WHEN_COLLAPSING:
            raise unknown("when_collapsing", self.when_collapsing, WHEN_COLLAPSING)

    def mixture(self, shared: SharedSearch) -> Network:
        """Return the network of mixtures."""
        return shared.space.mixture()

    @abstractmethod
    def blends(self, rows: Mapping[str, Tensor], share: float, rng: np.random.Generator) -> Blends:
        """Return the weights of the candidates in a step.

        Args:
            rows: alpha of each variable.
            share: the share of the search that is over, in [0, 1].
            rng: generator of what is drawn.
        """

    def weights(self, rows: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return what alpha says of the candidates without a draw: numbers that sum to 1 by variable."""
        return {name: torch.softmax(row, 0) for name, row in rows.items()}

    def penalty(self, rows: Mapping[str, Tensor], share: float) -> Tensor | None:
        """Return what is added to the validation loss; None for nothing."""
        return None

    def alpha_gradient(
        self, net: MixtureTraining, alpha: Alpha, train: Batch, validation: Batch, rng: np.random.Generator
    ) -> Tensor:
        """Return the gradient that alpha is moved against, of its shape."""
        gradient = self.validation_gradient(net, alpha, train, validation, rng)
        penalty = self.penalty(alpha.rows(), net.share)
        if penalty is None:
            return gradient
        return gradient + torch.autograd.grad(penalty, alpha.flat)[0]

    def validation_gradient(
        self, net: MixtureTraining, alpha: Alpha, train: Batch, validation: Batch, rng: np.random.Generator
    ) -> Tensor:
        """Return the gradient by alpha of the validation loss."""
        loss = net.loss(validation, self.blends(alpha.rows(), net.share, rng))
        (gradient,) = torch.autograd.grad(loss, alpha.flat)
        return gradient

    def w_step(self, net: MixtureTraining, alpha: Alpha, train: Batch, rng: np.random.Generator) -> float:
        """Move w by a batch; return the loss."""
        rows = {name: row.detach() for name, row in alpha.rows().items()}
        return net.step(net.loss(train, self.blends(rows, net.share, rng)))

    def passes(self, net: MixtureTraining, alpha: Alpha) -> float:
        """Return the FLOPs of one example in a step for alpha and one for w, forward and backward."""
        rows = {name: row.detach() for name, row in alpha.rows().items()}
        return 2 * PASSES * net.flops(self.blends(rows, 0.0, np.random.default_rng(0)))

    def choices(self, shared: SharedSearch) -> Sequence[Architecture]:
        space = shared.space
        mixture = self.mixture(shared)
        net = MixtureTraining(
            shared.data,
            shared.recipe,
            mixture,
            space.slots(mixture),
            shared.outputs,
            seed=shared.seed,
            limit=shared.limit,
            learning_rates=(self.learning_rate, self.learning_rate / 25),
            weight_decay=self.weight_decay,
        )
        counts = {name: len(mixture.nodes[numbers[0]].inputs) for name, numbers in mixtures(mixture).items()}
        if not counts:
            raise ConfigError(
                f"the mixture of this {space.name} space leaves nothing to choose: give an option two "
                "values, or search by paths (random-sharing, spos, enas)"
            )
        alpha = Alpha(counts, shared.rng, shared.data.x_train.device)
        epoch = shared.examples * self.passes(net, alpha)
        shared.check_epoch(epoch)
        left_out = never_chosen(space, mixture)
        if left_out:
            warnings.warn(DataWarning(left_out), stacklevel=2)
        steps = shared.limit / epoch * -(-shared.examples // shared.recipe.batch_size)
        optimizer = torch.optim.Adam(
            [alpha.flat],
            lr=self.arch_learning_rate * min(MOST_SCALED, max(1.0, PUBLISHED_STEPS / steps)),
            betas=self.betas,
            weight_decay=self.arch_weight_decay,
        )
        stops = self.when_collapsing == "stop"
        watch = Diagnosis(shared, net, self.weights, alpha, stops) if self.diagnosis else None
        state = SearchState(net, alpha, optimizer, watch)
        if (kept := shared.kept()) is not None:
            state.take_up(kept)
        while not net.finished:
            self._epoch(shared, state)
            reading = watch.look() if watch else None
            if watch and reading and reading.warning and stops:
                shared.stopped = True
                return [watch.choice_before]
            if watch and reading and self.when_collapsing == "regularise" and not net.finished:
                state.go_back_if_warned(watch)
            shared.keep(state.state)
        return [decided(shared, self.weights(alpha.rows()))]

    def _epoch(self, shared: SharedSearch, state: SearchState) -> None:
        """Move alpha and w through an epoch, as far as the cost allows."""
        net, losses = state.net, []
        for train, validation in net.epoch():
            self.alpha_step(net, state.alpha, state.optimizer, train, validation, shared.rng)
            losses.append(self.w_step(net, state.alpha, train, shared.rng))
            if net.finished:
                break
        net.trace.losses.append(float(np.mean(losses)))
        shared.show({"loss": net.trace.losses[-1]}, net.trace.epochs)
        shared.pay(net.trace.flops)

    def alpha_step(
        self,
        net: MixtureTraining,
        alpha: Alpha,
        optimizer: torch.optim.Optimizer,
        train: Batch,
        validation: Batch,
        rng: np.random.Generator,
    ) -> None:
        """Move alpha."""
        gradient = self.alpha_gradient(net, alpha, train, validation, rng)
        if bool(torch.isfinite(gradient).all()):
            alpha.flat.grad = gradient
            optimizer.step()


def never_chosen(space: SearchSpace[Any], mixture: Network) -> str:
    """Return in a sentence which choices of a space its mixture lacks, such as depths; "" for none.

    Where every variable of the mixture has a candidate that does nothing, a shallower network is found as one
    with such candidates.
    """
    fixed = {
        name: space.variables[name].choices[choice]
        for name, choice in space.outside_mixture().items()
        if len(space.variables[name].choices) > 1
    }
    if not fixed or all(any(one.kind == "skip" for one in each) for each in candidates(mixture).values()):
        return ""
    stated = " and ".join(f"{name} {value}" for name, value in fixed.items())
    return (
        f"a search by gradients takes every network of the {space.name} space at {stated}, and never chooses "
        "another: search by paths (random-sharing, spos, enas) to choose among all"
    )


def decided(shared: SharedSearch, weights: Mapping[str, Tensor]) -> Architecture:
    """Return the architecture of the heaviest candidates."""
    space = shared.space
    choices = {name: int(row.argmax()) for name, row in weights.items() if name in space.variables}
    found: Architecture = space.decode(dict.fromkeys(space.variables, 0) | space.outside_mixture() | choices)
    return found
