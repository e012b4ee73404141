"""ENAS (Pham et al. 2018): a recurrent controller and shared weights that are trained in turns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from statistics import fmean
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from nas_agents.agent import whole_number, within
from nas_agents.one_shot.paths import PathSearch, SharedWeights, best_first
from nas_gym.search_spaces import Architecture

if TYPE_CHECKING:
    import numpy as np

HIDDEN, LAYERS = 32, 2
TEMPERATURE, TANH = 5.0, 2.5
SPREAD = 0.1
SAMPLES_PER_STEP = 1000 / 390
"""Architectures scored for each step of the weights in NAS-Bench-201: 50 times 20, an epoch of 390 steps."""


@dataclass(kw_only=True)
class ENAS(PathSearch):
    """A controller of two LSTM layers chooses variable after variable, and learns by REINFORCE.

    With theta of the controller, m an architecture that pi(m; theta) draws, R its reward and b a baseline, w
    moves against the gradient of L(m; w), of `paths` of m in each step (equation 1), and theta along the mean
    over m of (R(m, w) - b) d log pi(m; theta) / d theta.

    Sources: Pham et al., "Efficient Neural Architecture Search via Parameter Sharing", 2018; settings as in
    Dong and Yang, "NAS-Bench-201", 2020. In turns: an epoch of the shared weights along architectures that
    the controller draws, then steps of the controller, whose reward is the score of a batch of validation
    examples by the weights as they are. At the end the best of some that it draws is chosen, by all
    validation examples.

    Attributes:
        candidates: architectures drawn for the choice.
        controller_rate: learning rate of the controller's Adam.
        entropy_weight: weight of the entropy of the choices in the reward.
        momentum: momentum of the baseline, a mean of rewards.
        aggregated: architectures of one step of the controller.
    """

    name = "enas"

    candidates: int = 100
    controller_rate: float = 1e-3
    entropy_weight: float = 1e-4
    momentum: float = 0.99
    aggregated: int = 20

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number("candidates", self.candidates, at_least=1)
        whole_number("aggregated", self.aggregated, at_least=1)
        within("controller_rate", self.controller_rate, 0, 10, above_low=True)
        within("entropy_weight", self.entropy_weight, 0, 100)
        within("momentum", self.momentum, 0, 0.9999)

    @property
    def scored(self) -> int:
        return self.candidates

    def ranked(self, weights: SharedWeights, rng: np.random.Generator) -> list[Architecture]:
        controller = Controller(weights, rng)
        self._train(controller, weights, rng)
        return best_first(weights, controller.sample(rng, weights.scored).architectures)

    def _train(self, controller: Controller, weights: SharedWeights, rng: np.random.Generator) -> None:
        optimizer = torch.optim.Adam(
            controller.parameters(), lr=self.controller_rate, betas=(0.0, 0.999), eps=1e-3
        )
        baseline: float | None = None
        if (kept := weights.take_up()) is not None:
            controller.load_state_dict(kept["controller"])
            optimizer.load_state_dict(optimizer.state_dict() | {"state": kept["moments"]})
            baseline = kept["baseline"]
        while not weights.training.finished:
            weights.epoch(iter(controller.sample(rng, weights.steps * weights.paths).architectures))
            updates = max(1, round(weights.steps * SAMPLES_PER_STEP / self.aggregated))
            told: dict[str, float] = {}
            for _ in range(updates):
                if weights.training.finished:
                    break
                drawn = controller.sample(rng, self.aggregated)
                advantages, rewards = [], []
                for architecture, entropy in zip(drawn.architectures, drawn.entropies.tolist(), strict=True):
                    reward = weights.score_batch(architecture, rng) + self.entropy_weight * entropy
                    # The first reward is its own baseline, which would else start far below.
                    baseline = reward if baseline is None else baseline
                    baseline -= (1 - self.momentum) * (baseline - reward)
                    advantages.append(reward - baseline)
                    rewards.append(reward)
                loss = -(drawn.logs * drawn.logs.new_tensor(advantages)).mean()
                optimizer.zero_grad()
                torch.autograd.backward(loss)
                nn.utils.clip_grad_norm_(controller.parameters(), 5.0)
                optimizer.step()
                told = {"reward": fmean(rewards), "controller_entropy": fmean(drawn.entropies.tolist())}
            if told:
                weights.show(told)
            weights.keep(partial(_state, controller, optimizer, baseline))


def _state(
    controller: Controller, optimizer: torch.optim.Optimizer, baseline: float | None
) -> dict[str, Any]:
    """Return what is learned beside the shared weights."""
    moments = optimizer.state_dict()["state"]
    return {"controller": controller.state_dict(), "moments": moments, "baseline": baseline}


class Controller(nn.Module):
    """Draws a choice of each variable of a space, which the next one depends on.

    Args:
        weights: the shared weights, for the space.
        rng: generator of the first values, uniform in ±.1.
    """

    def __init__(self, weights: SharedWeights, rng: np.random.Generator) -> None:
        super().__init__()
        self._space = weights.space
        counts = [len(variable.choices) for variable in self._space.variables.values()]
        # Made without first values, which would be drawn from torch's global generator.
        empty: Any = {"dtype": torch.float32, "device": "meta"}
        self.lstm = nn.LSTM(HIDDEN, HIDDEN, LAYERS, **empty)
        self.first = nn.Parameter(torch.empty(1, 1, HIDDEN, **empty))
        self.embeddings = nn.ModuleList([nn.Embedding(count, HIDDEN, **empty) for count in counts])
        self.heads = nn.ModuleList([nn.Linear(HIDDEN, count, **empty) for count in counts])
        self.to_empty(device="cpu")
        with torch.no_grad():
            for parameter in self.parameters():
                first = rng.uniform(-SPREAD, SPREAD, tuple(parameter.shape))
                parameter.copy_(torch.tensor(first, dtype=torch.float32))

    def sample(self, rng: np.random.Generator, count: int) -> Draws:
        """Return so many architectures, drawn side by side, since nothing is learned between them."""
        inputs, state = self.first.expand(1, count, HIDDEN), None
        choices, logs, entropies = [], [], []
        for embedding, head in zip(self.embeddings, self.heads, strict=True):
            outputs, state = self.lstm(inputs, state)
            log_p = torch.log_softmax(TANH * torch.tanh(head(outputs[0]) / TEMPERATURE), 1)
            choice = _drawn(log_p, rng)
            choices.append(choice.tolist())
            logs.append(log_p.gather(1, choice[:, None])[:, 0])
            entropies.append(-(log_p.detach().exp() * log_p.detach()).sum(1))
            inputs = embedding(choice)[None]
        rows = zip(*choices, strict=True)
        architectures = [
            self._space.decode(dict(zip(self._space.variables, row, strict=True))) for row in rows
        ]
        return Draws(architectures, torch.stack(logs).sum(0), torch.stack(entropies).sum(0))


class Draws(NamedTuple):
    """Architectures that the controller drew.

    Attributes:
        architectures: in order.
        logs: the logarithm of the probability of each, (draws,), which gradients flow through.
        entropies: the entropy of its choices, (draws,).
    """

    architectures: list[Architecture]
    logs: Tensor
    entropies: Tensor


def _drawn(log_p: Tensor, rng: np.random.Generator) -> Tensor:
    """Return a choice of each row, int64 (draws,)."""
    cumulative = log_p.detach().double().exp().cumsum(1)
    u = torch.from_numpy(rng.random(len(log_p))) * cumulative[:, -1]
    # Rounding may put u at the end itself.
    return (cumulative <= u[:, None]).sum(1).clamp_max(log_p.shape[1] - 1)
