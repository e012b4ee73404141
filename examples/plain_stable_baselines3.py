"""How do I trace a plain stable-baselines3 model? Give its `learn` one callback."""

from __future__ import annotations

from pathlib import Path

import gymnasium as gym
from stable_baselines3 import PPO

from nas_gym import TraceCallback  # importing nas_gym registers NAS-v0


def main(store: str = "user", folder: str = "tensorboard_logs/plain-ppo", steps: int = 400) -> None:
    env = gym.make("NAS-v0", store=store)
    model = PPO("MultiInputPolicy", env, n_steps=40, batch_size=40, gamma=0.9, seed=0)
    model.learn(steps, callback=TraceCallback(folder, overwrite=True))
    print(f"{env.unwrapped.stats.unique} networks were trained in {steps} steps")
    print(f"open it: tensorboard --logdir {Path(folder)}")


if __name__ == "__main__":
    main()
