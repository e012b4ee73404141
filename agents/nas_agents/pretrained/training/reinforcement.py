"""Reinforcement of an imitated policy by proximal policy optimisation on drawn landscapes.

Searches run side by side, several of each landscape, and one matrix product scores the candidates of all.
An action is one of the candidates that the policy likes most. A step is paid for how far the best network
found moves up among all of the landscape, so that a search which finds the best is paid 1 in all, and the
sooner the more. The baseline of a step is what the other searches of the same landscape still earn from that
step on; there is no critic.

Source: Schulman et al., "Proximal Policy Optimization Algorithms", 2017; the baseline as in Kool et al., "Buy
4 REINFORCE Samples, Get a Baseline for Free!", 2019.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from nas_agents.pretrained.beliefs import Beliefs
from nas_agents.pretrained.network import PolicyNetwork
from nas_agents.pretrained.pool import Pool
from nas_agents.pretrained.state import features
from nas_agents.pretrained.training.landscapes import Landscape, draw_landscape
from nas_agents.pretrained.training.learning import Plan
from nas_agents.pretrained.training.spaces import training_space
from nas_agents.pretrained.weights import PolicyWeights

MOST_CANDIDATES = 1200
"""Architectures of a landscape at most."""
ACTIONS = 32
"""Candidates that may be chosen in a state: those that the policy likes most."""
Draw = Callable[[np.random.Generator], Landscape]


@dataclass(frozen=True, kw_only=True)
class Reinforcement:
    """What a reinforcement does.

    Attributes:
        updates: gradient updates, each after a batch of searches.
        landscapes: landscapes of a batch.
        searches: searches of each landscape, side by side.
        steps: evaluations of a search at most.
        discount: discount of an evaluation.
        temperature: of the draws among candidates; what is drawn at test is the best one.
        clip: how far a ratio of probabilities may move in an update.
        passes: passes over the steps of a batch.
        batch: steps of a gradient step.
        rate: learning rate of Adam.
        seed: seed of all draws.
    """

    updates: int
    landscapes: int = 2
    searches: int = 4
    steps: int = 40
    discount: float = 0.98
    temperature: float = 0.5
    clip: float = 0.2
    passes: int = 3
    batch: int = 64
    rate: float = 1e-4
    seed: int = 0


class Steps(NamedTuple):
    """Steps of searches.

    Attributes:
        features: float32 (steps, `ACTIONS`, features), with what graphs come to behind those of the state.
        chosen: int64 (steps,), which of the candidates was evaluated.
        chances: float32 (steps,), the logarithm of how likely that was.
        advantages: float32 (steps,).
    """

    features: np.ndarray
    chosen: np.ndarray
    chances: np.ndarray
    advantages: np.ndarray


def whole(name: str) -> Pool:
    """Return all architectures of a space of training."""
    space = training_space(name)
    return Pool(space, list(space))


def drawing(plan: Plan) -> Draw:
    """Return what draws landscapes on the spaces of a plan, of a part of their architectures each."""
    pools: dict[str, Pool] = {}

    def draw(rng: np.random.Generator) -> Landscape:
        name = plan.spaces[int(rng.integers(len(plan.spaces)))]
        if name not in pools:
            pools[name] = whole(name)
        return draw_landscape(pools[name], rng).subset(MOST_CANDIDATES, rng)

    return draw


class _Step(NamedTuple):
    """One step of one search, as in `Steps`."""

    step: int
    search: int
    read: np.ndarray
    choice: int
    chance: float


def reinforced(
    network: PolicyNetwork,
    plan: Reinforcement,
    draw: Draw,
    folder: Path,
    report: Callable[[float, float], None],
) -> PolicyNetwork:
    """Train a policy by what its searches earn; the part that reads graphs stays as it is.

    A reinforcement of the same folder goes on where it stopped, bit for bit.

    Args:
        network: the imitated policy, which is changed.
        plan: what is done.
        draw: draws a landscape.
        folder: where its state is kept after each update.
        report: is told the share that is done and the mean return of the latest batch.
    """
    scorer = [value for name, value in network.named_parameters() if not name.startswith("graph.")]
    optimizer = torch.optim.Adam(scorer, lr=plan.rate)
    folder.mkdir(parents=True, exist_ok=True)
    file, first = folder / "reinforced.pt", 0
    if file.exists():
        held: dict[str, Any] = torch.load(file, weights_only=True)
        first = held["updates"]
        network.load_state_dict(held["network"])
        optimizer.load_state_dict(held["optimizer"])
    for number in range(first, plan.updates):
        rng = np.random.default_rng([plan.seed, 4, number])
        weights = PolicyWeights.of_network(network, {})
        parts, earned = [], []
        for _ in range(plan.landscapes):
            steps, returns = side_by_side(draw(rng), weights, plan, rng)
            parts.append(steps)
            earned.append(returns)
        update(
            network, optimizer, Steps(*(np.concatenate(each) for each in zip(*parts, strict=True))), plan, rng
        )
        _hold(
            file,
            {"updates": number + 1, "network": network.state_dict(), "optimizer": optimizer.state_dict()},
        )
        report((number + 1) / plan.updates, float(np.mean(earned)))
    return network


def side_by_side(
    landscape: Landscape, weights: PolicyWeights, plan: Reinforcement, rng: np.random.Generator
) -> tuple[Steps, float]:
    """Search a landscape several times at once, and return the steps and the mean return."""
    pool, scores = landscape.pool, landscape.scores
    embedded = np.zeros((len(pool), 0), np.float32)
    if weights.reads_graphs:
        embedded = weights.embedded(pool)[pool.groups]
    places = 1 - np.log1p(_above(scores)) / np.log1p(len(scores))
    searches, reached = [Beliefs(pool) for _ in range(plan.searches)], np.zeros(plan.searches)
    rewards, kept_steps = np.zeros((plan.steps, plan.searches)), list[_Step]()
    for step in range(plan.steps):
        going = np.flatnonzero(reached < 1)
        if not len(going):
            break
        seen = np.array([features(searches[number], 1 - step / plan.steps) for number in going])
        graphs = np.broadcast_to(embedded, (len(going), *embedded.shape)) if embedded.size else None
        liked = weights.scores(seen, graphs)
        for row, number in enumerate(going):
            beliefs = searches[number]
            liked[row, beliefs.told] = -np.inf
            kept, choice, chance = _drawn(liked[row], plan.temperature, rng)
            read = np.concatenate([seen[row, kept], embedded[kept]], axis=1)
            kept_steps.append(_Step(step, int(number), read, choice, chance))
            candidate = int(kept[choice])
            beliefs.tell(candidate, float(scores[candidate]))
            rewards[step, number] = max(0.0, places[candidate] - reached[number])
            reached[number] = max(reached[number], places[candidate])
    returns = _returns(rewards, plan.discount)
    others = (returns.sum(axis=1, keepdims=True) - returns) / max(1, plan.searches - 1)
    steps = Steps(
        np.array([each.read for each in kept_steps], dtype=np.float32),
        np.array([each.choice for each in kept_steps], dtype=np.int64),
        np.array([each.chance for each in kept_steps], dtype=np.float32),
        np.array([(returns - others)[each.step, each.search] for each in kept_steps], dtype=np.float32),
    )
    return steps, float(returns[0].mean())


def _drawn(liked: np.ndarray, temperature: float, rng: np.random.Generator) -> tuple[np.ndarray, int, float]:
    """Return the candidates that may be chosen, which of them is, and the logarithm of its chance."""
    kept = np.argsort(-liked, kind="stable")[:ACTIONS]
    logits = liked[kept] / temperature
    chances = logits - np.logaddexp.reduce(logits)
    choice = int(rng.choice(len(kept), p=np.exp(chances)))
    return kept, choice, float(chances[choice])


def update(
    network: PolicyNetwork,
    optimizer: torch.optim.Optimizer,
    steps: Steps,
    plan: Reinforcement,
    rng: np.random.Generator,
) -> None:
    """Move a policy by the clipped objective (Schulman et al. 2017, eq. 7)."""
    scale = float(steps.advantages.std()) or 1.0
    for _ in range(plan.passes):
        order = rng.permutation(len(steps.chosen))
        for start in range(0, len(order), plan.batch):
            rows = order[start : start + plan.batch]
            logits = network(torch.from_numpy(steps.features[rows])) / plan.temperature
            chosen = torch.from_numpy(steps.chosen[rows])[:, None]
            chances = torch.log_softmax(logits, dim=1).gather(1, chosen)[:, 0]
            ratio = torch.exp(chances - torch.from_numpy(steps.chances[rows]))
            advantages = torch.from_numpy(steps.advantages[rows] / scale)
            clipped = torch.clamp(ratio, 1 - plan.clip, 1 + plan.clip)
            loss = -torch.minimum(ratio * advantages, clipped * advantages).mean()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 0.5)
            optimizer.step()


def _above(scores: np.ndarray) -> np.ndarray:
    """Return how many scores are above each."""
    return len(scores) - np.searchsorted(np.sort(scores), scores, side="right")


def _returns(rewards: np.ndarray, discount: float) -> np.ndarray:
    """Return the discounted sums of rewards from each step on, of the shape of the rewards."""
    found, total = np.zeros_like(rewards), np.zeros(rewards.shape[1])
    for step in range(len(rewards) - 1, -1, -1):
        total = rewards[step] + discount * total
        found[step] = total
    return found


def _hold(file: Path, state: dict[str, Any]) -> None:
    """Write a state whole or not at all."""
    part = file.with_suffix(".part")
    torch.save(state, part)
    part.replace(file)
