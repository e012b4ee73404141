"""Made-up runs, for tests of what is said about runs."""

import numpy as np
from nas_agents.comparison.records import Run


def made_up(agent, seed, test, scores=(0.2, 0.5, 0.4), costs=None, **others):
    scores = np.array(scores)
    values = {
        "access": "walk",
        "architecture": f"relu-{seed}",
        "metric": "accuracy",
        "validation": test - 0.01,
        "fidelities": np.full(len(scores), np.inf),
        "costs": np.ones(len(scores)) if costs is None else np.array(costs),
        "failed": 0,
        "stopped": "budget",
        "chance": 0.1,
    }
    return Run(agent=agent, seed=seed, test=test, scores=scores, **(values | others))


def field(agents=("random", "tpe"), seeds=6, lead=0.1, rng_seed=0):
    """Runs of agents each of which is better than the one before by `lead`."""
    rng = np.random.default_rng(rng_seed)
    return [
        made_up(agent, seed, 0.5 + lead * place + 0.01 * rng.random(), rng.random(8), rng.random(8) + 0.1)
        for seed in range(seeds)
        for place, agent in enumerate(agents)
    ]


def on_a_table(agents=("random", "tpe"), seeds=6, rng_seed=0):
    """Runs of which each agent's comes to the optimum, .9, in fewer evaluations than the one before."""
    rng, runs = np.random.default_rng(rng_seed), []
    for seed in range(seeds):
        for place, agent in enumerate(agents):
            there = 7 - 2 * place + seed % 2
            regrets = np.where(np.arange(8) + 1 >= there, 0.0, 0.1 / (1 + np.arange(8) + place))
            scores = 0.9 - regrets
            final = {"validation": scores[-1], "regrets": regrets}
            runs.append(made_up(agent, seed, 0.8, scores, rng.random(8) + 0.1, **final))
    return runs
