"""How do I find a network for my own data? Arrays in, a trained network and its test accuracy out."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
from nas_agents import Evolution

from nas_gym import Task  # importing nas_gym registers NAS-v0


def make_data() -> tuple[np.ndarray, np.ndarray]:
    """Two interleaved spirals in five noisy features: stands for data of one's own."""
    rng = np.random.default_rng(0)
    y = np.arange(1500) % 2
    angle = rng.uniform(0.5, 9.0, size=1500)
    x = rng.normal(scale=0.2, size=(1500, 5))
    x[:, 0] += angle * np.cos(angle + np.pi * y)
    x[:, 1] += angle * np.sin(angle + np.pi * y)
    return x, y


def main(store: str = "memory") -> None:
    x, y = make_data()
    task = Task.from_arrays(x, y, name="spirals")
    env = gym.make("NAS-v0", task=task, store=store)
    result = Evolution(population=10).search(env, budget=40, seed=0)
    print(f"chosen after {len(result.evaluations)} evaluations: {result.architecture}")
    chosen = env.unwrapped.search_space.parse(result.architecture)
    scores = env.unwrapped.evaluator.test(chosen, seeds=[1, 2, 3])
    print("test accuracy of three fresh trainings:", [round(score.test_score, 4) for score in scores])


if __name__ == "__main__":
    main()
