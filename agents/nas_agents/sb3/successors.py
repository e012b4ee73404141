"""Networks for stable-baselines3 that score edits by the networks they lead to, all by the same weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from stable_baselines3.dqn.policies import DQNPolicy, QNetwork
from torch import nn

from nas_agents.learning.experience import Experience
from nas_agents.learning.states import NONE, States, with_room

ILLEGAL = -1e8
"""Finite, so that no sum or loss turns into NaN, and far below any return."""


class Beliefs:
    """What the reward model expects of networks, and which are evaluated, as it was at a moment.

    A policy that reads them is the same policy until they are taken anew, so that probabilities recorded in
    its steps are those that it has when it is trained on them.

    Args:
        experience: what was seen.
    """

    def __init__(self, experience: Experience) -> None:
        self._experience = experience
        self.take()

    def take(self) -> None:
        """Take them as they are now."""
        self._weights = self._experience.weights()
        self._known, rewards = self._experience.by_number()
        self._seen = self._experience.scale(rewards)

    def of(self, numbers: np.ndarray) -> np.ndarray:
        """Return for each network the reward that is expected or was seen, and whether it was seen.

        float32 (networks, 2).
        """
        found = np.zeros((len(numbers), 2), dtype=np.float32)
        found[:, 0] = self._experience.model.values(numbers, self._weights)
        rows = self._experience.states.graph.rows  # which may be more than there were
        self._known, self._seen = with_room(self._known, rows), with_room(self._seen, rows)
        known = self._known[numbers]
        found[known, 0], found[known, 1] = self._seen[numbers[known]], 1.0
        return found


class SuccessorScorer(nn.Module):
    """Scores of all edits of a state, each of them of the network that it leads to.

    A score is linear in what is believed of that network, plus one layer of hidden units on its features
    and beliefs. Scores of illegal edits are `ILLEGAL`.

    Args:
        states: states by number, the first entry of an observation.
        width: hidden units.
        beliefs: what is believed of networks, and which are evaluated.
        novelty: what is taken off the score of an edit to an evaluated network; the rest of the score then
            does not read whether it was.
        reads_beliefs: whether a score reads them; without, it is of the features alone.
    """

    def __init__(
        self,
        states: States,
        width: int,
        beliefs: Beliefs,
        novelty: float = 0.0,
        reads_beliefs: bool = True,
    ) -> None:
        super().__init__()
        self._states, self._beliefs, self._novelty = states, beliefs, novelty
        self._reads = torch.tensor([float(reads_beliefs), float(reads_beliefs and not novelty)])
        self.embedding = nn.EmbeddingBag(states.width, width, mode="sum")
        nn.init.normal_(self.embedding.weight, std=0.5)
        self.of_beliefs = nn.Linear(2, width)
        self.out = nn.Linear(width, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)
        self.line = nn.Linear(2, 1, bias=False)
        nn.init.zeros_(self.line.weight)
        self.register_buffer("scales", torch.as_tensor(states.scales, dtype=torch.float32))

    scales: torch.Tensor

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """Return scores, float32 (batch, n)."""
        after = self._states.padded_after(observations[:, 0].long().tolist())
        numbers, places = np.unique(after, return_inverse=True)
        scores = self.judged(numbers[1:] if numbers[0] == NONE else numbers)
        if numbers[0] == NONE:
            scores = torch.cat([torch.full((1,), ILLEGAL), scores])
        return scores[torch.as_tensor(places.reshape(after.shape))]

    def judged(self, numbers: np.ndarray) -> torch.Tensor:
        """Return the scores of networks, float32 (networks,)."""
        believed = torch.as_tensor(self._beliefs.of(numbers))
        known, believed = believed[:, 1], believed * self._reads
        columns = torch.as_tensor(self._states.columns(numbers)).long()
        embedded = self.embedding(columns, per_sample_weights=self.scales[columns])
        hidden = torch.tanh(embedded + self.of_beliefs(believed))
        scores: torch.Tensor = (self.out(hidden) + self.line(believed))[:, 0]
        return scores - self._novelty * known if self._novelty else scores


class StateValue(nn.Module):
    """The value of a state, by a scorer of its own network.

    Args:
        states, width, beliefs, reads_beliefs: as of a `SuccessorScorer`.
    """

    def __init__(self, states: States, width: int, beliefs: Beliefs, reads_beliefs: bool) -> None:
        super().__init__()
        self.own = SuccessorScorer(states, width, beliefs, reads_beliefs=reads_beliefs)

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """Return values, float32 (batch, 1)."""
        return self.own.judged(observations[:, 0].long().numpy())[:, None]


class _AsItIs(nn.Module):
    """The two latent codes of a policy whose heads read the observation itself."""

    latent_dim_pi = latent_dim_vf = 2

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return features, features

    def forward_actor(self, features: torch.Tensor) -> torch.Tensor:
        return features

    def forward_critic(self, features: torch.Tensor) -> torch.Tensor:
        return features


class SuccessorActorCritic(MaskableActorCriticPolicy):
    """The policy of MaskablePPO with a `SuccessorScorer` as its logits."""

    def __init__(
        self,
        *arguments: Any,
        states: States,
        width: int,
        beliefs: Beliefs,
        reads_beliefs: bool,
        **options: Any,
    ) -> None:
        self._parts = states, width, beliefs, reads_beliefs
        super().__init__(*arguments, **(options | {"net_arch": [], "ortho_init": False}))

    def _build_mlp_extractor(self) -> None:
        self.mlp_extractor = _AsItIs()  # type: ignore[assignment]

    def _build(self, lr_schedule: Any) -> None:
        super()._build(lr_schedule)
        states, width, beliefs, reads = self._parts
        self.action_net = SuccessorScorer(states, width, beliefs, reads_beliefs=reads)
        self.value_net = StateValue(states, width, beliefs, reads)  # type: ignore[assignment]
        settings = self.optimizer_kwargs | {"lr": lr_schedule(1)}
        self.optimizer = self.optimizer_class(self.parameters(), **settings)


class SuccessorDQNPolicy(DQNPolicy):
    """The policy of DQN with a `SuccessorScorer` as its Q-values, which are `ILLEGAL` for illegal edits."""

    def __init__(
        self,
        *arguments: Any,
        states: States,
        width: int,
        beliefs: Beliefs,
        reads_beliefs: bool,
        novelty: float,
        **options: Any,
    ) -> None:
        self._parts = states, width, beliefs, novelty, reads_beliefs
        super().__init__(*arguments, **options)

    def make_q_net(self) -> QNetwork:
        """Return a network with fresh weights."""
        network = super().make_q_net()
        states, width, beliefs, novelty, reads = self._parts
        network.q_net = SuccessorScorer(states, width, beliefs, novelty, reads)  # type: ignore[assignment]
        return network
