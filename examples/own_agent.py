"""How do I write an agent? One method; the suite compares it with all the others.

Compare it on the command line with
``nas-gym compare --agents random,own_agent:GreedyWalk --seeds 3 --budget 20`` in this folder.
"""

from __future__ import annotations

from dataclasses import dataclass

import gymnasium as gym
from nas_agents import Agent, RandomSearch, Session

import nas_gym  # noqa: F401 - registers NAS-v0


@dataclass(kw_only=True)
class GreedyWalk(Agent):
    """Goes back to the best network after some edits that made it no better; fields are hyperparameters.

    ``access = "walk"`` promises to step only, in episodes that begin where the environment begins
    them; the search holds it to that. So it goes back as a walk can: it resets and repeats the edits
    that led to the best network, which is known and costs no evaluation. An agent that asks for any
    architecture at will declares ``"query"`` and calls ``session.ask([architecture])``.
    """

    name = "own_agent:GreedyWalk"
    access = "walk"

    patience: int = 5

    def run(self, session: Session) -> None:
        best, way = 0.0, list[int]()
        while True:
            best, way = self._episode(session, best, way)

    def _episode(self, session: Session, best: float, way: list[int]) -> tuple[float, list[int]]:
        """Walk to the best network known and on from there; the best score and the way to it."""
        _, info = session.env.reset()
        made, over, start = list[int](), False, way
        while not over and len(made) < len(start) + self.patience:
            ahead = start[len(made) :]
            action = ahead[0] if ahead else int(session.rng.choice(info["action_mask"].nonzero()[0]))
            _, _, terminated, truncated, info = session.env.step(action)
            made.append(action)
            over = terminated or truncated
            if info["score"] > best:
                best, way = info["score"], list(made)
        # A way that fills an episode leaves no step to go on from there.
        return (0.0, []) if over and len(way) == len(made) else (best, way)


def main(store: str = "memory", budget: int = 30) -> None:
    env = gym.make("NAS-v0", store=store)
    for agent in (GreedyWalk(), RandomSearch()):
        result = agent.search(env, budget=budget, seed=0)
        print(f"{agent.name:22} saw {result.score:.4f} at {result.architecture}")


if __name__ == "__main__":
    main()
