"""What is the environment? Ten random legal edits of a network, each paid by real training."""

from __future__ import annotations

import gymnasium as gym

import nas_gym  # noqa: F401 - registers NAS-v0


def main(store: str = "user") -> None:
    env = gym.make("NAS-v0", horizon=10, render_mode="ansi", store=store)
    env.action_space.seed(0)
    _, info = env.reset(seed=0)
    ended = False
    while not ended:
        action = env.action_space.sample(info["action_mask"])
        _, reward, terminated, truncated, info = env.step(action)
        ended = terminated or truncated
        print(f"{env.render().strip()}  ->  {reward:.4f}")
    print("best of the episode:", info["best_score"])
    print("account of the run:", env.unwrapped.stats)


if __name__ == "__main__":
    main()
