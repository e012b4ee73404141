"""How do I learn offline from recorded steps? A Minari data set, a short loop, and a policy that walks.

10,000 steps of a uniform walk are recorded on the table of one task. From them alone a policy is learned in
two ways: behaviour cloning of the tenth of the episodes with the highest returns, and discrete conservative
Q-learning (Kumar et al. 2020, equation 4), both over legal edits only. Each then walks, with as many
evaluations as random search has: on the task of the steps, and on another one, of which it has seen nothing.

Needs ``pip install 'nas-gym[minari]'``; the data set goes where MINARI_DATASETS_PATH says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import minari
import numpy as np
import torch
from nas_agents import Agent, RandomSearch, RandomWalk, Session
from torch import nn

import nas_gym  # noqa: F401 - registers the ids
from nas_gym.traces import Trace

DATA_SET = "nas-gym/mlp-mnist1d/uniform-v0"
GAMMA, PENALTY, FOLLOWING = 0.9, 0.3, 0.01
FIRST_SEED = 1000  # The temperatures below were chosen on others.

Steps = dict[str, torch.Tensor]


class OfflinePolicy(Agent):
    """Walks by a network that was trained before, by the softmax of its outputs over the legal edits."""

    access = "walk"

    def __init__(self, name: str, network: nn.Module, temperature: float) -> None:
        self.name, self.network, self.temperature = name, network, temperature

    def run(self, session: Session) -> None:
        observation, info = session.env.reset()
        while True:
            with torch.no_grad():
                scores = self.network(torch.from_numpy(observation)) / self.temperature
            legal = torch.from_numpy(info["action_mask"]).bool()
            chances = masked(scores, legal).double().softmax(-1).numpy()
            action = session.rng.choice(len(chances), p=chances)
            observation, _, terminated, truncated, info = session.env.step(action)
            if terminated or truncated:
                observation, info = session.env.reset()


def table(task: str, store: str) -> gym.Env[Any, Any]:
    return gym.make("NASTable-MLP-v0", task=task, observation="flat", initial="random", store=store)


def record(steps: int, store: str) -> None:
    env = Trace(
        table("mnist1d", store), "tensorboard_logs/uniform", "uniform", minari=DATA_SET, overwrite=True
    )
    rng = np.random.default_rng(0)
    _, info = env.reset(seed=0)
    for _ in range(steps):
        action = rng.choice(np.flatnonzero(info["action_mask"]))
        *_, terminated, truncated, info = env.step(action)
        if terminated or truncated:
            _, info = env.reset()
    env.close()


def load(share: float) -> Steps:
    """The steps of this share of the episodes, those of the highest returns."""
    episodes = sorted(minari.load_dataset(DATA_SET), key=lambda episode: -episode.rewards.sum())
    chosen = episodes[: max(1, round(share * len(episodes)))]
    columns = {
        "state": [episode.observations[:-1] for episode in chosen],
        "legal": [episode.infos["action_mask"][:-1] == 1 for episode in chosen],
        "action": [episode.actions for episode in chosen],
        "reward": [episode.rewards.astype(np.float32) for episode in chosen],
        "next": [episode.observations[1:] for episode in chosen],
        "next_legal": [episode.infos["action_mask"][1:] == 1 for episode in chosen],
    }
    return {name: torch.from_numpy(np.concatenate(parts)) for name, parts in columns.items()}


def masked(scores: torch.Tensor, legal: torch.Tensor) -> torch.Tensor:
    return scores.masked_fill(~legal, -torch.inf)


def make_network(steps: Steps) -> nn.Module:
    inputs, actions = steps["state"].shape[1], steps["legal"].shape[1]
    hidden = [nn.Linear(inputs, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU()]
    return nn.Sequential(*hidden, nn.Linear(128, actions))


def clone(steps: Steps, updates: int) -> nn.Module:
    """Behaviour cloning: the recorded actions become likely among the legal ones."""
    network = make_network(steps)

    def loss(batch: Steps) -> torch.Tensor:
        return nn.functional.cross_entropy(masked(network(batch["state"]), batch["legal"]), batch["action"])

    return train(network, loss, steps, updates)


def learn_values(steps: Steps, updates: int) -> nn.Module:
    """Conservative Q-learning: the error of Q-learning, and a penalty on edits that nobody took."""
    network, target = make_network(steps), make_network(steps)
    target.load_state_dict(network.state_dict())

    def loss(batch: Steps) -> torch.Tensor:
        with torch.no_grad():
            for slow, fast in zip(target.parameters(), network.parameters(), strict=True):
                slow.lerp_(fast, FOLLOWING)
            # The horizon cuts episodes off and does not end them, so every step bootstraps.
            future = masked(target(batch["next"]), batch["next_legal"]).amax(-1)
        q = masked(network(batch["state"]), batch["legal"])
        taken = q.gather(1, batch["action"][:, None]).squeeze(1)
        error = (taken - batch["reward"] - GAMMA * future).square().mean() / 2
        return error + PENALTY * (q.logsumexp(-1) - taken).mean()

    return train(network, loss, steps, updates)


def train(network: nn.Module, loss: Callable[[Steps], torch.Tensor], steps: Steps, updates: int) -> nn.Module:
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(updates):
        rows = torch.randint(len(steps["action"]), (256,))
        optimizer.zero_grad()
        loss({name: column[rows] for name, column in steps.items()}).backward()
        optimizer.step()
    return network


def interval(values: np.ndarray, others: np.ndarray | None = None) -> str:
    """The mean, or the difference of means, with its 95% bootstrap interval over runs."""
    rng = np.random.default_rng(0)
    means = [rng.choice(each, (10_000, len(each))).mean(1) for each in (values, others) if each is not None]
    drawn = means[0] - (means[1] if others is not None else 0)
    mean = values.mean() - (others.mean() if others is not None else 0)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{mean:.4f} [{low:.4f}, {high:.4f}]"


def main(
    steps: int = 10_000,
    updates: int = 3_000,
    evaluations: int = 30,
    seeds: int = 200,
    tasks: tuple[str, ...] = ("mnist1d", "digits"),
    store: str = "memory",
) -> None:
    if DATA_SET not in minari.list_local_datasets():
        record(steps, store)
    recorded = load(share=1.0)
    networks = len(recorded["next"].unique(dim=0))
    print(f"{len(recorded['action']):,} steps, after which {networks:,} different networks were scored,")
    print(f"the best {recorded['reward'].max():.4f}: this is known before any policy walks")
    torch.manual_seed(0)
    policies = [
        OfflinePolicy("behaviour cloning", clone(load(share=0.1), updates), temperature=1.0),
        OfflinePolicy("discrete CQL", learn_values(recorded, updates), temperature=0.05),
    ]
    for task in tasks:
        env = table(task, store)
        seen = "the task of the steps" if task == "mnist1d" else "another task"
        print(f"{task}, {seen}: best validation accuracy of {evaluations} evaluations, mean of {seeds} runs")
        baseline = None
        for agent in (RandomSearch(), RandomWalk(), *policies):
            runs = range(FIRST_SEED, FIRST_SEED + seeds)
            found = np.array([agent.search(env, evaluations, seed).score for seed in runs])
            line = f"  {agent.name:18} {interval(found)}"
            print(line if baseline is None else f"{line}, above random search by {interval(found, baseline)}")
            baseline = found if baseline is None else baseline


if __name__ == "__main__":
    main()
