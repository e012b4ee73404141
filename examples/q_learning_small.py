"""Does tabular Q-learning find the best of 14 architectures? The whole Q-table beside the whole truth.

All 14 networks are trained with 5 seeds each, so the best are known; then Q-learning searches them
by editing one network, and its greedy policy is followed from every start state.

Run it with ``python examples/q_learning_small.py``; it trains 70 small networks in some seconds.
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from nas_agents import QLearning

from nas_gym import Request  # importing nas_gym registers NAS-v0
from nas_gym.traces import Policy, State

SPACE = {"name": "mlp", "max_layers": 3, "widths": [64], "activations": ["relu", "sigmoid"]}
SEEDS = [0, 1, 2, 3, 4]
BUDGET = 40
AGENT = QLearning(outputs="actions", alpha=0.5, replay=20)


def make_env(store: str = "memory") -> gym.Env[Any, Any]:
    """NAS-v0 on the small space; a reward is the mean accuracy of 5 trainings."""
    return gym.make("NAS-v0", search_space=SPACE, evaluator={"name": "train", "seeds": SEEDS}, store=store)


def train_all(env: gym.Env[Any, Any]) -> dict[Any, np.ndarray]:
    """Validation accuracies of every architecture, one per training seed."""
    space, evaluator = env.unwrapped.search_space, env.unwrapped.evaluator
    requests = [Request(architecture, seed) for architecture in space for seed in SEEDS]
    scores = np.array([evaluation.score for evaluation in evaluator.evaluate(requests)])
    return dict(zip(space, scores.reshape(-1, len(SEEDS)), strict=True))


def near_best(scores: dict[Any, np.ndarray]) -> set[Any]:
    """The architectures whose mean is within one standard error of the best mean."""
    best = max(scores.values(), key=np.mean)
    bound = best.mean() - best.std(ddof=1) / np.sqrt(len(best))
    return {architecture for architecture, values in scores.items() if values.mean() >= bound}


def greedy_path(env: gym.Env[Any, Any], policy: Policy, start: Any) -> list[tuple[str, Any]]:
    """An episode of the greedy policy from a start state: each edit and what it leads to."""
    space, architecture, path = env.unwrapped.search_space, start, []
    for _ in range(env.unwrapped.horizon):
        mask = space.mask(architecture)
        scores = policy.scores([State(architecture)], mask[None])[0]
        action = int(np.where(mask, scores, -np.inf).argmax())
        architecture = space.apply(architecture, action)
        path.append((str(space.actions[action]), architecture))
    return path


def show_truth(scores: dict[Any, np.ndarray], best: set[Any]) -> None:
    """Print every architecture's mean accuracy and its standard error, the near-best starred."""
    print("Exhaustive training, mean of 5 seeds (* = within one standard error of the best)")
    for architecture, values in sorted(scores.items(), key=lambda item: -item[1].mean()):
        error = values.std(ddof=1) / np.sqrt(len(values))
        print(
            f"  {'*' if architecture in best else ' '} {architecture!s:40} {values.mean():.4f} ± {error:.4f}"
        )


def show_table(env: gym.Env[Any, Any], policy: Policy) -> None:
    """Print Q(s, a), a row per state and a column per edit; illegal edits are dots."""
    space = env.unwrapped.search_space
    print("\nQ-table: rows are states, columns edits")
    for number, edit in enumerate(space.actions):
        print(f"  {number:2} {edit}")
    print(" " * 40 + "".join(f"{number:6}" for number in range(len(space.actions))))
    for architecture in space:
        mask = space.mask(architecture)
        scores = policy.scores([State(architecture)], mask[None])[0]
        cells = (f"{score:6.2f}" if legal else "     ." for score, legal in zip(scores, mask, strict=True))
        print(f"{architecture!s:40}" + "".join(cells))


def show_policy(env: gym.Env[Any, Any], policy: Policy, best: set[Any]) -> None:
    """Print where the greedy policy leads from every start state, and by which edits."""
    print("\nGreedy policy from every start state")
    for start in env.unwrapped.search_space:
        path = greedy_path(env, policy, start)
        edits = [edit for edit, _ in path if edit != "keep"]
        star = "*" if path[-1][1] in best else " "
        print(f"  {star} {start!s:40} → {path[-1][1]!s:24} by: {', '.join(edits) or 'keep'}")


def main(store: str = "memory") -> None:
    """Train everything, search, and show both."""
    env = make_env(store)
    scores = train_all(env)
    best = near_best(scores)
    show_truth(scores, best)
    result = AGENT.search(env, budget=BUDGET, seed=0)
    assert result.policy is not None
    show_table(env, result.policy)
    show_policy(env, result.policy, best)
    print(f"\nQ-learning took {result.steps} steps and chose {result.architecture} ({result.score:.4f})")


if __name__ == "__main__":
    main()
