"""How do I predict numbers? A network found for a table of patients, beside a random forest."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
from nas_agents import Evolution
from sklearn.ensemble import RandomForestRegressor

import nas_gym  # noqa: F401 - registers NAS-v0

SEEDS = [1, 2, 3]  # of trainings that the search did not use


def main(store: str = "memory", budget: int = 60) -> None:
    env = gym.make("NAS-v0", task="diabetes", store=store)
    task, evaluator = env.unwrapped.task, env.unwrapped.evaluator
    result = Evolution(population=15).search(env, budget=budget, seed=0)
    print(f"chosen: {result.architecture}, R² {result.score:.3f} on validation data")

    # The test part is looked at once, now that everything is chosen.
    chosen = env.unwrapped.search_space.parse(result.architecture)
    networks = [(score.test_score, score.metrics) for score in evaluator.test(chosen, SEEDS)]
    forests = []
    for seed in SEEDS:
        forest = RandomForestRegressor(random_state=seed).fit(task.x_train, task.y_train.ravel())
        forests.append(task.target.measure(forest.predict(task.x_test)[:, None], task.y_test))
    for name, measured in (("found network", networks), ("random forest", forests)):
        r2 = np.mean([score for score, _ in measured])
        rmse = np.mean([metrics["rmse"] for _, metrics in measured])
        print(f"{name}: R² {r2:.3f}, RMSE {rmse:.1f} on test data, means of {len(SEEDS)} trainings")


if __name__ == "__main__":
    main()
