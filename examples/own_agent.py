"""How do I write an agent? One method; the suite compares it with all the others.

Compare it on the command line with
``nas-gym compare --agents random,own_agent:GreedyWalk --seeds 3 --budget 20`` in this folder.
"""

from __future__ import annotations

from dataclasses import dataclass

import gymnasium as gym
from nas_agents import Agent, RandomSearch
from nas_agents.agent import Session

import nas_gym  # noqa: F401 - registers NAS-v0


@dataclass(kw_only=True)
class GreedyWalk(Agent):
    """Undoes every edit that made the network worse; its fields are its hyperparameters."""

    name = "own_agent:GreedyWalk"
    access = "walk"

    patience: int = 5

    def run(self, session: Session) -> None:
        best, worse = 0.0, 0
        _, info = session.env.reset(seed=session.seed)
        here = info["architecture"]
        while True:
            action = int(session.rng.choice(info["action_mask"].nonzero()[0]))
            _, reward, _, truncated, info = session.env.step(action)
            if reward >= best:
                best, worse, here = reward, 0, info["architecture"]
            else:
                worse += 1
            if truncated or worse == self.patience:
                worse = 0
                _, info = session.env.reset(options={"architecture": here})


def main(store: str = "memory", budget: int = 30) -> None:
    env = gym.make("NAS-v0", store=store)
    for agent in (GreedyWalk(), RandomSearch()):
        result = agent.search(env, budget=budget, seed=0)
        print(f"{agent.name:22} saw {result.accuracy:.4f} at {result.architecture}")


if __name__ == "__main__":
    main()
