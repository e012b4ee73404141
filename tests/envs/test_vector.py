"""Vector environments of Gymnasium over single environments."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import warnings

import gymnasium as gym
import numpy as np
import pytest

from tests.helpers.vectors import TRAINED


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_vector_environment_equals_single_environments_over_fifty_steps(mode, tmp_path):
    count, kwargs = 3, TRAINED | {"store": str(tmp_path / "store.sqlite")}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        envs = gym.make_vec("NAS-v0", num_envs=count, vectorization_mode=mode, **kwargs)
        singles = [gym.make("NAS-v0", **kwargs) for _ in range(count)]
        observations, _ = envs.reset(seed=5)
        alone = [env.reset(seed=5 + number)[0] for number, env in enumerate(singles)]
        ended = [False] * count
        rng = np.random.default_rng(0)
        for _ in range(50):
            for number in range(count):
                assert (observations["layers"][number] == alone[number]["layers"]).all()
            actions = rng.integers(envs.single_action_space.n, size=count)
            observations, rewards, _, truncations, infos = envs.step(actions)
            for number, env in enumerate(singles):
                if ended[number]:  # next-step autoreset: the step after the last one resets
                    alone[number], info = env.reset()
                    reward, ended[number] = 0.0, False
                else:
                    alone[number], reward, _, ended[number], info = env.step(actions[number])
                assert rewards[number] == reward
                assert truncations[number] == ended[number]
                assert infos["architecture"][number] == info["architecture"]
                assert (infos["action_mask"][number] == info["action_mask"]).all()
        envs.close()


def test_an_async_environment_after_training_in_the_parent_does_not_hang(tmp_path):
    """Forked children of a parent that trained with several threads still train."""
    program = textwrap.dedent(
        f"""
        import gymnasium as gym, torch
        import nas_gym

        if __name__ == "__main__":
            torch.set_num_threads(2)
            x = torch.randn(2000, 2000, requires_grad=True)
            (x @ x).sum().backward()
            kwargs = {TRAINED!r} | {{"store": {str(tmp_path / "store.sqlite")!r}}}
            single = gym.make("NAS-v0", **kwargs)
            single.reset(seed=0)
            single.step(0)
            envs = gym.make_vec("NAS-v0", num_envs=2, vectorization_mode="async", **kwargs)
            envs.reset(seed=0)
            for action in range(6):
                rewards = envs.step([action, action + 1])[1]
            envs.close()
            print("done", (rewards > 0).all())
        """
    )
    script = tmp_path / "program.py"
    script.write_text(program)
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.strip() == "done True", done.stderr
