"""Short loops of stable-baselines3 and sb3-contrib, on one environment and on the native vector one."""

from __future__ import annotations

import pytest

from tests.interop.tools import INFORMATION, needed, single, vector

sb3 = needed("stable_baselines3")
contrib = needed("sb3_contrib")
from nas_gym.envs.vector.sb3 import SB3VecEnv  # noqa: E402

STEPS = 60
ALGORITHMS = {
    "PPO": (sb3.PPO, {"n_steps": 10, "batch_size": 10}),
    "DQN": (sb3.DQN, {"learning_starts": 10, "train_freq": 4}),
    "MaskablePPO": (contrib.MaskablePPO, {"n_steps": 10, "batch_size": 10}),
}


@pytest.mark.parametrize("kind", ["single", "native", "sync"])
@pytest.mark.parametrize("name", ALGORITHMS)
def test_it_learns(name, kind):
    algorithm, settings = ALGORITHMS[name]
    env = single() if kind == "single" else SB3VecEnv(vector(kind, "same_step"))
    model = algorithm("MultiInputPolicy", env, gamma=0.9, seed=0, **settings)
    before = {key: value.clone() for key, value in model.policy.state_dict().items()}
    infos = []

    def watch(local, _):
        infos.extend(local["infos"])
        return True

    model.learn(STEPS, callback=watch)
    assert len(infos) >= STEPS
    assert all(info.keys() >= INFORMATION for info in infos)
    assert any((value != before[key]).any() for key, value in model.policy.state_dict().items())
    if name == "MaskablePPO":
        assert not any(info["illegal_action"] for info in infos)


def test_masked_evaluation():
    from sb3_contrib.common.maskable.evaluation import evaluate_policy
    from stable_baselines3.common.monitor import Monitor

    model = contrib.MaskablePPO("MultiInputPolicy", single(), n_steps=10, batch_size=10, seed=0)
    mean, _ = evaluate_policy(model, Monitor(single()), n_eval_episodes=2)
    assert 0.0 < mean < 5.0
